import { FAILED } from './timeline';
import type { Timeline } from './timeline';

/** How much runs along the whole axis: by column, how many hops, how many messages wait, and whether something failed. */
export interface Density {
  readonly hops: Float64Array;
  readonly waiting: Float64Array;
  readonly failed: Uint8Array;
  readonly most: number;
}

/** `from` and `to` are the places of the first column and the end of the last. */
export function densityOf(timeline: Timeline, columns: number, from: number, to: number): Density {
  const scale = columns / (to - from);
  const column = (place: number): number => Math.min(Math.max(Math.floor((place - from) * scale), 0), columns - 1);
  const [hops, waiting, failed] = [new Float64Array(columns + 1), new Float64Array(columns + 1), new Uint8Array(columns)];
  const count = timeline.journey.hops.length;
  for (let thing = 0; thing < timeline.from.length; thing++) {
    if ((timeline.rowOf[thing] ?? -1) < 0) continue;
    const list = thing < count ? hops : waiting;
    const [first, last] = [column(timeline.from[thing] ?? 0), column(timeline.to[thing] ?? 0)];
    list[first] = (list[first] ?? 0) + 1;
    list[last + 1] = (list[last + 1] ?? 0) - 1;
    if (((timeline.flags[thing] ?? 0) & FAILED) !== 0) failed[last] = 1;
  }
  let most = 0;
  for (let i = 1; i < columns; i++) {
    hops[i] = (hops[i] ?? 0) + (hops[i - 1] ?? 0);
    waiting[i] = (waiting[i] ?? 0) + (waiting[i - 1] ?? 0);
  }
  for (let i = 0; i < columns; i++) most = Math.max(most, hops[i] ?? 0, waiting[i] ?? 0);
  return { hops: hops.subarray(0, columns), waiting: waiting.subarray(0, columns), failed, most };
}
