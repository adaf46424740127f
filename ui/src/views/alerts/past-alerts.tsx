import type { AlertList } from '../../api/schema';
import { Awaited } from '../shell/awaited';
import { useAnswer, useShell, useText } from '../shell/shell';
import { AlertFold } from './alert-fold';
import { REFRESH_MS } from './refresh';

const MOST = 100;

/** Alerts that are over, asked for once somebody wants to see them. */
export function PastAlerts({ open, onToggle }: { readonly open: boolean; readonly onToggle: (open: boolean) => void }) {
  const { session } = useShell();
  const text = useText().alerts;
  const { loading, again } = useAnswer<AlertList>(open ? 'past' : null, (signal) => session.client.get('/alerts/history', { limit: MOST }, signal), { again: () => REFRESH_MS });
  if (!open || loading.phase === 'idle') {
    return (
      <details class="alert-fold" onToggle={(event) => onToggle(event.currentTarget.open)}>
        <summary>{text.firing.past}</summary>
      </details>
    );
  }
  return (
    <Awaited loading={loading} onAgain={again}>
      {({ alerts, more }) => (
        <>
          <AlertFold title={text.firing.past} about={alerts.length === 0 ? text.firing.pastNone : ''} alerts={alerts} silences={[]} open mayNot="" onToggle={onToggle} onSilence={null} />
          {more > 0 && <p class="aside">{text.more(more)}</p>}
        </>
      )}
    </Awaited>
  );
}
