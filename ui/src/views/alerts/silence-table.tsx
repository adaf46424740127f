import type { AlertOf, SilenceSaid } from '../../api/schema';
import { formatSeconds } from '../../lib/duration';
import { grouped } from '../../lib/number';
import { printable } from '../../lib/printable';
import { nanosOf, parseTime } from '../../lib/time';
import { LongText } from '../record/long-text';
import { Icon } from '../shell/icons';
import { Moment } from '../shell/moment';
import { useKeys, useShell, useText } from '../shell/shell';
import { NotDone } from './not-done';
import { useSending } from './use-sending';

const MINUTE = 60e9;

/** Silences that are not over, the first to end first, and a way to add one. */
export function SilenceTable({ silences, alerts, mayNot, onChanged }: {
  readonly silences: readonly SilenceSaid[];
  readonly alerts: readonly AlertOf[];
  readonly mayNot: string;
  readonly onChanged: () => void;
}) {
  const { address } = useShell();
  const all = useText().alerts;
  const text = all.silences;
  const add = (): void => address.set({ silence: 'new' });
  useKeys([{ keys: 's', says: text.add, run: () => { if (mayNot === '') add(); } }], [text, mayNot]);
  return (
    <section aria-labelledby="silences-title">
      <h2 id="silences-title" class="unseen">{all.tabs.silences}</h2>
      <div class="alert-bar">
        <p class="aside">{text.about}</p>
        <button type="button" class="primary" disabled={mayNot !== ''} title={mayNot} onClick={add}>{text.add}</button>
      </div>
      {silences.length === 0 ? <p class="nobody">{text.none}</p> : (
        <div class="table stacked" tabIndex={0} role="region" aria-labelledby="silences-title">
          <table>
            <thead>
              <tr>
                <th>{text.columns.match}</th><th class="number">{text.columns.alerts}</th><th>{text.columns.ends}</th><th>{text.columns.author}</th><th>{text.columns.comment}</th><th><span class="unseen">{text.end}</span></th>
              </tr>
            </thead>
            <tbody>
              {silences.map((silence) => (
                <Row key={silence.id} silence={silence} alerts={alerts.filter(({ silenced_by: by }) => by.includes(silence.id)).length} mayNot={mayNot} onChanged={onChanged} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Row({ silence, alerts, mayNot, onChanged }: { readonly silence: SilenceSaid; readonly alerts: number; readonly mayNot: string; readonly onChanged: () => void }) {
  const text = useText().alerts.silences;
  const { sending, send } = useSending();
  const now = nanosOf(Date.now());
  const [starts, ends] = [parseTime(silence.starts), parseTime(silence.ends)];
  const left = ends === null ? 0 : Number(ends - now);
  const end = async (): Promise<void> => {
    await send((client, signal) => client.send('DELETE', `/alerts/silences/${encodeURIComponent(silence.id)}`, undefined, signal));
    onChanged();
  };
  return (
    <tr>
      <th scope="row" class="wrap"><ul class="matchers">{silence.match.map((one) => <li key={one}><code><LongText value={one} most={200} /></code></li>)}</ul></th>
      <td class="number">{grouped(alerts)}</td>
      <td>
        <Moment at={ends} withDay />
        {left > 0 && <><br /><span class="aside">{text.left(formatSeconds(left < MINUTE ? left : Math.ceil(left / MINUTE) * MINUTE))}</span></>}
        {starts !== null && starts > now && <><br /><span class="badge"><Icon name="pause" />{text.later}</span></>}
      </td>
      <td><bdi>{printable(silence.author)}</bdi></td>
      <td class="wrap">{silence.comment === '' ? <i>{text.noComment}</i> : <LongText value={silence.comment} most={300} />}</td>
      <td class="number">
        <button type="button" class="quiet" disabled={mayNot !== '' || sending.phase === 'asked'} title={mayNot} aria-label={text.endNamed(printable(silence.match.join(', ').slice(0, 200)))} onClick={() => void end()}>
          {sending.phase === 'asked' ? text.ending : text.end}
        </button>
        <span role="status">{sending.phase === 'failed' && <NotDone failure={sending.failure} />}</span>
      </td>
    </tr>
  );
}
