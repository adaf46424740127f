/** What stands at the caret in a query, to be completed. */
export interface AtCaret {
  /** A name that a condition begins with, or the value of one. */
  readonly kind: 'name' | 'value';
  /** The condition's name; empty while it is a name that is written. */
  readonly name: string;
  /** What of it stands before the caret, without a quote. */
  readonly written: string;
  /** What would be replaced, as places in the text. */
  readonly from: number;
  readonly to: number;
}

const OPERATOR = /(?:>=|<=|[:><~])/;

/** Reads what stands at the caret; null where nothing can be completed, such as inside quoted text that belongs to no name. */
export function readCaret(text: string, caret: number): AtCaret | null {
  const from = conditionStart(text, caret);
  const before = text.slice(from, caret);
  const operator = OPERATOR.exec(before);
  if (operator === null) {
    if (before.includes('"')) return null;
    const sign = before.startsWith('-') ? 1 : 0;
    return { kind: 'name', name: '', written: before.slice(sign), from: from + sign, to: wordEnd(text, caret) };
  }
  const name = before.slice(0, operator.index).replace(/^-/, '');
  const value = before.slice(operator.index + operator[0].length);
  if (name === '' || operator[0] === '~') return null;
  const inside = /(?:^\(|\s)("?[^\s"]*)$/.exec(value); // one of several: service:(bank OR ga
  const written = value.startsWith('(') ? (inside?.[1] ?? '') : value;
  const start = caret - written.length;
  return { kind: 'value', name, written: written.replace(/^"/, ''), from: start, to: valueEnd(text, caret, written.startsWith('"')) };
}

/** Where the condition begins that the caret stands in: behind the last space that is neither quoted nor in a value's parentheses. */
function conditionStart(text: string, caret: number): number {
  let start = 0;
  let quoted = false;
  let depth = 0;
  for (let i = 0; i < caret; i++) {
    const c = text[i];
    if (c === '\\' && quoted) i++;
    else if (c === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (c === '(' && OPERATOR.test(text[i - 1] ?? '')) depth++;
    else if (c === ')' && depth > 0) depth--;
    else if ((c === ' ' || c === '(' || c === '\t') && depth === 0) start = i + 1;
  }
  return start;
}

function wordEnd(text: string, from: number): number {
  const rest = /^[^\s():<>~"]*/.exec(text.slice(from));
  return from + (rest?.[0].length ?? 0);
}

function valueEnd(text: string, from: number, quoted: boolean): number {
  const rest = quoted ? /^[^"]*"?/.exec(text.slice(from)) : /^[^\s)"]*/.exec(text.slice(from));
  return from + (rest?.[0].length ?? 0);
}
