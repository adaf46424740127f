import type { Timeline } from './timeline';

/** Who caused whom, for going from hop to hop. */
export interface Kin {
  /** By hop, the place of its parent; -1 where none is known. */
  readonly parent: Int32Array;
  /** By hop, the first hop that it caused, in causal order; -1 where it caused none. */
  readonly child: Int32Array;
}

export function kinOf({ journey, moments }: Timeline): Kin {
  const place = moments.places;
  const parent = Int32Array.from(journey.hops, (hop) => place.get(hop.parent) ?? -1);
  for (const [i, to] of moments.legReceiver.entries()) {
    if (to >= 0 && parent[to] === -1) parent[to] = moments.legSender[i] ?? -1;
  }
  const child = new Int32Array(parent.length).fill(-1);
  for (let i = parent.length - 1; i >= 0; i--) {
    const up = parent[i] ?? -1;
    if (up >= 0 && up !== i) child[up] = i;
  }
  return { parent, child };
}

/** The legs that lead to a hop and from it. */
export function legsOf({ moments }: Timeline, hop: number): readonly number[] {
  const out: number[] = [];
  if (hop < 0) return out;
  for (let i = 0; i < moments.legSender.length; i++) {
    if (moments.legSender[i] === hop || moments.legReceiver[i] === hop) out.push(i);
  }
  return out;
}
