import { describe, expect, it } from 'vitest';
import { verdicts } from './journey';
import { nextCheck, nextLook } from './refresh';

describe('nextLook', () => {
  for (const verdict of verdicts) {
    const open = verdict === 'in_transit' || verdict === 'unconfirmed';
    it(`${verdict}: ${open ? 'every second' : 'never again'}`, () =>
      expect(nextLook(verdict)).toBe(open ? 1000 : null));
  }

});

describe('nextCheck', () => {
  it('asks again when whoever asks wants it', () => expect(nextCheck({ kind: 'found', again: 500 }, 1)).toBe(500));

  it('backs off while the server is away, and never gives up', () =>
    expect([1, 2, 3, 4, 5, 6, 7, 100].map((tries) => nextCheck({ kind: 'away' }, tries))).toEqual([
      1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
    ]));

  it('looks a while for an unknown ID', () =>
    expect([1, 2, 3, 8, 9].map((tries) => nextCheck({ kind: 'not_found' }, tries))).toEqual([2000, 4000, 8000, 30_000, null]));

  it('leaves a final answer, and one that wants a token', () =>
    expect([nextCheck({ kind: 'final' }, 1), nextCheck({ kind: 'unauthorized' }, 1)]).toEqual([null, null]));
});
