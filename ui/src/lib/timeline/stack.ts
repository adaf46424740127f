import type { Lane } from './lanes';
import type { Timeline } from './timeline';
import { firstWhere } from './rows';

/** Heights in pixels. */
export interface Measures {
  readonly row: number;
  /** Above the rows of a lane, for its name; 0 where the name stands beside them. */
  readonly head: number;
  /** Between two lanes. */
  readonly space: number;
}

/** Where lanes and rows are, from above. */
export interface Stack {
  readonly measures: Measures;
  readonly height: number;
  readonly tops: Float64Array;
  readonly closed: Uint8Array;
  readonly lanes: readonly Lane[];
}

/** `closed` are the lanes that are put into one row. */
export function stackLanes(lanes: readonly Lane[], closed: ReadonlySet<string>, measures: Measures): Stack {
  const tops = new Float64Array(lanes.length + 1);
  const shut = Uint8Array.from(lanes, (lane) => (closed.has(laneKey(lane)) ? 1 : 0));
  for (const [i, lane] of lanes.entries()) tops[i + 1] = (tops[i] ?? 0) + measures.head + measures.space + measures.row * (shut[i] === 1 ? 1 : lane.rows);
  return { measures, height: tops[lanes.length] ?? 0, tops, closed: shut, lanes };
}

export function laneKey(lane: Lane): string {
  return `${lane.kind} ${lane.name}`;
}

export function laneAt(stack: Stack, y: number): number {
  return firstWhere(0, stack.lanes.length, (i) => (stack.tops[i + 1] ?? 0) > y);
}

/** The top of a row of the whole timeline. */
export function topOf(stack: Stack, lane: number, row: number): number {
  const { head, space, row: height } = stack.measures;
  const first = stack.lanes[lane]?.row ?? 0;
  return (stack.tops[lane] ?? 0) + head + space / 2 + (stack.closed[lane] === 1 ? 0 : (row - first) * height);
}

/** The top of a thing's row. */
export function topOfThing(stack: Stack, timeline: Timeline, thing: number): number {
  return topOf(stack, timeline.laneOf[thing] ?? 0, timeline.rowOf[thing] ?? 0);
}

/** The row at a height: a lane, and its row of the whole timeline; -1 between rows. */
export function rowAt(stack: Stack, y: number): { readonly lane: number; readonly row: number } {
  const lane = laneAt(stack, y);
  const { head, space, row: height } = stack.measures;
  const held = stack.lanes[lane];
  const below = y - (stack.tops[lane] ?? 0) - head - space / 2;
  if (held === undefined || below < 0) return { lane, row: -1 };
  const n = stack.closed[lane] === 1 ? 0 : Math.floor(below / height);
  return { lane, row: n < held.rows ? held.row + n : -1 };
}
