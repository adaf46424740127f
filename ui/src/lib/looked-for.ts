/** As what an ID is looked for. */
export type IdKind = 'correlation' | 'trace' | 'alias' | 'beginning' | 'ending';

/** What may be wrong with an ID that names no journey; the first is the likeliest. */
export type Doubt =
  /** It has characters that no correlation ID has. */
  | 'characters'
  /** Nearly the 32 digits that a correlation ID of ours has. */
  | 'digits'
  /** An O, l or I stands where all else is a digit or a to f. */
  | 'lookalike'
  /** Too few characters for a beginning or an end. */
  | 'short'
  | 'spaces'
  | 'mistyped'
  | 'old'
  | 'elsewhere'
  | 'early';

const SHORTEST_BEGINNING = 4;
const SHORTEST_END = 6;

/** What the server takes an ID for, in its order. */
export function kindsOf(id: string): readonly IdKind[] {
  const bare = id.trim();
  const digits = bare.replaceAll(/[-{}]/g, '');
  const kinds: IdKind[] = ['correlation'];
  if (/^[0-9a-f]{32}$/i.test(digits) || /^[0-9a-f]{16}$/i.test(bare) || /^\d{8,39}$/.test(bare) || /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/i.test(bare)) kinds.push('trace');
  kinds.push('alias');
  if (bare.length >= SHORTEST_BEGINNING) kinds.push('beginning');
  if (bare.length >= SHORTEST_END) kinds.push('ending');
  return kinds;
}

/** What may be wrong with an ID that was not found. */
export function doubtsOf(id: string): readonly Doubt[] {
  const bare = id.trim();
  const digits = bare.replaceAll(/[-{}]/g, '');
  const doubts: Doubt[] = [];
  if (/\s/.test(bare)) doubts.push('spaces');
  else if (/[^\x21-\x7e]/.test(bare)) doubts.push('characters');
  else if (/^[0-9a-f]{28,36}$/i.test(digits) && digits.length !== 32) doubts.push('digits');
  else if (/^[0-9a-fOlI]{8,40}$/i.test(digits) && /[OlI]/i.test(digits) && /\d/.test(digits)) doubts.push('lookalike');
  else if (bare.length < SHORTEST_BEGINNING) doubts.push('short');
  return [...doubts, 'mistyped', 'early', 'old', 'elsewhere'];
}
