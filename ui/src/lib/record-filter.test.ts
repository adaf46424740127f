import { expect, it } from 'vitest';
import { isAll, queryOfFilter } from './record-filter';
import type { RecordFilter } from './record-filter';

const filter = (more: Partial<RecordFilter>): RecordFilter => ({ level: '', service: '', words: '', hop: '', ...more });

for (const [more, want] of [
  [{}, ''],
  [{ level: 'warn' }, 'level>=warn'],
  [{ service: 'my bank', level: 'error' }, 'service:"my bank" level>=error'],
  [{ words: ' timeout ' }, 'timeout'],
  [{ words: 'a OR b' }, 'a OR b'],
  [{ words: 'a OR b', service: 'bank' }, 'service:bank (a OR b)'],
  [{ hop: 'h' }, ''],
] as const) {
  it(`${JSON.stringify(more)} → ${want}`, () => expect(queryOfFilter(filter(more))).toBe(want));
}
it('knows when it leaves nothing out', () => expect([{}, { words: ' ' }, { hop: 'h' }, { level: 'warn' } as const].map((more) => isAll(filter(more)))).toEqual([true, true, false, false]));
