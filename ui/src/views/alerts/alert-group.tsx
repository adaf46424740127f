import { useState } from 'preact/hooks';
import type { AlertOf, SilenceSaid } from '../../api/schema';
import type { AlertGroup } from '../../lib/alerts/alert';
import { matcherFor } from '../../lib/alerts/matcher';
import { grouped } from '../../lib/number';
import { printable } from '../../lib/printable';
import { useText } from '../shell/shell';
import { AlertItem } from './alert-item';
import { SeverityBadge } from './badges';

const FIRST = 10;
const STEP = 100;

/** What fires by one rule. */
export function AlertGroupView({ group, silences, fresh, mayNot, onSilence }: {
  readonly group: AlertGroup<AlertOf>;
  readonly silences: readonly SilenceSaid[];
  readonly fresh: ReadonlySet<string>;
  readonly mayNot: string;
  readonly onSilence: (matchers: string) => void;
}) {
  const text = useText();
  const [most, setMost] = useState(FIRST);
  const { rule, severity, alerts } = group;
  return (
    <section class="alert-group" data-severity={severity} aria-label={text.alerts.firing.group(printable(rule), alerts.length)}>
      <header>
        <SeverityBadge severity={severity} />
        <h2><bdi>{printable(rule)}</bdi></h2>
        <span class="tab-count">{grouped(alerts.length)}</span>
        <button type="button" class="quiet" disabled={mayNot !== ''} title={mayNot} aria-label={text.alerts.firing.silenceRuleNamed(printable(rule))} onClick={() => onSilence(matcherFor('rule', rule))}>
          {text.alerts.firing.silenceRule}
        </button>
      </header>
      <ol>
        {alerts.slice(0, most).map((alert) => (
          <AlertItem key={alert.key} alert={alert} silences={silences} fresh={fresh.has(alert.key)} withRule={false} mayNot={mayNot} onSilence={onSilence} />
        ))}
      </ol>
      {alerts.length > most && <button type="button" class="more" onClick={() => setMost(most + STEP)}>{text.shell.more(Math.min(STEP, alerts.length - most))}</button>}
    </section>
  );
}
