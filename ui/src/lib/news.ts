import type { Journey, Verdict } from './journey';

/** What one answer knows that the one before did not. */
export interface News {
  /** IDs of hops that were not there. */
  readonly hops: readonly string[];
  readonly records: number;
  /** Null where it is as before. */
  readonly verdict: Verdict | null;
}

/** Null where there is nothing new. */
export function newsOf(before: Journey, after: Journey): News | null {
  if (before === after) return null;
  const known = new Set(before.hops.map((hop) => hop.id));
  const hops = after.hops.filter((hop) => !known.has(hop.id)).map((hop) => hop.id);
  const records = Math.max(0, after.recordCount - before.recordCount);
  const verdict = after.verdict === before.verdict ? null : after.verdict;
  return hops.length === 0 && records === 0 && verdict === null ? null : { hops, records, verdict };
}
