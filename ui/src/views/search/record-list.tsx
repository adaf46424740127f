import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Records } from '../../api/schema';
import { readRecordKey, recordKey } from '../../lib/record';
import type { RawRecord } from '../../lib/record';
import { createPager } from '../../state/pager';
import { Beside } from '../record/panel';
import { RecordPanel } from '../record/record-panel';
import { RecordRow, useRowHeight } from '../record/record-row';
import { useShell } from '../shell/shell';
import { MOST } from './most';
import { Results } from './results';

const PAGE = 200;

/** Records that a query finds, the newest first; `open` is the key of the one beside it. */
export function RecordList({ q, open, onOpen }: { readonly q: string; readonly open: string; readonly onOpen: (record: RawRecord | null) => void }) {
  const { session } = useShell();
  const pager = useMemo(() => createPager<RawRecord>(MOST), []);
  const start = (): void => {
    pager.start(async (cursor, signal) => {
      const answer = await session.client.get<Records>('/records', { q, cursor, limit: PAGE }, signal);
      return answer.kind === 'found' ? { ...answer, value: { ...answer.value, items: answer.value.records } } : answer;
    });
  };
  useEffect(() => {
    start();
    return () => pager.stop();
  }, [q, session.again.value]);
  const listing = pager.listing.value;
  const record = useOpened(open, listing.items);
  const rowHeight = useRowHeight();
  const refine = { page: 'search', params: { q, as: 'records' } } as const;
  return (
    <Beside panel={record === null ? null : <RecordPanel record={record} refine={refine} onClose={() => onOpen(null)} onMove={onOpen} />}>
      <Results listing={listing} most={MOST} rowHeight={rowHeight} head={null} what="records" onMore={pager.more} onAgain={start} onOpen={onOpen}>
        {(item) => <RecordRow record={item} withDay selected={open !== '' && recordKey(item) === open} onOpen={onOpen} />}
      </Results>
    </Beside>
  );
}

/** The record of a key: of the list where it is there, and of the server where somebody followed a link to it. */
function useOpened(key: string, items: readonly RawRecord[]): RawRecord | null {
  const { session } = useShell();
  const [fetched, setFetched] = useState<RawRecord | null>(null);
  const listed = useMemo(() => (key === '' ? undefined : items.find((item) => recordKey(item) === key)), [key, items]);
  const wanted = key !== '' && listed === undefined && (fetched === null || recordKey(fetched) !== key);
  useEffect(() => {
    if (!wanted) return;
    const mine = new AbortController();
    const { id, at } = readRecordKey(key);
    void (async () => {
      const answer = await session.client.get<{ readonly record: RawRecord }>('/records/context', { id, at, limit: 1 }, mine.signal).catch(() => null);
      if (answer?.kind === 'found') setFetched(answer.value.record);
    })();
    return () => mine.abort();
  }, [key, wanted]);
  if (key === '') return null;
  return listed ?? (fetched !== null && recordKey(fetched) === key ? fetched : null);
}
