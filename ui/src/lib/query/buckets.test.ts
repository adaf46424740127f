import { expect, it } from 'vitest';
import { fill } from './buckets';

it('has every step, also those without records', () => {
  const { starts, counts } = fill({
    from: '1970-01-01T00:00:07Z', until: '1970-01-01T00:00:25Z', step: 5e9,
    buckets: [{ start: '1970-01-01T00:00:05Z', count: 3 }, { start: '1970-01-01T00:00:20Z', count: 1 }],
  });
  expect(starts).toEqual([5, 10, 15, 20]);
  expect(counts).toEqual([3, 0, 0, 1]);
});

it('is bounded', () => expect(fill({ from: '1970-01-01T00:00:00Z', until: '2026-01-01T00:00:00Z', step: 1e9, buckets: [] }).starts).toHaveLength(4000));
