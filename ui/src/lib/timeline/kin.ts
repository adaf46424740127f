import { createRows } from './rows';
import type { Rows } from './rows';
import type { Timeline } from './timeline';

/** Who caused whom, for going from hop to hop. */
export interface Kin {
  /** By hop, the place of its parent; -1 where none is known. */
  readonly parent: Int32Array;
  /** By hop, the first hop that it caused, in causal order; -1 where it caused none. */
  readonly child: Int32Array;
  /** By hop, the legs that led to it and those that it sent, in the server's order. */
  readonly came: Rows;
  readonly sent: Rows;
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
  const zeros = new Float64Array(journey.legs.length);
  const order = Uint32Array.from(zeros.keys());
  const byHop = (hops: Int32Array): Rows => createRows(hops, journey.hops.length, zeros, zeros, order);
  return { parent, child, came: byHop(moments.legReceiver), sent: byHop(moments.legSender) };
}
