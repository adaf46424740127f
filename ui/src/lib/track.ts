import type { Gap, Hop, Journey, JourneyRecord, Leg, Station } from './journey';
import type { Nanos } from './time';

/** A journey laid out for reading downwards: one row a hop, its incoming legs above it. Never re-sorted. */
export interface Track {
  /** How many rows there are. A row is made when it is asked for: there may be 20,000, and people look at some. */
  readonly count: number;
  row(at: number): HopRow | undefined;
  rows(from: number, until: number): readonly HopRow[];
  /** The row of a hop; -1 for one that is not here. */
  rowOf(hop: string): number;
  /** The first row from one on that failed or has errors; -1 for none. */
  failedFrom(at: number): number;
  readonly visits: number;
  stateOf(station: Station): StationState;
  /** What names no hop of this journey. */
  readonly elsewhere: { readonly records: readonly JourneyRecord[]; readonly gaps: readonly Gap[]; readonly legs: readonly LegRow[] };
}

export type StationState = 'open' | 'failed' | 'passed';

export interface HopRow {
  readonly hop: Hop;
  /** The element's ID on the page. Hop IDs are others' text, so they are not used for it. */
  readonly anchor: string;
  /** 1 for the first visit to the service. */
  readonly visit: number;
  /** Goes on with the visit of the hop above, in the same process. */
  readonly inside: boolean;
  /** Another hop came before, and nothing known led from it to here. */
  readonly unlinked: boolean;
  /** The parent's service, where no leg tells it and it is not the row just above. */
  readonly under: string | null;
  readonly arrivals: readonly LegRow[];
  /** Legs that ended at no hop of this journey. */
  readonly departures: readonly LegRow[];
  readonly records: readonly JourneyRecord[];
  readonly errors: number;
  readonly missing: readonly number[];
  readonly span: Span | null;
}

export interface LegRow {
  readonly leg: Leg;
  /** The sending service, where that is not the row just above. */
  readonly from: string | null;
  /** Null also for a leg inside one process, which is no way to go. */
  readonly span: Span | null;
}

/** Where a hop or a leg lies in the journey's time, from 0 to 1. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly open: boolean;
}

export function layOut(journey: Journey): Track {
  const { hops } = journey;
  const scale = scaleOf(journey);
  const places = new Map(hops.map((hop, i) => [hop.id, i]));
  const known = (id: string): Hop | undefined => hops[places.get(id) ?? -1];
  const arrivals = groupBy(journey.legs.filter((leg) => places.has(leg.to)), (leg) => leg.to);
  const departures = groupBy(journey.legs.filter((leg) => !places.has(leg.to) && places.has(leg.from)), (leg) => leg.from);
  const records = groupBy(journey.records, (record) => (places.has(record.hop) ? record.hop : ''));
  const gaps = groupBy(journey.gaps, (gap) => (places.has(gap.hop) ? gap.hop : ''));
  const { visit, within, visits } = countVisits(hops, arrivals, known);

  const legRow = (leg: Leg, above: string | undefined): LegRow => ({
    leg,
    from: leg.from === above ? null : (known(leg.from)?.service ?? null),
    span: leg.transport === 'local' ? null : scale(leg.sent, leg.received),
  });
  const errorsOf = (hop: Hop): number => (records.get(hop.id) ?? []).filter(isError).length;

  function make(hop: Hop, i: number): HopRow {
    const above = hops[i - 1]?.id;
    const came = (arrivals.get(hop.id) ?? []).map((leg) => legRow(leg, above));
    return {
      hop,
      anchor: `hop-${i + 1}`,
      visit: visit[i] ?? 1,
      inside: within[i] !== undefined && within[i] === above,
      unlinked: i > 0 && came.length === 0 && !places.has(hop.parent),
      under: came.length === 0 && hop.parent !== above ? (known(hop.parent)?.service ?? null) : null,
      arrivals: came,
      departures: (departures.get(hop.id) ?? []).map((leg) => legRow(leg, hop.id)),
      records: records.get(hop.id) ?? [],
      errors: errorsOf(hop),
      missing: (gaps.get(hop.id) ?? []).flatMap((gap) => gap.numbers),
      span: scale(hop.start, hop.end),
    };
  }

  const made: (HopRow | undefined)[] = [];
  const row = (at: number): HopRow | undefined => {
    const hop = hops[at];
    return hop === undefined ? undefined : (made[at] ??= make(hop, at));
  };
  let states: ReadonlyMap<string, StationState> | null = null;
  const strays = journey.legs.filter((leg) => !places.has(leg.to) && !places.has(leg.from));
  return {
    count: hops.length,
    row,
    rows: (from, until) => Array.from({ length: Math.max(0, Math.min(until, hops.length) - from) }, (_, i) => row(from + i)).filter((one) => one !== undefined),
    rowOf: (hop) => places.get(hop) ?? -1,
    failedFrom: (at) => hops.findIndex((hop, i) => i >= at && (hop.outcome === 'failure' || errorsOf(hop) > 0)),
    visits,
    stateOf: (station) => (states ??= worstOf(hops)).get(station.service) ?? 'passed',
    elsewhere: { records: records.get('') ?? [], gaps: gaps.get('') ?? [], legs: strays.map((leg) => legRow(leg, undefined)) },
  };
}

/** Numbers the visits to each service. A hop in the same process goes on with a visit: `within` is the hop it does that from. */
function countVisits(hops: readonly Hop[], arrivals: ReadonlyMap<string, readonly Leg[]>, known: (id: string) => Hop | undefined) {
  const counted = new Map<string, number>();
  const visitOf = new Map<string, number>();
  const within: (string | undefined)[] = [];
  const visit = hops.map((hop, i) => {
    const from = arrivals.get(hop.id)?.find((leg) => leg.transport === 'local' && known(leg.from)?.service === hop.service)?.from;
    within[i] = from;
    const n = (from === undefined ? undefined : visitOf.get(from)) ?? (counted.get(hop.service) ?? 0) + 1;
    counted.set(hop.service, Math.max(n, counted.get(hop.service) ?? 0));
    visitOf.set(hop.id, n);
    return n;
  });
  return { visit, within, visits: [...counted.values()].reduce((sum, n) => sum + n, 0) };
}

