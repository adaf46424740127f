import { formatDuration } from '../duration';
import { clockTime } from '../time';
import type { Nanos, Zone } from '../time';

const SPACE = '\u00a0';
const units = [[3600e9, 'h'], [60e9, 'min'], [1e9, 's'], [1e6, 'ms'], [1e3, 'µs'], [1, 'ns']] as const;

/** All of a duration: `3 h 2 s 12 ms`. */
export function wholeDuration(ns: number): string {
  let rest = Math.round(ns);
  const parts: string[] = [];
  for (const [size, unit] of units) {
    const n = Math.floor(rest / size);
    if (n > 0) parts.push(`${n}${SPACE}${unit}`);
    rest -= n * size;
  }
  return parts.length === 0 ? '0' : parts.join(SPACE);
}

/** Ticks as time since the beginning: the first in full, the others by what comes to it, until a larger unit is full. */
export function sinceLabels(times: readonly number[], step: number): readonly string[] {
  const unit = [1e3, 1e6, 1e9, 60e9, 3600e9, 24 * 3600e9].find((size) => size >= step * 10) ?? Infinity;
  let before = NaN;
  return times.map((time) => {
    const full = unit === Infinity ? 0 : Math.floor(time / unit) * unit;
    const same = full === before;
    before = full;
    if (full === 0) return short(time);
    return same ? `+${short(time - full)}` : wholeDuration(time);
  });
}

// `5 ms` where there are no halves.
function short(ns: number): string {
  const whole = wholeDuration(ns);
  return ns === 0 || whole.split(SPACE).length === 2 ? whole : formatDuration(ns);
}

/** A tick as a clock shows it, with as many digits as tell it from the next. */
export function clockLabel(zero: Nanos, time: number, step: number, zone: Zone): string {
  const moment = zero + BigInt(Math.round(time));
  const clock = clockTime(moment, zone);
  if (step >= 60e9) return clock.slice(0, 5);
  if (step >= 1e9) return clock.slice(0, 8);
  if (step >= 1e6) return clock;
  const rest = String(((moment % 1_000_000n) + 1_000_000n) % 1_000_000n).padStart(6, '0');
  return clock + (step >= 1e3 ? rest.slice(0, 3) : rest);
}
