import { useEffect, useMemo, useRef } from 'preact/hooks';
import { fetchRun } from '../../api/journeys';
import { FIRST_RECORDS } from '../../api/question';
import type { Journey } from '../../lib/journey';
import { isAll, queryOfFilter } from '../../lib/record-filter';
import type { RecordFilter } from '../../lib/record-filter';
import { createRecordWindows } from '../../state/record-windows';
import type { RecordWindows } from '../../state/record-windows';
import { useShell } from '../shell/shell';

/** The records of a journey that a filter lets through, as they were when it was answered. `onGone`: the server has let that go. */
export function useRecordWindows(journey: Journey, filter: RecordFilter, onGone: () => void): RecordWindows {
  const { session } = useShell();
  const q = queryOfFilter(filter);
  const kind = JSON.stringify([q, filter.hop]);
  const last = useRef<{ readonly kind: string; readonly windows: RecordWindows } | null>(null);
  const windows = useMemo(() => {
    // The server keeps only what does not fit into one answer.
    const revision = journey.recordCount > FIRST_RECORDS ? journey.revision : '';
    const made = createRecordWindows(
      (excerpt, signal) => fetchRun(session.client, journey.correlationId, { revision, q, hop: filter.hop, ...excerpt }, signal),
      {
        ...(isAll(filter) ? { count: journey.recordCount, first: journey.records } : {}),
        before: last.current?.kind === kind ? last.current.windows : undefined,
      },
    );
    last.current?.windows.stop();
    last.current = { kind, windows: made };
    return made;
  }, [journey.correlationId, journey.revision, journey.recordCount, kind]);
  useEffect(() => () => windows.stop(), [windows]);
  const gone = windows.failure.value?.kind === 'gone';
  useEffect(() => {
    if (gone) onGone();
  }, [gone]);
  return windows;
}