function worstOf(hops: readonly Hop[]): ReadonlyMap<string, StationState> {
  const states = new Map<string, StationState>();
  for (const { service, outcome } of hops) {
    if (outcome === 'open' || (outcome === 'failure' && states.get(service) !== 'open')) states.set(service, outcome === 'open' ? 'open' : 'failed');
  }
  return states;
}

export type Tone = 'error' | 'warn' | 'info' | 'debug';

/** Levels are free text (`WARN`, `warning`, `FATAL`, slog's `ERROR+2`); this is what they come to. */
export function levelTone(level: string): Tone {
  if (/^(?:err|fatal|panic|crit|alert|emerg|severe)/i.test(level)) return 'error';
  if (/^warn/i.test(level)) return 'warn';
  if (/^(?:debug|trace|fine)/i.test(level)) return 'debug';
  return 'info';
}

export function isError(record: JourneyRecord): boolean {
  return levelTone(record.level) === 'error';
}

export function between(from: Nanos | null, to: Nanos | null): number | null {
  return from === null || to === null ? null : Number(to - from);
}

// Map.groupBy is younger than the browsers and the Node that this has to run on.
function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

type Scale = (from: Nanos | null, to: Nanos | null) => Span | null;

function scaleOf(journey: Journey): Scale {
  let low: Nanos | null = null;
  let high: Nanos | null = null;
  const times = [journey.start, journey.end];
  for (const hop of journey.hops) times.push(hop.start, hop.end);
  for (const leg of journey.legs) times.push(leg.sent, leg.received);
  for (const time of times) {
    if (time === null) continue;
    if (low === null || time < low) low = time;
    if (high === null || time > high) high = time;
  }
  if (low === null || high === null || low === high) return () => null;
  // What is open needs room to be seen waiting in.
  const waiting = journey.hops.some((hop) => hop.end === null) || journey.legs.some((leg) => leg.received === null);
  const [zero, whole] = [low, Number(high - low) * (waiting ? 1.25 : 1)];
  return (from, to) => {
    if (from === null) return null;
    const a = Number(from - zero) / whole;
    if (to === null) return { from: a, to: 1, open: true };
    const b = Number(to - zero) / whole;
    return { from: Math.min(a, b), to: Math.max(a, b), open: false };
  };
}
