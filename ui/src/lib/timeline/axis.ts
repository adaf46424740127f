/** A stretch that is drawn shorter than it was. Nanoseconds since the journey's earliest time. */
export interface Break {
  readonly from: number;
  readonly to: number;
  /** Something ran all the while, and nothing happened. */
  readonly running: boolean;
}

/**
 * Where times lie. Places are nanoseconds too, but a break takes only as many as it is drawn with:
 *
 *     times   0 ─── 40 ms ────────── 3 h ─── 3 h + 20 ms
 *     places  0 ─── 40 ms ── 42 ms ─── 62 ms
 */
export interface Axis {
  readonly breaks: readonly Break[];
  readonly length: number;
  /** Knots of the line that leads from times to places, both ascending. */
  readonly times: Float64Array;
  readonly places: Float64Array;
}

export function placeOf(axis: Axis, time: number): number {
  return along(axis.times, axis.places, time);
}

export function timeAt(axis: Axis, place: number): number {
  return along(axis.places, axis.times, place);
}

/** An axis without breaks. */
export function straightAxis(until: number): Axis {
  const ends = Float64Array.of(0, Math.max(until, 1));
  return { breaks: [], length: Math.max(until, 1), times: ends, places: ends };
}

/** A break's share of what runs, and how much all breaks together may have. */
const SHARE = 0.045;
const ALL_SHARES = 0.4;
/** Idle time that is left, beside what runs: the longest stretches are folded until there is no more than that. */
const SPARE = 0.5;
/** What is not at least so many times as long as its break would be stays as it is. */
const WORTH = 5;
/** Where something runs, and nothing begins or ends: only what is a hole to everyone, and so many times as long as all the rest. */
const HOLE = 60e9;
const WORTH_HOLE = 20;

/**
 * Folds the stretches between `from[i]` and `to[i]`, of whatever runs, that are long beside what runs. The two need not be sorted.
 */
export function foldedAxis(from: Float64Array, to: Float64Array, until: number): Axis {
  const { idle, holes, busy } = stretches(from, to, until);
  const rest = busy - holes.reduce((sum, hole) => sum + hole.to - hole.from, 0);
  const deep = holes.filter((hole) => hole.to - hole.from > Math.max(rest, 1) * WORTH_HOLE);
  const ran = busy - deep.reduce((sum, hole) => sum + hole.to - hole.from, 0);
  // What all happens at instants still needs room to be told apart in.
  const whole = ran > 0 ? ran : from.length;
  const long = longest(idle, whole * SPARE);
  const room = Math.min(whole * SHARE, (whole * ALL_SHARES) / Math.max(long.length + deep.length, 1));
  const breaks = [...long.filter((gap) => gap.to - gap.from > room * WORTH), ...deep].toSorted((a, b) => a.from - b.from);
  return breaks.length === 0 ? straightAxis(until) : broken(breaks, room, until);
}

/** As few of the longest as leave no more than `spare` of them all. */
function longest(gaps: readonly Break[], spare: number): readonly Break[] {
  let left = gaps.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  return gaps.toSorted((a, b) => b.to - b.from - a.to + a.from).filter((gap) => {
    const fold = left > spare;
    if (fold) left -= gap.to - gap.from;
    return fold;
  });
}

function broken(breaks: readonly Break[], room: number, until: number): Axis {
  const times = [0];
  const places = [0];
  const knot = (time: number, place: number): void => {
    if (time <= (times.at(-1) ?? 0)) return;
    times.push(time);
    places.push(place);
  };
  let saved = 0;
  for (const gap of breaks) {
    knot(gap.from, gap.from - saved);
    saved += gap.to - gap.from - room;
    knot(gap.to, gap.to - saved);
  }
  knot(until, until - saved);
  return { breaks, length: places.at(-1) ?? 1, times: Float64Array.from(times), places: Float64Array.from(places) };
}

// A sweep over all starts and ends. Of equal times, starts come first, so that what only touches leaves no gap.
function stretches(from: Float64Array, to: Float64Array, until: number): { readonly idle: readonly Break[]; readonly holes: readonly Break[]; readonly busy: number } {
  const starts = from.toSorted();
  const ends = to.toSorted();
  const idle: Break[] = [];
  const holes: Break[] = [];
  let running = 0;
  let busy = 0;
  let now = 0;
  for (let i = 0, k = 0; k < ends.length; ) {
    const start = starts[i] ?? Infinity;
    const end = ends[k] ?? 0;
    const next = start < end ? start : end;
    if (running > 0) {
      busy += next - now;
      if (next - now >= HOLE) holes.push({ from: now, to: next, running: true });
    } else if (next > now) idle.push({ from: now, to: next, running: false });
    now = next;
    if (start <= end) {
      running++;
      i++;
    } else {
      running--;
      k++;
    }
  }
  if (until > now) idle.push({ from: now, to: until, running: false });
  return { idle, holes, busy };
}

function along(from: Float64Array, to: Float64Array, value: number): number {
  let low = 0;
  let high = from.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((from[middle] ?? 0) <= value) low = middle;
    else high = middle - 1;
  }
  const start = from[low] ?? 0;
  const size = (from[low + 1] ?? 1) - start;
  const place = to[low] ?? 0;
  return size === 0 ? place : place + ((value - start) * ((to[low + 1] ?? 1) - place)) / size;
}
