import { placeOf, timeAt } from './axis';
import type { Axis } from './axis';
import type { View } from './view';

/** Nanoseconds since the earliest time, at round numbers. */
export interface Ticks {
  readonly times: readonly number[];
  /** Between two ticks. */
  readonly step: number;
}

const MINUTE = 60e9;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const round = [15e9, 30e9, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 30 * DAY];

/** The least round number of nanoseconds that is not below `ns`. */
export function roundStep(ns: number): number {
  if (ns > 10e9) return round.find((step) => step >= ns) ?? Math.ceil(ns / (30 * DAY)) * 30 * DAY;
  const power = 10 ** Math.floor(Math.log10(Math.max(ns, 1)));
  return Math.max(1, ([1, 2, 5, 10].find((n) => n * power >= ns) ?? 10) * power);
}

/** Ticks for a view of `width` pixels, with at least `apart` pixels between two. There are none within a break. */
export function ticksOf(axis: Axis, view: View, width: number, apart: number): Ticks {
  const scale = width / (view.to - view.from);
  const step = roundStep(apart / scale);
  const times: number[] = [];
  const [first, last] = [timeAt(axis, Math.max(view.from, 0)), timeAt(axis, Math.min(view.to, axis.length))];
  let stretch = first;
  for (const gap of [...axis.breaks.filter((gap) => gap.to > first && gap.from < last), { from: last, to: Infinity }]) {
    for (let time = Math.ceil(stretch / step) * step; time <= gap.from && times.length < 1000; time += step) times.push(time);
    stretch = Math.max(stretch, gap.to);
  }
  // Behind a break, a round number may come right after one before it.
  let before = -Infinity;
  return {
    step,
    times: times.filter((time) => {
      const place = placeOf(axis, time);
      if ((place - before) * scale < apart) return false;
      before = place;
      return true;
    }),
  };
}
