import { describe, expect, it } from 'vitest';
import { isWhole, panned, showing, whole, within, zoomed } from './view';

const LENGTH = 1e6;
const all = whole(LENGTH);
const some = { from: 200_000, to: 400_000 };

describe('view', () => {
  it('keeps what the pointer is at where it is', () => {
    const view = zoomed(some, 0.5, 250_000, LENGTH);
    expect(view).toEqual({ from: 225_000, to: 325_000 });
  });

  it('shows no more than all, and no less than clocks can tell', () => {
    expect(zoomed(some, 100, 300_000, LENGTH)).toEqual(all);
    expect(isWhole(zoomed(some, 100, 300_000, LENGTH), LENGTH)).toBe(true);
    const least = zoomed(some, 1e-9, 300_000, LENGTH);
    expect(least.to - least.from).toBeCloseTo(100);
  });

  it('stops at the ends', () => {
    expect(panned(some, -10, LENGTH)).toEqual({ from: all.from, to: all.from + 200_000 });
    expect(within({ from: 2e6, to: 2.1e6 }, LENGTH).to).toBe(all.to);
  });

  it('moves as little as shows a thing', () => {
    expect(showing(some, 250_000, 300_000, LENGTH)).toBe(some);
    const later = showing(some, 500_000, 510_000, LENGTH);
    expect(later.to - later.from).toBe(200_000);
    expect(later.to).toBeGreaterThan(510_000);
    const wider = showing(some, 100_000, 700_000, LENGTH);
    expect([wider.from < 100_000, wider.to > 700_000]).toEqual([true, true]);
  });
});
