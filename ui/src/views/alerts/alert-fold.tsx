import { useState } from 'preact/hooks';
import type { AlertOf, SilenceSaid } from '../../api/schema';
import { grouped } from '../../lib/number';
import { useText } from '../shell/shell';
import { AlertItem } from './alert-item';

const FIRST = 20;
const STEP = 100;

/** Alerts that ask nothing of anybody now, folded away. */
export function AlertFold({ title, about, alerts, silences, open, mayNot, onToggle, onSilence }: {
  readonly title: string;
  readonly about: string;
  readonly alerts: readonly AlertOf[];
  readonly silences: readonly SilenceSaid[];
  readonly open: boolean;
  readonly mayNot: string;
  readonly onToggle: (open: boolean) => void;
  readonly onSilence: ((matchers: string) => void) | null;
}) {
  const text = useText().shell;
  const [most, setMost] = useState(FIRST);
  return (
    <details class="alert-fold" open={open} onToggle={(event) => onToggle(event.currentTarget.open)}>
      <summary>{title} <span class="tab-count">{grouped(alerts.length)}</span></summary>
      {open && (
        <>
          {about !== '' && <p class="aside">{about}</p>}
          <ol>
            {alerts.slice(0, most).map((alert) => (
              <AlertItem key={`${alert.key} ${alert.starts_at}`} alert={alert} silences={silences} fresh={false} withRule mayNot={mayNot} onSilence={onSilence} />
            ))}
          </ol>
          {alerts.length > most && <button type="button" class="more" onClick={() => setMost(most + STEP)}>{text.more(Math.min(STEP, alerts.length - most))}</button>}
        </>
      )}
    </details>
  );
}
