import { useEffect, useState } from 'preact/hooks';
import type { Journey } from '../../lib/journey';
import { readRecordKey, recordKey } from '../../lib/record';
import type { RawRecord } from '../../lib/record';
import { isAll, queryOfFilter } from '../../lib/record-filter';
import type { RecordFilter } from '../../lib/record-filter';
import { RecordRow, useRowHeight } from '../record/record-row';
import { FailureNotice } from '../shell/notice';
import { useKeys, useText } from '../shell/shell';
import { VirtualList } from '../shell/virtual-list';
import { RecordFilters } from './record-filters';
import { useRecordWindows } from './use-record-windows';

/** All services' records as one list, in the order of cause. What is out of sight comes when it is scrolled to. */
export function RecordsView({ journey, filter, record, onFilter, onOpen, onGone }: {
  readonly journey: Journey;
  readonly filter: RecordFilter;
  /** Key of the record that is open; empty for none. */
  readonly record: string;
  readonly onFilter: (change: Partial<RecordFilter>) => void;
  readonly onOpen: (record: RawRecord) => void;
  readonly onGone: () => void;
}) {
  const text = useText().journey;
  const rowHeight = useRowHeight();
  const windows = useRecordWindows(journey, filter, onGone);
  const [active, setActive] = useState(-1);
  const [said, setSaid] = useState('');
  void windows.changed.value;
  const count = windows.count();
  const failure = windows.failure.value;
  const marked = active < 0 ? undefined : windows.at(active);

  // What is open is marked, wherever in the list it stands.
  const { id } = readRecordKey(record);
  useEffect(() => {
    if (id === '' || marked?.id === id) return;
    let current = true;
    void (async () => {
      const place = await windows.find(id);
      if (current && place !== null) setActive(place);
    })();
    return () => {
      current = false;
    };
  }, [id, windows]);

  const go = (place: number): void => {
    if (count === null || count === 0) return;
    const to = Math.max(0, Math.min(count - 1, place));
    setActive(to);
    setSaid('');
    const there = windows.at(to);
    // The panel follows.
    if (record !== '' && there !== undefined) onOpen(there.raw);
  };
  const seek = async (test: Parameters<typeof windows.seek>[1], nothing: string): Promise<void> => {
    const place = await windows.seek(active + 1, test);
    if (place === null) setSaid(nothing);
    else go(place);
  };
  const toError = async (): Promise<void> => {
    const place = await windows.next(queryOfFilter({ ...filter, level: 'error' }), active + 1);
    if (place === null) setSaid(text.records.noMoreErrors);
    else go(place);
  };
  const toService = (): void => void seek(({ service }, before) => before !== undefined && before.service !== service, text.records.noMoreServices);
  const open = (): void => {
    if (marked !== undefined) onOpen(marked.raw);
  };
  useKeys([
    { keys: 'j', says: text.keys.next, run: () => go(active + 1) },
    { keys: 'k', says: text.keys.previous, run: () => go(active - 1) },
    { keys: 'Enter', says: text.keys.open, run: open },
    { keys: 'e', says: text.keys.error, run: () => void toError() },
    { keys: 's', says: text.keys.service, run: toService },
  ], [windows, active, count, record, marked, text]);

  const wrong = failure?.kind === 'invalid' && filter.words !== '';
  return (
    <section class="records-view" aria-label={text.records.title}>
      <RecordFilters journey={journey} filter={filter} failure={wrong ? failure : null} onChange={onFilter} />
      <div class="records-bar">
        <p role="status">
          {count !== null && !wrong && (isAll(filter) ? text.records.count(count) : text.records.matching(count, journey.recordCount))}
          {active >= 0 && <span class="aside"> · {text.records.place(active + 1)}</span>}
          {said !== '' && <strong> · {said}</strong>}
        </p>
        <button type="button" class="quiet" onClick={() => void toError()}>{text.records.nextError} <kbd>e</kbd></button>
        <button type="button" class="quiet" onClick={toService}>{text.records.nextService} <kbd>s</kbd></button>
      </div>
      {failure !== null && !wrong && failure.kind !== 'gone' && count === null && <FailureNotice failure={failure} at={Date.now()} onAgain={windows.retry} />}
      {failure?.kind === 'gone' && <p class="aside" role="status">{text.records.gone}</p>}
      {count === 0 && (
        <div class="records-none">
          <p><strong>{journey.recordCount === 0 ? text.records.none : text.records.noneMatch}</strong></p>
          {!isAll(filter) && <p>{text.records.noneMatchBody} <button type="button" class="quiet" onClick={() => onFilter({ level: '', service: '', words: '', hop: '' })}>{text.records.clear}</button></p>}
        </div>
      )}
      {count !== 0 && !wrong && (
        <VirtualList count={count ?? 12} rowHeight={rowHeight} label={text.records.title} active={active} onRange={windows.look}>
          {(place) => {
            const one = windows.at(place);
            if (one === undefined) return <div class="record-row record-coming" aria-busy="true"><span class="record-time" /><span /><span /><span /></div>;
            return <RecordRow record={one.raw} selected={record !== '' && recordKey(one.raw) === record} isNew={windows.isNew(one)} onOpen={onOpen} />;
          }}
        </VirtualList>
      )}
    </section>
  );
}
