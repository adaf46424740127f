import { useId } from 'preact/hooks';
import type { Delivery } from '../../api/schema';
import { severities } from '../../lib/alerts/alert';
import { outcomeOf } from '../../lib/alerts/delivery';
import { printable } from '../../lib/printable';
import { parseTime } from '../../lib/time';
import { LongText } from '../record/long-text';
import { Dot } from '../shell/dot';
import { Icon } from '../shell/icons';
import { Link } from '../shell/link';
import { Moment } from '../shell/moment';
import { useText } from '../shell/shell';
import { Attempts } from './attempts';
import { OutcomeBadge, SeverityBadge } from './badges';
import { NotDone } from './not-done';
import { useSending } from './use-sending';

/** One notification to one receiver; open, with each try. */
export function DeliveryItem({ delivery, last, open, mayNot, onToggle, onChanged }: {
  readonly delivery: Delivery;
  /** It has not been sent again since. */
  readonly last: boolean;
  readonly open: boolean;
  readonly mayNot: string;
  readonly onToggle: () => void;
  readonly onChanged: () => void;
}) {
  const text = useText().alerts.deliveries;
  const id = useId();
  const severity = severities.find((one) => one === delivery.severity);
  const more = [
    delivery.alerts > 0 ? text.alerts(delivery.alerts) : '',
    delivery.tries === 1 ? '' : text.tries(delivery.tries),
    delivery.instead_of === undefined ? '' : text.instead(printable(delivery.instead_of)),
    delivery.fallback === undefined ? '' : text.fallback(printable(delivery.fallback)),
    delivery.gathered === undefined ? '' : text.gathered(delivery.gathered),
    delivery.redriven === undefined ? '' : text.redriven(delivery.redriven),
  ].filter(Boolean);
  return (
    <li class="delivery" data-outcome={outcomeOf(delivery.outcome)}>
      <button type="button" class="delivery-head" aria-expanded={open} aria-controls={id} onClick={onToggle}>
        <Moment at={parseTime(delivery.queued)} withDay />
        <OutcomeBadge outcome={outcomeOf(delivery.outcome)} />
        <bdi class="delivery-to">{printable(delivery.receiver)}</bdi>
        <span class="delivery-title">
          {delivery.test === true ? <span class="test-mark">{text.testMark}</span> : <>{severity !== undefined && <SeverityBadge severity={severity} />} <span class="aside">{text.status[delivery.status] ?? printable(delivery.status)}</span></>}
          {' '}<bdi>{printable(delivery.title.slice(0, 300))}</bdi>
          <span class="aside delivery-more">{more.map((one, i) => <span key={one}>{i > 0 && <Dot />}{one}</span>)}</span>
        </span>
        <Icon name={open ? 'minus' : 'plus'} />
      </button>
      <div id={id} class="delivery-body">{open && <Body delivery={delivery} last={last} mayNot={mayNot} onChanged={onChanged} />}</div>
    </li>
  );
}

function Body({ delivery, last, mayNot, onChanged }: { readonly delivery: Delivery; readonly last: boolean; readonly mayNot: string; readonly onChanged: () => void }) {
  const text = useText().alerts.deliveries;
  const [ended, next] = [parseTime(delivery.ended ?? ''), parseTime(delivery.next ?? '')];
  return (
    <>
      <dl>
        <dt>{text.facts.tracking}</dt>
        <dd><code>{printable(delivery.tracking_number)}</code> <Link to="journey" params={{ id: delivery.tracking_number }}>{text.journey}</Link></dd>
        <dt>{text.facts.id}</dt><dd><code>{printable(delivery.id)}</code></dd>
        {delivery.group !== undefined && <><dt>{text.facts.group}</dt><dd><code><LongText value={delivery.group} most={300} /></code></dd></>}
        {delivery.reason !== undefined && <><dt>{text.facts.reason}</dt><dd><LongText value={delivery.reason} most={600} /></dd></>}
        {ended !== null && <><dt>{text.facts.ended}</dt><dd><Moment at={ended} withDay /></dd></>}
        {next !== null && <><dt>{text.next}</dt><dd><Moment at={next} withDay /></dd></>}
      </dl>
      <Attempts delivery={delivery} />
      {last && outcomeOf(delivery.outcome) === 'failed' && <Redrive delivery={delivery} mayNot={mayNot} onChanged={onChanged} />}
    </>
  );
}

function Redrive({ delivery, mayNot, onChanged }: { readonly delivery: Delivery; readonly mayNot: string; readonly onChanged: () => void }) {
  const text = useText().alerts.deliveries;
  const { sending, send } = useSending();
  const redrive = async (): Promise<void> => {
    await send((client, signal) => client.send('POST', '/alerts/deliveries/redrive', { receiver: delivery.receiver, id: delivery.id }, signal));
    onChanged();
  };
  return (
    <div class="alert-bar redrive">
      <p role="status">{mayNot !== '' ? mayNot : sending.phase === 'failed' ? <NotDone failure={sending.failure} /> : sending.phase === 'done' ? text.sentAgain : text.redriveAbout}</p>
      <button type="button" class="primary" disabled={mayNot !== '' || sending.phase === 'asked' || sending.phase === 'done'} onClick={() => void redrive()}>{sending.phase === 'asked' ? text.redriving : text.redrive}</button>
    </div>
  );
}
