import type { AlertOf, SilenceSaid } from '../../api/schema';
import { standingOf } from '../../lib/alerts/alert';
import { matcherFor } from '../../lib/alerts/matcher';
import { runbookHref } from '../../lib/alerts/runbook';
import { formatSeconds } from '../../lib/duration';
import { shortForm } from '../../lib/id';
import { printable } from '../../lib/printable';
import { nanosOf, parseTime } from '../../lib/time';
import { LongText } from '../record/long-text';
import { Icon } from '../shell/icons';
import { Link } from '../shell/link';
import { Moment } from '../shell/moment';
import { useText } from '../shell/shell';
import { SeverityBadge } from './badges';
import { Labels } from './labels';

const SECOND = 1e9;

/** One alert. `onSilence` is null where it cannot be silenced, since it is over. */
export function AlertItem({ alert, silences, fresh, withRule, mayNot, onSilence }: {
  readonly alert: AlertOf;
  readonly silences: readonly SilenceSaid[];
  readonly fresh: boolean;
  /** It does not stand under its rule. */
  readonly withRule: boolean;
  readonly mayNot: string;
  readonly onSilence: ((matchers: string) => void) | null;
}) {
  const text = useText().alerts.firing;
  const href = runbookHref(alert.runbook);
  return (
    <li class="alert-item" data-severity={alert.severity} data-standing={alert.status === 'resolved' ? 'over' : standingOf(alert)} data-new={fresh} data-key={alert.key} tabIndex={-1}>
      <div class="alert-said">
        {withRule && <p class="alert-of"><SeverityBadge severity={alert.severity} /> <bdi>{printable(alert.rule)}</bdi></p>}
        <h3><LongText value={alert.title} most={240} /></h3>
        {alert.text !== '' && alert.text !== alert.title && <p><LongText value={alert.text} most={400} /></p>}
        <Labels labels={alert.labels} />
      </div>
      <div class="alert-when"><When alert={alert} /><Quiet alert={alert} silences={silences} /></div>
      <div class="alert-ways">
        {alert.correlation_id !== '' && <Link to="journey" params={{ id: alert.correlation_id }}>{text.journey} <code>{printable(shortForm(alert.correlation_id))}</code></Link>}
        {href !== null && <a href={href} target="_blank" rel="noopener noreferrer">{text.runbook}</a>}
        {href === null && alert.runbook !== '' && <span class="aside">{text.runbook}: <LongText value={alert.runbook} most={120} /></span>}
        {onSilence !== null && (
          <button type="button" class="quiet" disabled={mayNot !== ''} title={mayNot} aria-label={text.silenceAlert(printable(alert.title.slice(0, 120)))} onClick={() => onSilence(matcherFor('alert', alert.key))}>
            {text.silence}
          </button>
        )}
      </div>
    </li>
  );
}

function When({ alert }: { readonly alert: AlertOf }) {
  const text = useText().alerts.firing;
  const [start, end] = [parseTime(alert.starts_at), parseTime(alert.ends_at ?? '')];
  const lasting = start === null ? 0 : Number((end ?? nanosOf(Date.now())) - start);
  return (
    <p>
      <Moment at={start} withDay />
      {end !== null && <> {text.until} <Moment at={end} /></>}
      {lasting >= SECOND && <span class="aside"> {text.lasting(formatSeconds(lasting))}</span>}
    </p>
  );
}

/** Why nobody is told of it. */
function Quiet({ alert, silences }: { readonly alert: AlertOf; readonly silences: readonly SilenceSaid[] }) {
  const text = useText().alerts.firing;
  if (alert.status === 'resolved') return null;
  const last = silences.findLast(({ id }) => alert.silenced_by.includes(id));
  if (last !== undefined) return <p class="quieted"><Icon name="pause" />{text.silencedUntil} <Moment at={parseTime(last.ends)} withDay /></p>;
  return alert.quiet && alert.silenced_by.length === 0 ? <p class="quieted"><Icon name="pause" />{text.inhibited}</p> : null;
}
