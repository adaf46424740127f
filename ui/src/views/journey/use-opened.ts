import { useEffect, useState } from 'preact/hooks';
import type { Failure } from '../../api/client';
import { fetchNeighbours } from '../../api/records';
import type { Journey } from '../../lib/journey';
import { readRecordKey, recordKey } from '../../lib/record';
import type { RawRecord } from '../../lib/record';
import { useAnswer, useShell } from '../shell/shell';

/** The record whose key the address has, once it is there. `open` is for one that is there already. */
export function useOpened(journey: Journey, key: string): { readonly record: RawRecord | null; readonly failure: Failure | null; readonly open: (record: RawRecord | null) => void } {
  const { session } = useShell();
  const [held, setHeld] = useState<RawRecord | null>(null);
  const { id } = readRecordKey(key);
  const here = held !== null && recordKey(held) === key ? held : (key === '' ? null : (journey.records.find((one) => one.id === id)?.raw ?? null));
  const { loading } = useAnswer(key === '' || here !== null ? null : key, (signal) => fetchNeighbours(session.client, readRecordKey(key), 'journey', 1, signal));
  const came = loading.phase === 'shown' ? loading.value.record : null;
  useEffect(() => {
    if (came !== null) setHeld(came);
  }, [came]);
  return { record: here, failure: loading.phase === 'failed' && here === null && key !== '' ? loading.failure : null, open: setHeld };
}
