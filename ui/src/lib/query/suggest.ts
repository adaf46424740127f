import type { AtCaret } from './caret';
import { quoted } from './condition';

/** A name that a query may use. */
export interface QueryField {
  readonly name: string;
  /** What it is, for people. */
  readonly about: string;
  /** Its values, where it has only these. */
  readonly values: readonly string[];
  /** The server can count its values by this name; empty: it cannot. */
  readonly counted: string;
}

export interface Suggestion {
  /** What is written in the place of what stands at the caret. */
  readonly insert: string;
  readonly label: string;
  readonly about: string;
}

const MOST = 12;

/** What may stand at the caret. `counted` are values that the server has counted for the caret's field. */
export function suggest(at: AtCaret, fields: readonly QueryField[], counted: readonly string[]): readonly Suggestion[] {
  const written = at.written.toLowerCase();
  const begins = (name: string): boolean => name.toLowerCase().startsWith(written);
  const has = (name: string): boolean => name.toLowerCase().includes(written);
  if (at.kind === 'name') {
    const named = [...fields.filter(({ name }) => begins(name)), ...fields.filter(({ name }) => !begins(name) && has(name))];
    return named.slice(0, MOST).map(({ name, about }) => ({ insert: name.endsWith('.') ? name : `${name}:`, label: name, about }));
  }
  const values = fieldOf(fields, at.name)?.values ?? [];
  const all = [...new Set([...values, ...counted])];
  return [...all.filter(begins), ...all.filter((value) => !begins(value) && has(value))].slice(0, MOST)
    .map((value) => ({ insert: `${quoted(value)} `, label: value, about: '' }));
}

export function fieldOf(fields: readonly QueryField[], name: string): QueryField | undefined {
  return fields.find((field) => field.name === name);
}

/** The text with a suggestion in place of what stands at the caret, and where the caret then is. */
export function complete(text: string, at: AtCaret, insert: string): { readonly text: string; readonly caret: number } {
  const rest = text.slice(at.to);
  const put = insert.endsWith(' ') && /^[\s)]/.test(rest) ? insert.trimEnd() : insert;
  return { text: text.slice(0, at.from) + put + rest, caret: at.from + put.length };
}
