import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { JourneyRecord } from '../../lib/journey';
import { printable } from '../../lib/printable';
import { isError, levelTone } from '../../lib/track';
import { Dot } from '../shell/dot';
import { Moment } from '../shell/moment';
import { useText } from '../shell/shell';
import type { Text } from '../../lib/text';

const PAGE = 200;

/** Folded records; nothing is drawn inside until it is opened. `children` are said of the hop, below the records. */
export function RecordList({ records, withService, unfolded, children }: {
  readonly records: readonly JourneyRecord[];
  readonly withService: boolean;
  readonly unfolded: boolean;
  readonly children?: ComponentChildren;
}) {
  const text = useText().journey;
  const [open, setOpen] = useState(unfolded);
  const [limit, setLimit] = useState(PAGE);
  const errors = records.filter(isError).length;
  const hidden = records.length - limit;
  return (
    <details class="records" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {text.records.count(records.length)}
        {errors > 0 && <strong class="errors">{text.records.errors(errors)}</strong>}
      </summary>
      {open && (
        <>
          {records.length === 0 ? <p class="aside">{text.records.none}</p> : (
            <ol>{records.slice(0, limit).map((record, i) => <RecordItem key={i} record={record} withService={withService} />)}</ol>
          )}
          {hidden > 0 && (
            <button type="button" class="more" onClick={() => setLimit(limit + PAGE)}>{text.records.more(Math.min(hidden, PAGE))}</button>
          )}
          {children !== undefined && <p class="aside hop-facts">{children}</p>}
        </>
      )}
    </details>
  );
}

function RecordItem({ record, withService }: { readonly record: JourneyRecord; readonly withService: boolean }) {
  const text = useText().journey;
  const boundary = boundaryOf(record, text);
  const failed = [printable(record.errorType), printable(record.errorMessage)].filter(Boolean).join(': ');
  return (
    <li class="record" data-tone={levelTone(record.level)} data-boundary={boundary !== ''}>
      <Moment at={record.time} />
      <span class="level">{printable(record.level) || text.records.noLevel}</span>
      <div class="record-body">
        {withService && <bdi class="record-service">{printable(record.service)}</bdi>}
        <Message value={record.message || text.records.noMessage} />
        {boundary !== '' && <span class="kind"><Dot />{boundary}</span>}
        {failed !== '' && <p class="record-error"><bdi>{failed}</bdi></p>}
        {record.labels.length > 0 && (
          <dl class="labels" aria-label={text.records.labels}>
            {record.labels.map(([name, value]) => (
              <div key={name}><dt><bdi>{printable(name)}</bdi></dt><dd><bdi>{printable(value)}</bdi></dd></div>
            ))}
          </dl>
        )}
        {record.stackTrace !== '' && (
          <details class="stack"><summary>{text.records.stack}</summary><pre tabIndex={0}>{printable(record.stackTrace)}</pre></details>
        )}
      </div>
    </li>
  );
}

/** What a record says of its hop besides its message. */
function boundaryOf(record: JourneyRecord, text: Text['journey']): string {
  if (record.kind === 'outcome') return text.records.outcome;
  if (record.kind === 'hop.start') return text.records.starts[record.span ?? 'internal'];
  return record.kind === 'hop.end' ? text.records.ends[record.span ?? 'internal'] : '';
}

const LONG = 1500;

function Message({ value }: { readonly value: string }) {
  const shown = printable(value);
  // What scrolls must be reachable by keyboard.
  return shown.length > LONG ? <p class="message long" tabIndex={0}><bdi>{shown}</bdi></p> : <p class="message"><bdi>{shown}</bdi></p>;
}
