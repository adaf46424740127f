import { expect, it } from 'vitest';
import { rangeOf, withRange } from './range';

it('reads the time of a query', () => {
  expect(rangeOf('service:bank since:15m')).toEqual({ since: '15m', until: '' });
  expect(rangeOf('since:2026-11-24T10:00:00Z until:"5m" x')).toEqual({ since: '2026-11-24T10:00:00Z', until: '5m' });
  expect(rangeOf('notsince:15m')).toEqual({ since: '', until: '' });
});

it('replaces the time and leaves the rest', () => {
  expect(withRange('since:1h service:bank until:5m level:error', '15m', '')).toBe('service:bank level:error since:15m');
  expect(withRange('', '15m', '1m')).toBe('since:15m until:1m');
  expect(withRange('x since:1h', '', '')).toBe('x');
});
