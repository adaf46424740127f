import type { Hop, Journey, Leg } from '../journey';
import { foldedAxis, placeOf, straightAxis } from './axis';
import type { Axis } from './axis';
import { layingLanes, thingTimes } from './lanes';
import type { Lane } from './lanes';
import { momentsOf } from './moments';
import type { Moments } from './moments';
import { byStart } from './pack';
import { createRows } from './rows';
import type { Rows } from './rows';

/** What holds of a thing; a thing may have several. */
export const OPEN = 1;
export const FAILED = 2;
/** Its instance's clock contradicts what caused it. */
export const SHIFTED = 4;
/** Records of it are proved missing. */
export const GAPS = 8;
/** The verdict rests on it. */
export const VERDICT = 16;
/** Its start was never recorded. */
export const BEHEADED = 32;
/** By the clocks it was received before it was sent. */
export const BACKWARDS = 64;
/** An attempt after the first. */
export const AGAIN = 128;

/**
 * A journey laid out for drawing. A thing is a hop, or a leg over Kafka, which waits: number `i` is hop `i`, and after the hops come
 * all legs. What lies where is in typed arrays, as there may be a hundred thousand things and each frame reads those in sight.
 */
export interface Timeline {
  readonly journey: Journey;
  readonly adjusted: boolean;
  readonly moments: Moments;
  readonly axis: Axis;
  readonly lanes: readonly Lane[];
  readonly rowOf: Int32Array;
  readonly laneOf: Int32Array;
  /** By thing, places on the axis. */
  readonly from: Float64Array;
  readonly to: Float64Array;
  readonly flags: Uint8Array;
  /** What each row holds, and each lane where its rows are put in one. */
  readonly rows: Rows;
  readonly folded: Rows;
  /** All legs as one row, by where they begin, and by leg where they lie. */
  readonly ways: Rows;
  readonly wayFrom: Float64Array;
}

export interface LayOptions {
  /** Times are moved as the journey's shifts say. */
  readonly adjusted: boolean;
  /** Idle stretches are drawn short. */
  readonly folded: boolean;
}

export function layTimeline(journey: Journey, options: LayOptions): Timeline {
  const steps = layingTimeline(journey, options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same in steps, each of which is over before anybody waits for it. */
export function* layingTimeline(journey: Journey, { adjusted, folded }: LayOptions): Generator<undefined, Timeline> {
  const moments = momentsOf(journey, adjusted);
  yield;
  const axis = axisOf(journey, moments, folded);
  yield;
  // In a small journey, bars that nearly touch get rows of their own, so that their names can be read.
  const { lanes, rows, rowOf, laneOf, order } = yield* layingLanes(journey, moments, journey.hops.length <= 300 ? axis.length / 400 : 0);
  yield;
  const [from, to] = thingTimes(moments);
  for (let i = 0; i < from.length; i++) {
    from[i] = placeOf(axis, from[i] ?? 0);
    to[i] = placeOf(axis, to[i] ?? 0);
  }
  yield;
  const legs = journey.legs.length;
  const wayFrom = from.slice(journey.hops.length);
  const wayTo = to.slice(journey.hops.length);
  return {
    journey, adjusted, moments, axis, lanes, rowOf, laneOf, from, to,
    flags: flagsOf(journey, moments),
    rows: createRows(rowOf, rows, from, to, order),
    folded: createRows(laneOf, lanes.length, from, to, order),
    ways: createRows(new Int32Array(legs), 1, wayFrom, wayTo, byStart(wayFrom, wayTo)),
    wayFrom,
  };
}

/** The hop that a thing is; undefined for a leg. */
export function hopOf({ journey }: Timeline, thing: number): Hop | undefined {
  return journey.hops[thing];
}

export function legOf({ journey }: Timeline, thing: number): Leg | undefined {
  return journey.legs[thing - journey.hops.length];
}

// What waits in a topic is idle: only the moments of sending and receiving count.
function axisOf({ legs }: Journey, { until, hopFrom, hopTo, legFrom, legTo }: Moments, folded: boolean): Axis {
  if (!folded) return straightAxis(until);
  const count = hopFrom.length;
  const [from, to] = [new Float64Array(count + 2 * legs.length), new Float64Array(count + 2 * legs.length)];
  from.set(hopFrom);
  to.set(hopTo);
  for (let i = 0; i < legs.length; i++) {
    const [sent, received] = [legFrom[i] ?? 0, legTo[i] ?? 0];
    const waits = legs[i]?.transport === 'kafka' || legs[i]?.received === null;
    const at = count + 2 * i;
    from[at] = Math.min(sent, received);
    to[at] = waits ? (from[at] ?? 0) : Math.max(sent, received);
    from[at + 1] = Math.max(sent, received);
    to[at + 1] = from[at + 1] ?? 0;
  }
  return foldedAxis(from, to, until);
}

function flagsOf({ hops, legs, gaps, verdictHop }: Journey, { hopShift, legFrom, legTo }: Moments): Uint8Array {
  const flags = new Uint8Array(hops.length + legs.length);
  const lossy = new Set(gaps.map((gap) => gap.hop));
  for (let i = 0; i < hops.length; i++) {
    const hop = hops[i];
    if (hop === undefined) continue;
    flags[i] =
      (hop.outcome === 'open' ? OPEN : 0) |
      (hop.outcome === 'failure' ? FAILED : 0) |
      (hopShift[i] === 0 ? 0 : SHIFTED) |
      (lossy.has(hop.id) ? GAPS : 0) |
      (hop.id === verdictHop ? VERDICT : 0) |
      (hop.start === null || hop.kind === null ? BEHEADED : 0) |
      ((hop.attempt ?? 1) > 1 ? AGAIN : 0);
  }
  for (let i = 0; i < legs.length; i++) {
    flags[hops.length + i] = (legs[i]?.received === null ? OPEN : 0) | ((legTo[i] ?? 0) < (legFrom[i] ?? 0) ? BACKWARDS : 0);
  }
  return flags;
}
