import { describe, expect, it } from 'vitest';
import { foldedAxis, straightAxis } from './axis';
import { clockLabel, sinceLabels, wholeDuration } from './labels';
import { roundStep, ticksOf } from './ticks';

const plain = (labels: readonly string[]): string => labels.join(' | ').replaceAll('\u00a0', ' ');

describe('ticksOf', () => {
  it('stands at round numbers, apart', () => {
    const ticks = ticksOf(straightAxis(100e6), { from: 0, to: 100e6 }, 1000, 90);
    expect(ticks).toEqual({ step: 10e6, times: Array.from({ length: 11 }, (_, i) => i * 10e6) });
  });

  it('has none inside a break, and none too near to another behind it', () => {
    const axis = foldedAxis(Float64Array.of(0, 3600e9), Float64Array.of(40e6, 3600e9 + 60e6), 3600e9 + 60e6);
    const { times } = ticksOf(axis, { from: 0, to: axis.length }, 1000, 90);
    expect(times.filter((time) => time > 40e6 && time < 3600e9)).toEqual([]);
    expect(times.length).toBeGreaterThan(8);
  });

  it.each([[1, 1], [3, 5], [70, 100], [2.1e6, 5e6], [11e9, 15e9], [40e9, 60e9], [100e9, 120e9], [4 * 3600e9, 6 * 3600e9], [40 * 86400e9, 60 * 86400e9]])('rounds %d ns up to %d', (ns, step) => expect(roundStep(ns)).toBe(step));
});

describe('labels', () => {
  it('say each tick by what tells it from others', () => {
    expect(plain(sinceLabels([0, 5e6, 10e6], 5e6))).toBe('0 | 5 ms | 10 ms');
    expect(plain(sinceLabels([3600e9 + 2.005e9, 3600e9 + 2.01e9, 3600e9 + 2.015e9, 3600e9 + 3e9], 5e6))).toBe('1 h 2 s 5 ms | +10 ms | +15 ms | 1 h 3 s');
    expect(plain(sinceLabels([1.5e6, 2e6], 0.5e6))).toBe('1.5 ms | 2 ms');
  });

  it('show as many digits of the clock as are needed', () => {
    const zero = 1_795_439_109_044_210_400n;
    expect([60e9, 1e9, 1e6, 1e3, 1].map((step) => clockLabel(zero, 0, step, 'utc'))).toEqual(['13:05', '13:05:09', '13:05:09.044', '13:05:09.044210', '13:05:09.044210400']);
  });

  it('say all of a duration', () => {
    expect(plain([wholeDuration(0), wholeDuration(3600e9 + 12e6 + 7), wholeDuration(90e9)])).toBe('0 | 1 h 12 ms 7 ns | 1 min 30 s');
  });
});
