import type { Hop } from './journey';
import type { Nanos } from './time';

/** By instance, when its first hop began, as its own clock said. */
export function earliestOf(hops: readonly Hop[]): ReadonlyMap<string, Nanos> {
  const earliest = new Map<string, Nanos>();
  for (const { node, start } of hops) {
    const known = earliest.get(node);
    if (start !== null && (known === undefined || start < known)) earliest.set(node, start);
  }
  return earliest;
}
