import { useEffect, useId, useMemo, useState } from 'preact/hooks';
import { shortForm } from '../../lib/id';
import type { JourneyRecord } from '../../lib/journey';
import { printable } from '../../lib/printable';
import { parseRecord, recordKey } from '../../lib/record';
import type { RawRecord } from '../../lib/record';
import { levelTone } from '../../lib/track';
import { CopyButton } from '../shell/copy-button';
import { Icon } from '../shell/icons';
import { Link } from '../shell/link';
import { Moment } from '../shell/moment';
import { ServiceName } from '../shell/service-name';
import { useText } from '../shell/shell';
import { Carriers } from './carriers';
import type { Carrier } from './carriers';
import { LongText } from './long-text';
import { Panel } from './panel';
import { RecordContext } from './record-context';
import { RecordFields } from './record-fields';
import type { Refined } from './record-fields';
import { Level, boundaryOf } from './record-row';

/**
 * One record with all there is to know of it, beside a list; over it where there is no room beside. It takes the focus when it
 * opens and gives it back when it goes. Put list and panel into `<Beside>`.
 *
 * `onMove`: somebody went to a record before or after it. `refine`: where "only these" leads, a search for records unless it says
 * otherwise; the condition is added to its `q`. `inJourney`: the journey is what is shown already.
 */
export function RecordPanel({ record, onClose, onMove, refine = records, carriers = [], inJourney = false }: {
  readonly record: RawRecord;
  readonly onClose: () => void;
  readonly onMove?: (record: RawRecord) => void;
  readonly refine?: Refined;
  readonly carriers?: readonly Carrier[];
  readonly inJourney?: boolean;
}) {
  const text = useText().record;
  const [moved, setMoved] = useState<RawRecord | null>(null);
  useEffect(() => setMoved(null), [record]);
  const shown = moved ?? record;
  const whole = useMemo(() => parseRecord(shown), [shown]);
  const title = useId();
  const message = useId();
  const fields = useId();
  const move = (to: RawRecord): void => {
    if (onMove === undefined) setMoved(to);
    else onMove(to);
  };
  const said = boundaryOf(whole, text);
  return (
    <Panel labelledBy={title} onClose={onClose}>
      <header class="record-head" data-tone={levelTone(whole.level)}>
        <h2 id={title} tabIndex={-1}>
          <span class="unseen">{text.title}: </span>
          <Level level={whole.level} tone={levelTone(whole.level)} />
          <ServiceName name={whole.service.slice(0, 200)} />
        </h2>
        <p class="record-when"><Moment at={whole.time} withDay />{said !== '' && <i>{said}</i>}</p>
        <button type="button" class="icon-button record-close" aria-label={text.close} onClick={onClose}><Icon name="close" /></button>
      </header>
      <p class="record-message" id={message}>{whole.message === '' ? text.noMessage : <LongText value={whole.message} />}</p>
      <p class="record-actions">
        {whole.correlationId !== '' && !inJourney && (
          <Link to="journey" params={{ id: whole.correlationId, view: 'records', record: recordKey(shown) }} class="quiet">
            <Icon name="arrow" />{text.toJourney} <code>{printable(shortForm(whole.correlationId))}</code>
          </Link>
        )}
        <CopyButton value={whole.message} shownIn={message} label={text.copyMessage} />
        <CopyButton value={JSON.stringify(shown, null, 2)} shownIn={fields} label={text.copyRecord} words={text.copyRecord} />
      </p>
      <Failed record={whole} />
      {moved === null && carriers.length > 0 && <Carriers carriers={carriers} />}
      <div id={fields}><RecordFields record={shown} refine={refine} /></div>
      <RecordContext record={shown} onMove={move} />
    </Panel>
  );
}

const records: Refined = { page: 'search', params: { as: 'records' } };

function Failed({ record }: { readonly record: JourneyRecord }) {
  const text = useText().record;
  const stack = useId();
  if (record.errorType === '' && record.errorMessage === '' && record.stackTrace === '') return null;
  return (
    <section class="record-error-part" aria-label={text.error}>
      {(record.errorType !== '' || record.errorMessage !== '') && (
        <p class="record-failed"><Icon name="cross" /> <LongText value={[record.errorType, record.errorMessage].filter(Boolean).join(': ')} /></p>
      )}
      {record.stackTrace !== '' && (
        <details class="stack" open>
          <summary>{text.stack}</summary>
          <pre id={stack} tabIndex={0}><LongText value={record.stackTrace} most={6000} /></pre>
          <CopyButton value={record.stackTrace} shownIn={stack} label={text.copyStack} />
        </details>
      )}
    </section>
  );
}
