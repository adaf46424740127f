import type { Lag, Lags } from '../../api/schema';
import { grouped } from '../../lib/number';
import { printable } from '../../lib/printable';
import { parseTime } from '../../lib/time';
import { Awaited } from '../shell/awaited';
import { Icon } from '../shell/icons';
import { Moment } from '../shell/moment';
import { useAnswer, useShell, useText } from '../shell/shell';
import { REFRESH_MS } from './refresh';

/** How far each consumer group has come that a verdict may rest on. */
export function LagTable() {
  const { session } = useShell();
  const text = useText().health;
  const { loading, again } = useAnswer<Lags>('lag', (signal) => session.client.get('/lag', {}, signal), { again: () => REFRESH_MS });
  return (
    <section class="health-part" aria-labelledby="lag-title">
      <h2 id="lag-title">{text.lag}</h2>
      <p class="aside">{text.lagAbout}</p>
      <Awaited loading={loading} onAgain={again}>
        {({ lags, more }) => lags.length === 0 ? <p>{text.lagNone}</p> : (
          <>
            <div class="table" tabIndex={0} role="region" aria-labelledby="lag-title">
              <table>
                <thead>
                  <tr>
                    <th>{text.lagColumns.group}</th><th>{text.lagColumns.topic}</th><th class="number">{text.lagColumns.partition}</th>
                    <th class="number">{text.lagColumns.committed}</th><th class="number">{text.lagColumns.end}</th><th class="number">{text.lagColumns.lag}</th>
                    <th>{text.lagColumns.members}</th><th>{text.lagColumns.asOf}</th>
                  </tr>
                </thead>
                <tbody>{lags.map((lag) => <Row key={`${lag.group} ${lag.topic} ${lag.partition}`} lag={lag} />)}</tbody>
              </table>
            </div>
            {more && <p class="aside">{text.lagMore}</p>}
          </>
        )}
      </Awaited>
    </section>
  );
}

function Row({ lag }: { readonly lag: Lag }) {
  const text = useText().health;
  const number = (n: number | null): string => (n === null ? text.unknown : grouped(n));
  const deserted = lag.members === false && (lag.lag ?? 0) > 0;
  return (
    <tr data-bad={deserted}>
      <th scope="row"><bdi>{printable(lag.group)}</bdi>{lag.own && <span class="aside"> {text.lagOwn}</span>}</th>
      <td><code>{printable(lag.topic)}</code></td>
      <td class="number">{lag.partition}</td>
      <td class="number">{lag.committed === null ? text.never : number(lag.committed)}</td>
      <td class="number">{number(lag.end)}</td>
      <td class="number">{(lag.lag ?? 0) > 0 ? <strong>{number(lag.lag)}</strong> : number(lag.lag)}</td>
      <td>{lag.members === null ? text.unknown : lag.members ? text.lagMembers.yes : <span class={deserted ? 'missing' : ''}>{deserted && <Icon name="alert" />}{text.lagMembers.no}</span>}</td>
      <td><Moment at={parseTime(lag.as_of)} /></td>
    </tr>
  );
}
