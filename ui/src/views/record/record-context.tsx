import { useId, useState } from 'preact/hooks';
import { fetchNeighbours, withins } from '../../api/records';
import type { Neighbours, Within } from '../../api/records';
import { readRecordKey, recordKey } from '../../lib/record';
import type { RawRecord } from '../../lib/record';
import { printable } from '../../lib/printable';
import { useAnswer, useKeys, useShell, useText } from '../shell/shell';
import { RecordRow } from './record-row';

const STEP = 5;
const MOST = 50;

/** What was written before and after a record by the same instance, service or journey. */
export function RecordContext({ record, onMove }: { readonly record: RawRecord; readonly onMove: (record: RawRecord) => void }) {
  const { session } = useShell();
  const text = useText().record;
  const [within, setWithin] = useState<Within>('instance');
  const [size, setSize] = useState(STEP);
  const name = useId();
  const key = recordKey(record);
  const { loading } = useAnswer<Neighbours>(
    key === '' ? null : JSON.stringify([key, within, size]),
    (signal) => fetchNeighbours(session.client, readRecordKey(key), within, size, signal),
    { keep: true },
  );
  // What is kept while another is asked for may be another record's.
  const around = loading.phase === 'shown' && recordKey(loading.value.record) === key ? loading.value : null;
  const move = (to: RawRecord | undefined): void => {
    if (to !== undefined) onMove(to);
  };
  useKeys([
    { keys: '[', says: text.keys.older, run: () => move(around?.before[0]) },
    { keys: ']', says: text.keys.newer, run: () => move(around?.after[0]) },
  ], [around, text]);
  if (key === '') return null;

  return (
    <section class="record-context" aria-label={text.context.title}>
      <h3>{text.context.title}</h3>
      <fieldset class="segments">
        <legend class="unseen">{text.context.title}</legend>
        {withins.map((one) => (
          <label key={one}>
            <input type="radio" name={name} checked={one === within} onChange={() => { setWithin(one); setSize(STEP); }} />
            <span>{text.context.within[one]}</span>
          </label>
        ))}
      </fieldset>
      {loading.phase === 'failed' && <p class="aside">{text.context.failed} <bdi>{printable(loading.failure.detail)}</bdi></p>}
      {around === null && loading.phase !== 'failed' && <p class="aside">{text.context.loading}</p>}
      {around !== null && <Around around={around} full={size < MOST} asked={size} onMove={onMove} onMore={() => setSize(Math.min(MOST, size * 2))} />}
    </section>
  );
}

function Around({ around, asked, full, onMove, onMore }: {
  readonly around: Neighbours;
  readonly asked: number;
  /** More can be asked for. */
  readonly full: boolean;
  readonly onMove: (record: RawRecord) => void;
  readonly onMore: () => void;
}) {
  const { context: text } = useText().record;
  const { before, record, after } = around;
  const row = (one: RawRecord) => <li key={recordKey(one)}><RecordRow record={one} onOpen={onMove} /></li>;
  return (
    <>
      {before.length === asked && full ? <button type="button" class="show-all" onClick={onMore}>{text.moreOlder}</button> : before.length < asked && <p class="aside">{text.noOlder}</p>}
      <ol>
        {before.toReversed().map(row)}
        <li aria-current="true" class="record-this"><RecordRow record={record} selected onOpen={onMove} /></li>
        {after.map(row)}
      </ol>
      {after.length === asked && full ? <button type="button" class="show-all" onClick={onMore}>{text.moreNewer}</button> : after.length < asked && <p class="aside">{text.noNewer}</p>}
    </>
  );
}
