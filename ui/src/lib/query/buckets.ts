import { parseTime } from '../time';

/** Counts by time as a chart wants them: every step there is, in seconds since 1970, also those without records. */
export function fill(histogram: {
  readonly from: string;
  readonly until: string;
  /** In nanoseconds. */
  readonly step: number;
  readonly buckets: readonly { readonly start: string; readonly count: number }[];
}): { readonly starts: number[]; readonly counts: number[] } {
  const step = histogram.step / 1e9;
  const [from, until] = [seconds(histogram.from), seconds(histogram.until)];
  const counted = new Map(histogram.buckets.map(({ start, count }) => [Math.round(seconds(start) / step), count]));
  const starts: number[] = [];
  const counts: number[] = [];
  const last = Math.min(Math.ceil(until / step), Math.floor(from / step) + MOST);
  for (let i = Math.floor(from / step); i < last; i++) {
    starts.push(i * step);
    counts.push(counted.get(i) ?? 0);
  }
  return { starts, counts };
}

// No screen has more columns.
const MOST = 4000;

function seconds(text: string): number {
  return Number(parseTime(text) ?? 0n) / 1e9;
}
