import { expect, it } from 'vitest';
import { doubtsOf, kindsOf } from './looked-for';

for (const [id, kinds, doubt] of [
  ['01a219e4ae9702561892fbcf075ac10e', 'correlation trace alias beginning ending', 'mistyped'],
  ['01a219e4-ae97-0256-1892-fbcf075ac10e', 'correlation trace alias beginning ending', 'mistyped'],
  ['00-01a219e4ae9702561892fbcf075ac10e-130b6168a70852f3-01', 'correlation trace alias beginning ending', 'mistyped'],
  ['01a219e4ae9702561892fbcf075ac10', 'correlation alias beginning ending', 'digits'],
  ['O1a219e4ae9702561892fbcf075ac10e', 'correlation alias beginning ending', 'lookalike'],
  ['10482', 'correlation alias beginning', 'mistyped'],
  ['12345678', 'correlation trace alias beginning ending', 'mistyped'],
  ['ab', 'correlation alias', 'short'],
  ['two words', 'correlation alias beginning ending', 'spaces'],
  ['訂單42號碼', 'correlation alias beginning ending', 'characters'],
] as const) {
  it(`looks for ${id} as ${kinds}, and doubts ${doubt} first`, () => expect([kindsOf(id).join(' '), doubtsOf(id)[0]]).toEqual([kinds, doubt]));
}
