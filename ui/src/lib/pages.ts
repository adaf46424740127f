export interface Range {
  readonly from: number;
  readonly until: number;
}

/**
 * What of a long list is drawn: the range as it is, moved so that `at` is in it and no more is drawn than need be. −1: nothing has
 * to be in it. It may reach beyond the end, so that what is added there is drawn.
 */
export function pagesAround(range: Range, at: number, count: number, page: number): Range {
  const clamp = (n: number): number => Math.max(0, Math.min(count, n));
  if (at < 0 || (at >= range.from && at < range.until)) return { from: Math.min(range.from, clamp(count - 1)), until: range.until };
  // A step beyond the end goes on with the list; a leap begins it anew.
  if (at >= range.until && at < range.until + page) return { from: range.from, until: range.until + page };
  if (at < range.from && at >= range.from - page) return { from: clamp(range.from - page), until: range.until };
  const from = clamp(Math.floor(at / page) * page - page / 2);
  return { from, until: from + 2 * page };
}
