import { describe, expect, it } from 'vitest';
import { readCaret } from './caret';

// The caret is written as ‸.
const at = (text: string) => {
  const caret = text.indexOf('‸');
  const found = readCaret(text.replace('‸', ''), caret);
  if (found === null) return null;
  return `${found.kind} ${found.name}[${found.written}] ${found.from}–${found.to}`;
};

describe('readCaret', () => {
  const reads = (text: string, want: string | null) => it(text, () => expect(at(text)).toBe(want));

  reads('‸', 'name [] 0–0');
  reads('serv‸', 'name [serv] 0–4');
  reads('se‸rv', 'name [se] 0–4');
  reads('timeout lev‸', 'name [lev] 8–11');
  reads('-lev‸', 'name [lev] 1–4');
  reads('(lev‸', 'name [lev] 1–4');
  reads('service:‸', 'value service[] 8–8');
  reads('service:ba‸nk x', 'value service[ba] 8–12');
  reads('level>=w‸', 'value level[w] 7–8');
  reads('service:(bank OR ga‸', 'value service[ga] 17–19');
  reads('service:(‸', 'value service[] 9–9');
  reads('operation:"POST /b‸uy" x', 'value operation[POST /b] 10–21');
  reads('service:(a OR b) le‸', 'name [le] 17–19');
  reads('"not eno‸ugh"', null);
  reads('message~"0x‸"', null);
});
