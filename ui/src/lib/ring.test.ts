import { describe, expect, it } from 'vitest';
import { Ring } from './ring';

const kept = (ring: Ring<string>): string[] => {
  const out: string[] = [];
  for (let i = ring.first; i < ring.next; i++) out.push(ring.at(i) ?? '?');
  return out;
};

describe('Ring', () => {
  it('keeps the latest by number', () => {
    const ring = new Ring<string>(3, 1000, (s) => s.length);
    for (const s of ['a', 'b', 'c', 'd', 'e']) ring.push(s);
    expect(kept(ring)).toEqual(['c', 'd', 'e']);
    expect([ring.first, ring.next]).toEqual([2, 5]);
    expect([ring.at(1), ring.at(5)]).toEqual([undefined, undefined]);
  });

  it('keeps the latest by weight, and always the last', () => {
    const ring = new Ring<string>(10, 5, (s) => s.length);
    for (const s of ['aa', 'bb', 'cc']) ring.push(s);
    expect(kept(ring)).toEqual(['bb', 'cc']);
    ring.push('ddddddd');
    expect(kept(ring)).toEqual(['ddddddd']);
    ring.push('e');
    expect(kept(ring)).toEqual(['e']);
  });

  it('is empty once cleared, and goes on counting', () => {
    const ring = new Ring<string>(3, 1000, (s) => s.length);
    ring.push('a');
    ring.clear();
    ring.push('b');
    expect([kept(ring), ring.first]).toEqual([['b'], 1]);
  });
});
