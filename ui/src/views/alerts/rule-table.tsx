import { useMemo } from 'preact/hooks';
import type { AlertList, AlertOf, RuleList, RuleSaid } from '../../api/schema';
import { severities } from '../../lib/alerts/alert';
import { firedByRule } from '../../lib/alerts/fired';
import type { Fired } from '../../lib/alerts/fired';
import { parseGoDuration } from '../../lib/alerts/go-duration';
import { formatSeconds } from '../../lib/duration';
import { printable } from '../../lib/printable';
import { parseTime } from '../../lib/time';
import { LongText } from '../record/long-text';
import { Icon } from '../shell/icons';
import { Moment } from '../shell/moment';
import { useAnswer, useShell, useText } from '../shell/shell';
import { SeverityBadge, severityIcons } from './badges';
import { ExampleFile } from './example-file';
import { Labels } from './labels';
import { REFRESH_MS } from './refresh';

const MOST_PAST = 1000;
const SLOWLY = 5;
const never: Fired = { now: 0, past: 0 };

/** The rules that hold, how each stands, and how often it has fired. */
export function RuleTable({ list, alerts }: { readonly list: RuleList; readonly alerts: readonly AlertOf[] }) {
  const { session } = useShell();
  const text = useText().alerts;
  const { loading } = useAnswer<AlertList>('fired', (signal) => session.client.get('/alerts/history', { limit: MOST_PAST }, signal), { again: () => SLOWLY * REFRESH_MS });
  const past = loading.phase === 'shown' ? loading.value : null;
  const fired = useMemo(() => firedByRule(alerts, past?.alerts ?? []), [alerts, past]);
  if (list.rules.length === 0) return <><p>{text.firing.noRules}</p><ExampleFile command={text.firing.onlySelfCommand} /></>;
  const { columns } = text.rules;
  return (
    <section aria-labelledby="rules-title">
      <h2 id="rules-title" class="unseen">{text.tabs.rules}</h2>
      <p class="aside">{text.rules.about} {text.rules.taken} <Moment at={parseTime(list.taken)} withDay /></p>
      <div class="table stacked" tabIndex={0} role="region" aria-labelledby="rules-title">
        <table>
          <thead>
            <tr>
              <th>{columns.name}</th><th>{columns.severity}</th><th>{columns.kind}</th><th>{columns.about}</th><th>{columns.state}</th>
              <th class="number" title={text.rules.firedAbout}>{columns.fired}</th>
            </tr>
          </thead>
          <tbody>{list.rules.map((rule) => <Row key={rule.name} rule={rule} fired={fired.get(rule.name) ?? never} cut={past === null || past.more > 0} />)}</tbody>
        </table>
      </div>
      {list.rules.every(({ line }) => line === 0) && <><p>{text.firing.onlySelf}</p><ExampleFile command={text.firing.onlySelfCommand} /></>}
    </section>
  );
}

function Row({ rule, fired, cut }: { readonly rule: RuleSaid; readonly fired: Fired; readonly cut: boolean }) {
  const text = useText().alerts.rules;
  const span = (go: string): string => {
    const ns = parseGoDuration(go);
    return ns === null ? printable(go) : formatSeconds(ns);
  };
  const severity = severities.find((one) => one === rule.severity) ?? 'info';
  const [every, lasts] = [parseGoDuration(rule.every), parseGoDuration(rule.for)];
  return (
    <tr data-bad={rule.firing > 0} data-severity={severity}>
      <th scope="row"><bdi>{printable(rule.name)}</bdi><br /><span class="aside">{rule.line === 0 ? text.always : text.line(rule.line)}</span></th>
      <td><SeverityBadge severity={severity} /></td>
      <td>{text.kinds[rule.kind] ?? printable(rule.kind)}</td>
      <td class="wrap">
        <code><LongText value={rule.about} most={300} /></code>
        <p class="aside">{[every === 0 ? text.atOnce : text.every(span(rule.every)), lasts === 0 ? '' : text.lasts(span(rule.for))].filter(Boolean).join(' · ')}</p>
        <Labels labels={rule.labels} />
      </td>
      <td>
        {rule.firing > 0 && <span class="badge severity"><Icon name={severityIcons[severity]} />{text.firing(rule.firing)}</span>}
        {rule.firing > 0 && rule.pending > 0 && <br />}
        {rule.pending > 0 && text.pending(rule.pending)}
        {rule.firing + rule.pending === 0 && <span class="well"><Icon name="check" />{text.quiet}</span>}
      </td>
      <td class="number">{text.fired(fired.now + fired.past, cut)}</td>
    </tr>
  );
}
