import { levels } from './record-filter';
import type { RecordFilter } from './record-filter';
import type { RouteParams } from './route';

export const views = ['parcel', 'timeline', 'records'] as const;
export type View = (typeof views)[number];

/** What the address of a journey says beside its ID. */
export interface JourneyParams {
  readonly view: View;
  /** ID of the hop that is marked. */
  readonly hop: string;
  /** Key of the record that is open. */
  readonly record: string;
  readonly filter: RecordFilter;
  /** What it is compared with: `usual`, or an ID; empty for nothing. */
  readonly other: string;
}

export function readJourneyParams(params: Readonly<Record<string, string>>): JourneyParams {
  const record = params['record'] ?? '';
  return {
    // A link to a record shows it among the others.
    view: views.find((view) => view === params['view']) ?? (record === '' ? 'parcel' : 'records'),
    hop: params['hop'] ?? '',
    record,
    filter: {
      level: levels.find((level) => level === params['level']) ?? '',
      service: params['service'] ?? '',
      words: params['q'] ?? '',
      hop: params['of'] ?? '',
    },
    other: params['with'] ?? '',
  };
}

/** The same, for the parts that change. */
export function filterParams(change: Partial<RecordFilter>): RouteParams {
  const { level, service, words, hop } = change;
  return {
    ...(level === undefined ? {} : { level }),
    ...(service === undefined ? {} : { service }),
    ...(words === undefined ? {} : { q: words }),
    ...(hop === undefined ? {} : { of: hop }),
  };
}
