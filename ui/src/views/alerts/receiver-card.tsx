import { useEffect, useState } from 'preact/hooks';
import type { Delivery } from '../../api/schema';
import { newTest, outcomeOf } from '../../lib/alerts/delivery';
import type { Tally } from '../../lib/alerts/delivery';
import { formatDuration } from '../../lib/duration';
import { grouped } from '../../lib/number';
import { printable } from '../../lib/printable';
import { parseTime } from '../../lib/time';
import { Icon } from '../shell/icons';
import { Moment } from '../shell/moment';
import { useText } from '../shell/shell';
import { OutcomeBadge } from './badges';
import { NotDone } from './not-done';
import { useSending } from './use-sending';

const LATE_MS = 15_000;

/** Tests of a receiver that were there when another was asked for. */
interface Awaited {
  readonly known: ReadonlySet<string>;
  readonly since: number;
}

/** A receiver, how it has done, and a way to try it. */
export function ReceiverCard({ tally, deliveries, listed, mayNot, onWait }: {
  readonly tally: Tally<Delivery>;
  readonly deliveries: readonly Delivery[];
  /** It is in the rules file. */
  readonly listed: boolean;
  readonly mayNot: string;
  /** Somebody waits, or no longer waits, for what comes of a test. */
  readonly onWait: (waits: boolean) => void;
}) {
  const text = useText().alerts.deliveries;
  const { receiver, last } = tally;
  const { sending, send } = useSending();
  const [awaited, setAwaited] = useState<Awaited | null>(null);
  const found = awaited === null ? null : newTest(deliveries, receiver, awaited.known);
  const waits = awaited !== null && (found === null || outcomeOf(found.outcome) === 'pending');
  useEffect(() => {
    if (!waits) return;
    onWait(true);
    return () => onWait(false);
  }, [waits]);

  const test = async (): Promise<void> => {
    const known = new Set(deliveries.filter((one) => one.test === true && one.receiver === receiver).map(({ id }) => id));
    setAwaited(null);
    if (await send((client, signal) => client.send('POST', `/alerts/receivers/${encodeURIComponent(receiver)}/test`, undefined, signal))) setAwaited({ known, since: Date.now() });
  };

  const counts = (['delivered', 'failed', 'pending'] as const).filter((name) => tally[name] > 0);
  return (
    <li class="receiver">
      <h3><bdi>{printable(receiver)}</bdi>{!listed && <span class="aside"> {text.gone}</span>}</h3>
      <p class="receiver-last">
        {last === null ? <span class="aside">{text.never}</span> : <><OutcomeBadge outcome={outcomeOf(last.outcome)} /> <span class="aside">{text.lastTold} <Moment at={parseTime(last.queued)} /></span></>}
      </p>
      <p class="aside">{counts.map((name) => `${grouped(tally[name])} ${text.tally[name]}`).join(' · ')}</p>
      {listed && (
        <button type="button" class="quiet" disabled={mayNot !== '' || sending.phase === 'asked'} title={mayNot} aria-label={text.testNamed(printable(receiver))} onClick={() => void test()}>{text.test}</button>
      )}
      <p class="receiver-test" role="status">
        {sending.phase === 'failed' ? <NotDone failure={sending.failure} /> : <TestResult found={found} waits={waits} late={awaited !== null && Date.now() - awaited.since > LATE_MS} />}
      </p>
    </li>
  );
}

function TestResult({ found, waits, late }: { readonly found: Delivery | null; readonly waits: boolean; readonly late: boolean }) {
  const text = useText().alerts.deliveries;
  if (found === null) return waits ? <>{late ? text.testLate : text.testing}</> : null;
  const why = <bdi>{printable((found.reason ?? '').slice(0, 300))}</bdi>;
  switch (outcomeOf(found.outcome)) {
    case 'delivered': {
      const [queued, ended] = [parseTime(found.queued), parseTime(found.ended ?? '')];
      return <span class="well"><Icon name="check" />{text.tested(found.tries, queued === null || ended === null ? '' : formatDuration(Number(ended - queued)))}</span>;
    }
    case 'failed':
      return <span class="missing"><Icon name="cross" />{text.testFailed} {why}</span>;
    default:
      return found.tries === 0 ? <>{text.testing}</> : <>{text.testWaits} {why}</>;
  }
}
