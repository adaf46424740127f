import { describe, expect, it } from 'vitest';
import { readCaret } from './caret';
import { complete, suggest } from './suggest';
import type { QueryField } from './suggest';

const fields: QueryField[] = [
  { name: 'service', about: 'the service', values: [], counted: 'service.name' },
  { name: 'level', about: 'how bad it is', values: ['debug', 'info', 'warn', 'error'], counted: 'log.level' },
  { name: 'verdict', about: 'what a journey says of itself', values: ['stalled', 'delivered'], counted: '' },
];

/** The text after the first suggestion was taken; the caret is written as ‸. */
function takeFirst(marked: string, counted: string[] = []): string | null {
  const text = marked.replace('‸', '');
  const at = readCaret(text, marked.indexOf('‸'));
  const first = at === null ? undefined : suggest(at, fields, counted)[0];
  if (at === null || first === undefined) return null;
  const done = complete(text, at, first.insert);
  return `${done.text.slice(0, done.caret)}‸${done.text.slice(done.caret)}`;
}

describe('completion', () => {
  const gives = (marked: string, want: string | null, counted?: string[]) => it(marked, () => expect(takeFirst(marked, counted)).toBe(want));

  gives('se‸', 'service:‸');
  gives('timeout -le‸ x', 'timeout -level:‸ x');
  gives('level>=w‸', 'level>=warn ‸');
  gives('verdict:st‸ since:1h', 'verdict:stalled‸ since:1h');
  gives('service:‸', 'service:bank ‸', ['bank', 'game']);
  gives('service:(bank OR g‸)', 'service:(bank OR game‸)', ['bank', 'game']);
  gives('service:p‸', 'service:"POST /buy" ‸', ['POST /buy']);
  gives('nothing‸', null);
});
