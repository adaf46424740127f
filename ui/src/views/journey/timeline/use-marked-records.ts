import { useMemo } from 'preact/hooks';
import type { Answer, Client } from '../../../api/client';
import { fetchRun } from '../../../api/journeys';
import { FIRST_RECORDS } from '../../../api/question';
import type { Run } from '../../../api/journeys';
import type { Journey, JourneyRecord } from '../../../lib/journey';
import { useAnswer, useShell } from '../../shell/shell';

/** Of a long journey, so many warnings and errors are marked; the server gives a thousand at once. */
const MOST_LOUD = 5000;
const AT_ONCE = 1000;

export interface MarkedRecords {
  readonly records: readonly JourneyRecord[];
  /** How many warnings and errors there are that have no mark. */
  readonly unmarked: number;
}

/** The records to mark: those that came with the journey, and of a long one its warnings and errors, and those of the hop that is looked at. */
export function useMarkedRecords(journey: Journey, hop: string): MarkedRecords {
  const { session } = useShell();
  const { correlationId, recordCount, records } = journey;
  // The server keeps only what does not fit into one answer.
  const revision = recordCount > FIRST_RECORDS ? journey.revision : '';
  const key = recordCount > records.length ? `${correlationId} ${recordCount} ${revision}` : null;
  const { loading: loud } = useAnswer<Run>(key, (signal) => fetchLoud(session.client, correlationId, revision, signal), { keep: true });
  const { loading: own } = useAnswer<Run>(key === null || hop === '' ? null : `${key} ${hop}`, (signal) => fetchRun(session.client, correlationId, { revision, hop, limit: AT_ONCE }, signal), { keep: true });
  return useMemo(() => {
    if (key === null) return { records, unmarked: 0 };
    const all = new Map<string, JourneyRecord>();
    for (const list of [records, ...[loud, own].map((one) => (one.phase === 'shown' ? one.value.records : []))]) {
      for (const record of list) all.set(record.id === '' ? `${all.size}` : record.id, record);
    }
    return { records: [...all.values()], unmarked: loud.phase === 'shown' ? loud.value.count - loud.value.records.length : 0 };
  }, [key, records, loud, own]);
}

async function fetchLoud(client: Client, id: string, revision: string, signal: AbortSignal): Promise<Answer<Run>> {
  const records: JourneyRecord[] = [];
  for (;;) {
    const answer = await fetchRun(client, id, { revision, q: 'level>=warn', from: records.length, limit: AT_ONCE }, signal);
    if (answer.kind !== 'found') return answer;
    records.push(...answer.value.records);
    if (answer.value.records.length < AT_ONCE || records.length >= MOST_LOUD) return { ...answer, value: { ...answer.value, from: 0, records } };
  }
}
