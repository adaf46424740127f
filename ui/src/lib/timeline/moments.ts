import type { Hop, Journey, Leg } from '../journey';
import type { Nanos } from '../time';

/**
 * All times of a journey as numbers: nanoseconds since its earliest. A double counts single nanoseconds for 104 days. What has not
 * ended ends, for the eye, where something of it was last known (hops) or where all is known until (legs).
 */
export interface Moments {
  readonly zero: Nanos;
  /** How far the drawing goes. */
  readonly until: number;
  readonly hopFrom: Float64Array;
  readonly hopTo: Float64Array;
  readonly legFrom: Float64Array;
  readonly legTo: Float64Array;
  /** By hop, the nanoseconds that its instance's times are moved by when they are adjusted. */
  readonly hopShift: Float64Array;
  /** Where each hop stands in the journey's list, by ID. */
  readonly places: ReadonlyMap<string, number>;
  /** Places of legs' hops in the journey's list, -1 for one that is not in it. */
  readonly legSender: Int32Array;
  readonly legReceiver: Int32Array;
}

export function momentsOf(journey: Journey, adjusted: boolean): Moments {
  const { hops, legs } = journey;
  const base = firstOf(journey);
  const at = (time: Nanos | null): number => (time === null ? NaN : Number(time - base));
  const places = placesOf(hops);
  const hopShift = shiftsOf(journey);
  const shift = (hop: number): number => (adjusted && hop >= 0 ? (hopShift[hop] ?? 0) : 0);

  const [hopFrom, hopTo] = [new Float64Array(hops.length), new Float64Array(hops.length)];
  for (let i = 0; i < hops.length; i++) {
    const hop = hops[i];
    if (hop === undefined) continue;
    hopFrom[i] = at(hop.start) + shift(i);
    hopTo[i] = at(hop.end ?? endOf(hop)) + shift(i);
  }
  const [legFrom, legTo] = [new Float64Array(legs.length), new Float64Array(legs.length)];
  const [legSender, legReceiver] = [new Int32Array(legs.length), new Int32Array(legs.length)];
  for (let i = 0; i < legs.length; i++) {
    const leg = legs[i];
    if (leg === undefined) continue;
    const [sender, receiver] = [places.get(leg.from) ?? -1, places.get(leg.to) ?? -1];
    legSender[i] = sender;
    legReceiver[i] = receiver;
    legFrom[i] = at(leg.sent) + shift(sender);
    legTo[i] = at(leg.received) + shift(receiver);
  }
  settle(hops, places, { hopFrom, hopTo, legFrom, legTo, legSender, legReceiver });

  let [low, high] = [Infinity, -Infinity];
  for (const list of [hopFrom, hopTo, legFrom, legTo]) {
    for (const time of list) {
      if (time < low) low = time;
      if (time > high) high = time;
    }
  }
  if (low > high) [low, high] = [0, 0];
  if (journey.asOf !== null && hasOpenEnds(hops, legs)) high = Math.max(high, at(journey.asOf));
  for (const list of [hopFrom, hopTo, legFrom, legTo]) {
    for (let i = 0; i < list.length; i++) list[i] = (list[i] ?? 0) - low;
  }
  const until = high - low;
  for (let i = 0; i < legs.length; i++) {
    if (Number.isNaN(legTo[i])) legTo[i] = until;
    if (Number.isNaN(legFrom[i])) legFrom[i] = legTo[i] ?? 0;
  }
  return { zero: base + BigInt(Math.trunc(low)), until, places, hopFrom, hopTo, legFrom, legTo, hopShift, legSender, legReceiver };
}

function placesOf(hops: readonly Hop[]): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  for (let i = 0; i < hops.length; i++) places.set(hops[i]?.id ?? '', i);
  return places;
}

function firstOf(journey: Journey): Nanos {
  const time = journey.start ?? journey.hops.find((hop) => hop.start !== null)?.start ?? journey.hops.find((hop) => hop.end !== null)?.end;
  return time ?? journey.legs.find((leg) => leg.sent !== null)?.sent ?? 0n;
}

function shiftsOf({ hops, shifts }: Journey): Float64Array {
  const by = new Map(shifts.map((shift) => [shift.node, shift]));
  const out = new Float64Array(hops.length);
  if (by.size === 0) return out;
  for (let i = 0; i < hops.length; i++) {
    const shift = by.get(hops[i]?.node ?? '');
    if (shift !== undefined && shift.service === hops[i]?.service) out[i] = shift.by;
  }
  return out;
}

function endOf(hop: Hop): Nanos | null {
  return hop.start === null || hop.duration === null ? null : hop.start + BigInt(Math.trunc(hop.duration));
}

function hasOpenEnds(hops: readonly Hop[], legs: readonly Leg[]): boolean {
  return hops.some((hop) => hop.outcome === 'open') || legs.some((leg) => leg.received === null);
}

type Times = Pick<Moments, 'hopFrom' | 'hopTo' | 'legFrom' | 'legTo' | 'legSender' | 'legReceiver'>;

// Gives a time to what has none, from what is known around it: a hop that lost its start or end is still to be seen.
function settle(hops: readonly Hop[], places: ReadonlyMap<string, number>, { hopFrom, hopTo, legFrom, legTo, legSender, legReceiver }: Times): void {
  const came = new Float64Array(hops.length).fill(NaN);
  const last = new Float64Array(hops.length).fill(-Infinity);
  for (let i = 0; i < legFrom.length; i++) {
    const from = legSender[i] ?? -1;
    const to = legReceiver[i] ?? -1;
    if (to >= 0 && Number.isNaN(came[to])) came[to] = legTo[i] ?? NaN;
    if (from >= 0) last[from] = Math.max(last[from] ?? 0, legFrom[i] ?? 0);
  }
  for (let i = 0; i < hops.length; i++) {
    const hop = hops[i];
    if (hop === undefined) continue;
    if (Number.isNaN(hopFrom[i])) {
      hopFrom[i] = known(came[i], hop.duration === null ? NaN : (hopTo[i] ?? NaN) - hop.duration, hopFrom[places.get(hop.parent) ?? -1], hopTo[i]);
    }
    const end = Number.isNaN(hopTo[i]) ? (last[i] ?? 0) : (hopTo[i] ?? 0);
    hopTo[i] = Math.max(hopFrom[i] ?? 0, end);
  }
}

function known(...times: readonly (number | undefined)[]): number {
  return times.find((time) => time !== undefined && !Number.isNaN(time)) ?? 0;
}
