import { inSight } from './rows';
import type { Rows } from './rows';
import { rowAt } from './stack';
import type { Stack } from './stack';
import type { Timeline } from './timeline';

/** The rows that hold what is drawn in a lane, and which of them a row is. */
export function rowsOf(timeline: Timeline, stack: Stack, lane: number, row: number): readonly [Rows, number] {
  return stack.closed[lane] === 1 ? [timeline.folded, lane] : [timeline.rows, row];
}

/** The thing at a place and a height, or the nearest within `slack` places; -1 for none. */
export function thingAt(timeline: Timeline, stack: Stack, place: number, y: number, slack: number): number {
  const { lane, row } = rowAt(stack, y);
  if (row < 0) return -1;
  const [rows, of] = rowsOf(timeline, stack, lane, row);
  const [first, end] = inSight(rows, of, timeline.from, place - slack, place + slack);
  let [best, least] = [-1, Infinity];
  for (let at = first; at < end; at++) {
    const thing = rows.items[at] ?? -1;
    const [from, to] = [timeline.from[thing] ?? 0, timeline.to[thing] ?? 0];
    if (to < place - slack) continue;
    // Of those it lies in, the shortest: it is drawn above the others.
    const distance = place < from ? from - place : place > to ? place - to : (to - from) * 1e-9;
    if (distance <= least) [best, least] = [thing, distance];
  }
  return best;
}
