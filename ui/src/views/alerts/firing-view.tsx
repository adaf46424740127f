import { useMemo } from 'preact/hooks';
import type { AlertList, AlertOf, RuleList, SilenceSaid } from '../../api/schema';
import { bySeverity, groupByRule, standingOf } from '../../lib/alerts/alert';
import { Icon } from '../shell/icons';
import { useShell, useText } from '../shell/shell';
import { AlertFold } from './alert-fold';
import { AlertGroupView } from './alert-group';
import { severityIcons } from './badges';
import { ExampleFile } from './example-file';
import { PastAlerts } from './past-alerts';
import { useAlertKeys } from './use-alert-keys';

/** What is wrong now, the worst first; below it what is quiet, pending and over. */
export function FiringView({ list, rules, silences, fresh, shown, mayNot }: {
  readonly list: AlertList;
  readonly rules: RuleList;
  readonly silences: readonly SilenceSaid[];
  readonly fresh: ReadonlySet<string>;
  /** Which folds are open. */
  readonly shown: readonly string[];
  readonly mayNot: string;
}) {
  const { address } = useShell();
  const text = useText().alerts;
  const by = useMemo(() => ({
    firing: list.alerts.filter((alert) => standingOf(alert) === 'firing'),
    quiet: list.alerts.filter((alert) => standingOf(alert) === 'quiet'),
    pending: list.alerts.filter((alert) => standingOf(alert) === 'pending'),
  }), [list]);
  const silence = (matchers: string): void => address.set({ silence: matchers });
  const toggle = (name: string) => (open: boolean): void => address.set({ show: [...shown.filter((one) => one !== name), ...(open ? [name] : [])].join(',') });
  useAlertKeys(mayNot === '' ? silence : null);
  return (
    <>
      <Stamp firing={by.firing} rules={rules} />
      {groupByRule(by.firing).map((group) => <AlertGroupView key={group.rule} group={group} silences={silences} fresh={fresh} mayNot={mayNot} onSilence={silence} />)}
      {list.more > 0 && <p class="aside">{text.more(list.more)}</p>}
      {(['quiet', 'pending'] as const).filter((name) => by[name].length > 0).map((name) => (
        <AlertFold
          key={name}
          title={text.firing[name]}
          about={name === 'quiet' ? text.firing.quietAbout : text.firing.pendingAbout}
          alerts={by[name]}
          silences={silences}
          open={shown.includes(name)}
          mayNot={mayNot}
          onToggle={toggle(name)}
          onSilence={silence}
        />
      ))}
      <PastAlerts open={shown.includes('past')} onToggle={toggle('past')} />
    </>
  );
}

/** All in one look: whether anything is wrong, and how bad it is. */
function Stamp({ firing, rules }: { readonly firing: readonly AlertOf[]; readonly rules: RuleList }) {
  const text = useText().alerts;
  const counts = bySeverity(firing);
  const worst = counts[0]?.severity;
  const onlySelf = rules.rules.every(({ line }) => line === 0);
  const about = rules.rules.length === 0 ? text.firing.noRules : onlySelf ? text.firing.onlySelf : text.firing.calmAbout(rules.rules.length);
  return (
    <section class="sheet alert-stamp" data-severity={worst ?? (rules.rules.length === 0 ? 'unknown' : 'none')} aria-labelledby="stamp-title">
      <span class="seal"><Icon name={worst === undefined ? (rules.rules.length === 0 ? 'question' : 'check') : severityIcons[worst]} /></span>
      <div>
        <h2 id="stamp-title">{worst === undefined ? text.firing.calm : text.firing.some(firing.length)}</h2>
        {worst === undefined && <p>{about}</p>}
        {worst !== undefined && (
          <ul class="severity-counts">
            {counts.map(({ severity, count }) => <li key={severity} class="badge severity" data-severity={severity}><Icon name={severityIcons[severity]} />{text.count[severity](count)}</li>)}
          </ul>
        )}
        {onlySelf && rules.rules.length > 0 && worst === undefined && <ExampleFile command={text.firing.onlySelfCommand} />}
      </div>
    </section>
  );
}
