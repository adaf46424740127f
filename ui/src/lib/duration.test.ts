import { describe, expect, it } from 'vitest';
import { formatDuration, formatSeconds } from './duration';

describe('formatDuration', () => {
  const reads = (ns: number, want: string) =>
    it(`${ns} ns → ${want}`, () => expect(formatDuration(ns).replaceAll('\u00a0', ' ')).toBe(want));

  reads(0, '0 ns');
  reads(840, '840 ns');
  reads(1_000, '1.0 µs');
  reads(12_340, '12.3 µs');
  reads(999_400, '999 µs');
  reads(999_960, '1.0 ms');
  reads(1_200_000, '1.2 ms');
  reads(99_960_000, '100 ms');
  reads(512_345_678, '512 ms');
  reads(999_960_000, '1.00 s');
  reads(1_250_000_000, '1.25 s');
  reads(59_960_000_000, '1 min');
  reads(125_000_000_000, '2 min 5 s');
  reads(3_599_600_000_000, '1 h');
  reads(12_000_000_000_000, '3 h 20 min');
  reads(86_400_000_000_000, '1 d');
  reads(187_200_000_000_000, '2 d 4 h');
  reads(-300_000, '−300 µs');
});

describe('formatSeconds', () => {
  it('says whole seconds', () => {
    expect([0, 999e6, 8.9e9, 59.99e9, 60e9, 125.4e9, 3600e9].map((ns) => formatSeconds(ns).replaceAll('\u00a0', ' '))).toEqual(['0 s', '0 s', '8 s', '59 s', '1 min', '2 min 5 s', '1 h']);
  });
});
