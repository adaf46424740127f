import { useMemo } from 'preact/hooks';
import { FIRST_RECORDS, fetchRun } from '../../../api/journeys';
import type { Run } from '../../../api/journeys';
import type { Journey, JourneyRecord } from '../../../lib/journey';
import { useAnswer, useShell } from '../../shell/shell';

/** Of a long journey, so many warnings and errors are marked. */
const MOST_LOUD = 2000;
const MOST_OF_HOP = 500;

/** The records to mark: those that came with the journey, and of a long one its warnings and errors, and those of the hop that is looked at. */
export function useMarkedRecords(journey: Journey, hop: string): readonly JourneyRecord[] {
  const { session } = useShell();
  const { correlationId, recordCount, records } = journey;
  // The server keeps only what does not fit into one answer.
  const revision = recordCount > FIRST_RECORDS ? journey.revision : '';
  const key = recordCount > records.length ? `${correlationId} ${recordCount} ${revision}` : null;
  const { loading: loud } = useAnswer<Run>(key, (signal) => fetchRun(session.client, correlationId, { revision, q: 'level>=warn', limit: MOST_LOUD }, signal), { keep: true });
  const { loading: own } = useAnswer<Run>(key === null || hop === '' ? null : `${key} ${hop}`, (signal) => fetchRun(session.client, correlationId, { revision, hop, limit: MOST_OF_HOP }, signal), { keep: true });
  return useMemo(() => {
    if (key === null) return records;
    const all = new Map<string, JourneyRecord>();
    for (const list of [records, ...[loud, own].map((one) => (one.phase === 'shown' ? one.value.records : []))]) {
      for (const record of list) all.set(record.id === '' ? `${all.size}` : record.id, record);
    }
    return [...all.values()];
  }, [key, records, loud, own]);
}
