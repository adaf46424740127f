import { describe, expect, it, vi } from 'vitest';
import { openAddress } from './address';
import type { Tracker } from './tracker';

function open(search: string) {
  const tracked: (string | null)[] = [];
  const listeners: (() => void)[] = [];
  const window = {
    location: { search },
    history: { pushState: vi.fn((_: unknown, __: string, url: string) => { window.location.search = new URL(url, 'http://w/').search; }) },
    addEventListener: (_: string, listener: () => void) => listeners.push(listener),
    scrollTo: () => undefined,
  };
  const tracker = { track: (id: string | null) => tracked.push(id) } as unknown as Tracker;
  const address = openAddress(tracker, window as unknown as Window);
  const goBackTo = (to: string) => {
    window.location.search = to;
    for (const listener of listeners) listener();
  };
  return { address, tracked, pushed: window.history.pushState, goBackTo };
}

describe('address', () => {
  it('shows what it names at first', () => expect(open('?id=a%2Fb').tracked).toEqual(['a/b']));
  it('shows the start page where it names nothing', () => expect(open('').tracked).toEqual([null]));

  it('names what the person asked for', () => {
    const { address, tracked, pushed } = open('');
    address.go('a+b');
    expect(pushed).toHaveBeenCalledWith(null, '', '/?id=a%2Bb');
    expect(tracked).toEqual([null, 'a+b']);
  });

  it('looks again at the same ID without a new page in the history', () => {
    const { address, tracked, pushed } = open('?id=a');
    address.go('a');
    expect(pushed).not.toHaveBeenCalled();
    expect(tracked).toEqual(['a', 'a']);
  });

  it('follows back and forward', () => {
    const { address, tracked, goBackTo } = open('?id=a');
    address.go('b');
    goBackTo('?id=a');
    goBackTo('');
    expect(tracked).toEqual(['a', 'b', 'a', null]);
  });

  it('takes a jump to a station for no news', () => {
    const { tracked, goBackTo } = open('?id=a');
    goBackTo('?id=a');
    expect(tracked).toEqual(['a']);
  });

  it('goes home', () => {
    const { address, tracked, pushed } = open('?id=a');
    address.home();
    expect(pushed).toHaveBeenCalledWith(null, '', '/');
    expect(tracked).toEqual(['a', null]);
  });
});
