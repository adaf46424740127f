import { expect, it } from 'vitest';
import { levelOf, withLevel } from './level';

it('reads the least level', () => {
  expect(['', 'level>=warn', 'service:bank level>=error x', 'notlevel>=warn'].map(levelOf)).toEqual(['', 'warn', 'error', '']);
});

it('replaces it and leaves the rest', () => {
  expect(withLevel('service:bank level>=error x', 'warn')).toBe('service:bank x level>=warn');
  expect(withLevel('level>=error', '')).toBe('');
  expect(withLevel('x', 'info')).toBe('x level>=info');
});
