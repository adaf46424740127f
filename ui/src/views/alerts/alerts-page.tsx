import '../../styles/table.css';
import '../../styles/alerts.css';
import { useState } from 'preact/hooks';
import type { AlertList, RuleList, SilenceList } from '../../api/schema';
import { distinct, standingOf } from '../../lib/alerts/alert';
import { LongText } from '../record/long-text';
import { Awaited } from '../shell/awaited';
import { Icon } from '../shell/icons';
import type { PageProps } from '../shell/lazy';
import { FailureNotice } from '../shell/notice';
import { useAnswer, useKeys, useShell, useText } from '../shell/shell';
import { useTitle } from '../shell/title';
import { DeliveriesView } from './deliveries-view';
import { ExampleFile } from './example-file';
import { FiringView } from './firing-view';
import { useMay } from './may';
import { REFRESH_MS } from './refresh';
import { RuleTable } from './rule-table';
import { SilenceDialog } from './silence-dialog';
import { SilenceTable } from './silence-table';
import { Tabs, tabs } from './tabs';
import { useAlertNews } from './use-alert-news';

const MOST = 500;
const nothing = { alerts: [], silences: [] } as const;

/** What is wrong now, by which rules, who was told, and who is not to be. */
export function AlertsPage({ params }: PageProps) {
  const { session } = useShell();
  const text = useText().alerts;
  useTitle(text.title);
  const { loading, again } = useAnswer<RuleList>('rules', (signal) => session.client.get('/alerts/rules', {}, signal), { again: () => REFRESH_MS });
  const off = loading.phase === 'failed' && loading.failure.kind === 'not_found';
  return (
    <>
      <h1 class="page-title">{text.title}</h1>
      {off ? (
        <FailureNotice failure={loading.failure} at={loading.at} looking={loading.looking} words={text.off} onAgain={again}>
          <ExampleFile command={text.off.command} />
        </FailureNotice>
      ) : <Awaited loading={loading} onAgain={again}>{(rules) => <Parts params={params} rules={rules} />}</Awaited>}
    </>
  );
}

function Parts({ params, rules }: PageProps & { readonly rules: RuleList }) {
  const { address, session } = useShell();
  const text = useText().alerts;
  const may = useMay();
  const tab = tabs.find((one) => one === params['tab']) ?? 'firing';
  const [done, setDone] = useState('');
  const current = useAnswer<AlertList>('alerts', async (signal) => {
    const answer = await session.client.get<AlertList>('/alerts', { limit: MOST }, signal);
    return answer.kind === 'found' ? { ...answer, value: { ...answer.value, alerts: distinct(answer.value.alerts) } } : answer;
  }, { again: () => REFRESH_MS });
  const kept = useAnswer<SilenceList>('silences', (signal) => session.client.get('/alerts/silences', {}, signal), { again: () => REFRESH_MS });
  const alerts = current.loading.phase === 'shown' ? current.loading.value.alerts : null;
  const silences = kept.loading.phase === 'shown' ? kept.loading.value.silences : null;
  const news = useAlertNews(alerts);
  const changed = (): void => {
    current.again();
    kept.again();
  };
  useKeys(tabs.map((one, i) => ({ keys: String(i + 1), says: text.keys[one], run: () => address.go('alerts', { tab: one === 'firing' ? undefined : one }) })), [text]);
  const silence = params['silence'] ?? '';
  const counts = { firing: alerts?.filter((alert) => standingOf(alert) === 'firing').length ?? null, rules: rules.rules.length, silences: silences?.length ?? null, deliveries: null };
  const mayNot = tab === 'deliveries' ? may.admin : tab === 'rules' ? '' : may.write;
  return (
    <>
      <Tabs tab={tab} counts={counts} />
      <p class="unseen" role="status">{[done, news.said].filter(Boolean).join('. ')}</p>
      {rules.wrong !== '' && <p class="rules-wrong" role="status"><Icon name="alert" /><span>{text.wrong} <LongText value={rules.wrong} most={600} /></span></p>}
      {mayNot !== '' && <p class="may-not"><Icon name="lock" />{mayNot}</p>}
      {tab === 'firing' && (
        <Awaited loading={current.loading} onAgain={current.again}>
          {(list) => <FiringView list={list} rules={rules} silences={silences ?? nothing.silences} fresh={news.keys} shown={(params['show'] ?? '').split(',').filter(Boolean)} mayNot={may.write} />}
        </Awaited>
      )}
      {tab === 'rules' && <RuleTable list={rules} alerts={alerts ?? nothing.alerts} />}
      {tab === 'silences' && (
        <Awaited loading={kept.loading} onAgain={kept.again}>
          {(list) => <SilenceTable silences={list.silences} alerts={alerts ?? nothing.alerts} mayNot={may.write} onChanged={changed} />}
        </Awaited>
      )}
      {tab === 'deliveries' && <DeliveriesView receivers={rules.receivers} receiver={params['receiver'] ?? ''} outcome={params['outcome'] ?? ''} open={params['delivery'] ?? ''} mayNot={may.admin} />}
      {silence !== '' && (
        <SilenceDialog
          key={silence}
          matchers={silence === 'new' ? '' : silence}
          alerts={alerts ?? nothing.alerts}
          mayNot={may.write}
          onDone={() => {
            setDone(text.silences.done);
            changed();
          }}
          onClose={() => address.set({ silence: undefined })}
        />
      )}
    </>
  );
}
