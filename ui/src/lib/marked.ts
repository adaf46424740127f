import { printable } from './printable';

// printable() leaves no such character in what comes from outside.
const OPEN = '\u0001';
const CLOSE = '\u0002';

/** A name from outside inside of a sentence, to be drawn apart from the words around it. */
export function marked(name: string): string {
  return OPEN + printable(name) + CLOSE;
}

/** A sentence cut where names begin and end: words and names in turn, words first. */
export function markedParts(sentence: string): readonly string[] {
  return sentence.split(/[\u0001\u0002]/);
}

/** The sentence as plain text. */
export function unmarked(sentence: string): string {
  return markedParts(sentence).join('');
}
