import { expect, it } from 'vitest';
import { code128 } from './code128';

it('is start, one symbol a character, check and stop', () => {
  const widths = code128('Wikipedia'); // a well-known example, whose check symbol is 88
  expect(widths).toHaveLength((1 + 9 + 1) * 6 + 7);
  expect(widths.slice(0, 6).join('')).toBe('211214');
  expect(widths.slice(-13, -7).join('')).toBe('421211');
  expect(widths.slice(-7).join('')).toBe('2331112');
});

it('makes every symbol 11 modules wide, and stop 13', () => {
  const sum = (widths: number[]) => widths.reduce((a, b) => a + b, 0);
  expect(sum(code128('f19e03b7'))).toBe((1 + 8 + 1) * 11 + 13);
});

it('refuses what it cannot hold', () => expect(() => code128('ä')).toThrow(RangeError));
