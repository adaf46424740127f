import { expect, it } from 'vitest';
import { grouped } from './number';

it('groups thousands as both languages do', () => {
  for (const n of [0, 7, 999, 1000, 12_345, 999_999, 1_000_000, -1, -999, -1000, 9_007_199_254_740_991]) {
    expect(grouped(n)).toBe(n.toLocaleString('en'));
    expect(grouped(n)).toBe(n.toLocaleString('zh-TW'));
  }
});
