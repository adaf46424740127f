import type { Journey } from '../journey';
import type { Moments } from './moments';
import { byStart, pack } from './pack';

export type LaneKind = 'service' | 'topic' | 'unknown';

/** A service with its hops, a topic with the messages that wait in it, or the hops that nothing known caused. */
export interface Lane {
  readonly kind: LaneKind;
  readonly name: string;
  readonly row: number;
  readonly rows: number;
  /** The instances that have rows of their own, as they ran at the same time; empty where they need none. */
  readonly instances: readonly Instance[];
  readonly hops: number;
  readonly errors: number;
}

export interface Instance {
  readonly node: string;
  readonly row: number;
  readonly rows: number;
}

export interface Lanes {
  readonly lanes: readonly Lane[];
  readonly rows: number;
  /** By thing: hops first, legs after them. -1 for legs that have no row, as they wait nowhere. */
  readonly rowOf: Int32Array;
  readonly laneOf: Int32Array;
  /** What has a row, by where it begins. */
  readonly order: Uint32Array;
}

interface Draft {
  readonly kind: LaneKind;
  readonly name: string;
  readonly things: number[];
  errors: number;
}

/** How many things find their rows before others have their turn. */
const AT_ONCE = 5000;

/**
 * Lanes stand in the order in which the journey first came to them; a topic below its first sender. `apart` is kept free between
 * two things in a row.
 */
export function* layingLanes(journey: Journey, moments: Moments, apart: number): Generator<undefined, Lanes> {
  const { hops } = journey;
  const drafts = draftLanes(journey, moments);
  const [from, to] = thingTimes(moments);
  const rowOf = new Int32Array(from.length).fill(-1);
  const laneOf = new Int32Array(from.length).fill(-1);
  for (let lane = 0; lane < drafts.length; lane++) {
    for (const thing of drafts[lane]?.things ?? []) laneOf[thing] = lane;
  }
  const order = byStart(from, to).filter((thing) => (laneOf[thing] ?? -1) >= 0);
  const sorted: number[][] = drafts.map(() => []);
  for (const thing of order) sorted[laneOf[thing] ?? 0]?.push(thing);
  const parentOf = parents(journey, moments);
  yield;
  let row = 0;
  let placed = 0;
  const lanes: Lane[] = [];
  for (const [lane, draft] of drafts.entries()) {
    const things = sorted[lane] ?? [];
    placed += things.length;
    if (placed > AT_ONCE) {
      placed = things.length;
      yield;
    }
    const groups = draft.kind === 'service' ? byInstance(things, (thing) => hops[thing]?.node ?? '', from, to) : [{ node: '', things }];
    const first = row;
    const instances = groups.map((group): Instance => {
      const rows = pack(group.things, from, to, rowOf, row, parentOf, apart);
      row += rows;
      return { node: group.node, row: row - rows, rows };
    });
    const count = draft.kind === 'topic' ? 0 : things.length;
    lanes.push({ kind: draft.kind, name: draft.name, row: first, rows: row - first, instances: groups.length > 1 ? instances : [], hops: count, errors: draft.errors });
  }
  return { lanes, rows: row, rowOf, laneOf, order };
}

/** From where to where each thing lies: hops, then legs. */
export function thingTimes({ hopFrom, hopTo, legFrom, legTo }: Moments): readonly [Float64Array, Float64Array] {
  const [from, to] = [new Float64Array(hopFrom.length + legFrom.length), new Float64Array(hopFrom.length + legFrom.length)];
  from.set(hopFrom);
  to.set(hopTo);
  for (let i = 0, at = hopFrom.length; i < legFrom.length; i++, at++) {
    // As raw clocks have it, a message may have been received before it was sent.
    const [sent, received] = [legFrom[i] ?? 0, legTo[i] ?? 0];
    from[at] = Math.min(sent, received);
    to[at] = Math.max(sent, received);
  }
  return [from, to];
}

function draftLanes({ hops, legs }: Journey, { places, legSender, legReceiver }: Moments): readonly Draft[] {
  const caused = new Uint8Array(hops.length);
  const sends = new Map<number, number[]>();
  for (let i = 0; i < legs.length; i++) {
    caused[legReceiver[i] ?? -1] = 1;
    if (legs[i]?.transport !== 'kafka') continue;
    const sender = legSender[i] ?? -1;
    const list = sends.get(sender);
    if (list === undefined) sends.set(sender, [i]);
    else list.push(i);
  }
  const drafts: Draft[] = [];
  const known = { service: new Map<string, Draft>(), topic: new Map<string, Draft>() };
  const draft = (kind: 'service' | 'topic', name: string): Draft => {
    let lane = known[kind].get(name);
    if (lane === undefined) {
      lane = { kind, name, things: [], errors: 0 };
      known[kind].set(name, lane);
      drafts.push(lane);
    }
    return lane;
  };
  const send = (i: number): void => void draft('topic', legs[i]?.topic ?? '').things.push(hops.length + i);
  const unknown: Draft = { kind: 'unknown', name: '', things: [], errors: 0 };
  for (let i = 0; i < hops.length; i++) {
    const hop = hops[i];
    if (hop === undefined) continue;
    const lane = i > 0 && caused[i] === 0 && !places.has(hop.parent) ? unknown : draft('service', hop.service);
    lane.things.push(i);
    if (hop.outcome === 'failure') lane.errors++;
    for (const leg of sends.get(i) ?? []) send(leg);
  }
  for (const leg of sends.get(-1) ?? []) send(leg);
  return unknown.things.length === 0 ? drafts : [...drafts, unknown];
}

function parents({ hops, legs }: Journey, { places }: Moments): Int32Array {
  const out = new Int32Array(hops.length + legs.length).fill(-1);
  for (let i = 0; i < hops.length; i++) out[i] = places.get(hops[i]?.parent ?? '') ?? -1;
  return out;
}

interface Group {
  readonly node: string;
  readonly things: readonly number[];
}

/** Instances apart where some ran at the same time; all together where none did. */
function byInstance(things: readonly number[], nodeOf: (thing: number) => string, from: Float64Array, to: Float64Array): readonly Group[] {
  const nodes = new Map<string, number[]>();
  // The two furthest ends of different instances: whatever begins before another's ran beside it.
  let [reach, holder, second] = [-Infinity, '', -Infinity];
  let beside = false;
  for (const thing of things) {
    const node = nodeOf(thing);
    const list = nodes.get(node);
    if (list === undefined) nodes.set(node, [thing]);
    else list.push(thing);
    const [start, end] = [from[thing] ?? 0, to[thing] ?? 0];
    if (start < (node === holder ? second : reach)) beside = true;
    if (node === holder) reach = Math.max(reach, end);
    else if (end > reach) [second, reach, holder] = [reach, end, node];
    else second = Math.max(second, end);
  }
  if (!beside || nodes.size < 2) return [{ node: '', things }];
  return [...nodes].map(([node, list]) => ({ node, things: list }));
}
