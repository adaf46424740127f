import { useState } from 'preact/hooks';
import { recordKey } from '../../lib/record';
import type { RawRecord } from '../../lib/record';
import { MOST_RECORDS } from '../../state/tail';
import type { Tail, TailRecord, TailState } from '../../state/tail';
import { Beside } from '../record/panel';
import { RecordPanel } from '../record/record-panel';
import { RecordRow, useRowHeight } from '../record/record-row';
import { FailureNotice } from '../shell/notice';
import { useKeys, useShell, useText } from '../shell/shell';
import { VirtualList } from '../shell/virtual-list';
import type { Standstill } from './standstill';

/** The records that came last, or those that stood there when somebody began to read. */
export function TailList({ tail, state, standstill, q, opened, onOpen }: {
  readonly tail: Tail;
  readonly state: TailState;
  readonly standstill: Standstill;
  readonly q: string;
  readonly opened: RawRecord | null;
  readonly onOpen: (record: RawRecord | null) => void;
}) {
  const { session } = useShell();
  const text = useText().tail;
  const [active, setActive] = useState(-1);
  const rowHeight = useRowHeight();
  const { still, fresh } = standstill;
  const count = still === null ? state.next - state.first : still.length;
  const at = (i: number): TailRecord | undefined => (still === null ? tail.at(state.first + i) : still[i]);
  const open = (record: RawRecord): void => {
    standstill.pause();
    onOpen(record);
  };
  const move = (step: number): void => {
    standstill.pause();
    setActive((now) => Math.max(0, Math.min(count - 1, (now < 0 ? count : now) + step)));
  };
  useKeys([
    { keys: 'j', says: text.keys.next, run: () => move(1) },
    { keys: 'k', says: text.keys.previous, run: () => move(-1) },
    {
      keys: 'o',
      says: text.keys.open,
      run: () => {
        const record = parse(at(active));
        if (record !== null) open(record);
      },
    },
  ], [active, count, still, text]);

  if (state.failure !== null && state.failure.kind !== 'invalid') {
    return <FailureNotice failure={state.failure} at={Date.now()} onAgain={session.retry} />;
  }
  return (
    <>
      {state.gaps.length > 0 && (
        <ul class="tail-gaps" role="alert">
          {state.gaps.map(({ partition, from, until }, i) => <li key={i}>{until > from ? text.gap(until - from, partition) : text.gapBack(partition)}</li>)}
        </ul>
      )}
      <Beside panel={opened === null ? null : <RecordPanel record={opened} refine={{ page: 'tail', params: { q } }} onClose={() => onOpen(null)} onMove={onOpen} />}>
        <section class="tail">
          {count === 0 ? <p class="tail-waiting">{text.waiting}</p> : (
            <VirtualList
              count={count}
              rowHeight={rowHeight}
              label={text.list}
              active={still === null ? -1 : active}
              follow={still === null}
              onAtEnd={(atEnd) => {
                if (!atEnd) standstill.pause();
                else if (fresh === 0 && opened === null) standstill.resume();
              }}
            >
              {(i) => {
                const record = parse(at(i));
                return record === null ? null : <RecordRow record={record} selected={opened !== null && recordKey(opened) === recordKey(record)} onOpen={open} />;
              }}
            </VirtualList>
          )}
          {still !== null && (
            <button
              type="button"
              class="primary tail-fresh"
              onClick={() => {
                setActive(-1);
                standstill.resume();
              }}
            >
              {fresh > 0 ? text.fresh(fresh) : text.resume}
            </button>
          )}
          <p class="results-foot aside">{text.keeps(MOST_RECORDS)}</p>
        </section>
      </Beside>
    </>
  );
}

/** Records are kept as text, which takes less room, and only those in sight are read. */
function parse(record: TailRecord | undefined): RawRecord | null {
  if (record === undefined) return null;
  try {
    return JSON.parse(record.raw) as RawRecord;
  } catch {
    return null;
  }
}
