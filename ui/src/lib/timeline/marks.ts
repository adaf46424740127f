import type { JourneyRecord } from '../journey';
import { levelTone } from '../track';
import { placeOf } from './axis';
import { createRows } from './rows';
import type { Rows } from './rows';
import { byStart } from './pack';
import type { Timeline } from './timeline';

export const LOG = 0;
export const WARNING = 1;
export const ERROR = 2;

/** Records as marks on the bars of their hops. Only of those records that have been loaded. */
export interface Marks {
  readonly records: readonly JourneyRecord[];
  /** By record: its place on the axis, how loud it is, and the hop that wrote it. */
  readonly at: Float64Array;
  readonly tone: Uint8Array;
  readonly hop: Int32Array;
  readonly rows: Rows;
  /** The same, by lane. */
  readonly folded: Rows;
  /** All of them in one row, by hop. */
  readonly ofHop: Rows;
}

export function marksOf(records: readonly JourneyRecord[], timeline: Timeline): Marks {
  const { moments, axis, rowOf, laneOf, adjusted } = timeline;
  const place = moments.places;
  const hop = Int32Array.from(records, (record) => (record.kind === 'log' || record.kind === 'outcome' || record.kind === '' ? (place.get(record.hop) ?? -1) : -1));
  const at = Float64Array.from(records, (record, i) => {
    const own = hop[i] ?? -1;
    if (record.time === null) return timeline.from[own] ?? 0;
    return placeOf(axis, Number(record.time - moments.zero) + (adjusted ? (moments.hopShift[own] ?? 0) : 0));
  });
  const tones = { error: ERROR, warn: WARNING, info: LOG, debug: LOG };
  const order = byStart(at, at);
  const rowed = (of: (hop: number) => number, count: number): Rows => createRows(hop.map((own) => (own < 0 ? -1 : of(own))), count, at, at, order);
  return {
    records, at, hop,
    tone: Uint8Array.from(records, (record) => tones[levelTone(record.level)]),
    rows: rowed((own) => rowOf[own] ?? -1, timeline.rows.starts.length - 1),
    folded: rowed((own) => laneOf[own] ?? -1, timeline.lanes.length),
    ofHop: rowed((own) => own, timeline.journey.hops.length),
  };
}
