import type { Instance, Instances } from '../../api/schema';
import { grouped } from '../../lib/number';
import { printable } from '../../lib/printable';
import { parseTime } from '../../lib/time';
import { Awaited } from '../shell/awaited';
import { Icon } from '../shell/icons';
import { Link } from '../shell/link';
import { Moment } from '../shell/moment';
import { ServiceName } from '../shell/service-name';
import { useAnswer, useShell, useText } from '../shell/shell';
import { quoted } from '../../lib/query/condition';
import { REFRESH_MS } from './refresh';

const MOST = 100;

/** What each instance says of its own records, held against what is stored. */
export function InstanceTable() {
  const { session } = useShell();
  const text = useText().health;
  const { loading, again } = useAnswer<Instances>('instances', (signal) => session.client.get('/instances', { limit: MOST }, signal), { again: () => REFRESH_MS });
  return (
    <section class="health-part" aria-labelledby="instances-title">
      <h2 id="instances-title">{text.instances}</h2>
      <p class="aside">{text.instancesAbout}</p>
      <Awaited loading={loading} onAgain={again}>
        {({ instances, more }) => instances.length === 0 ? <p>{text.instancesNone}</p> : (
          <>
            <div class="table" tabIndex={0} role="region" aria-labelledby="instances-title">
              <table>
                <thead>
                  <tr>
                    <th>{text.instanceColumns.service}</th><th>{text.instanceColumns.node}</th><th>{text.instanceColumns.time}</th>
                    <th class="number">{text.instanceColumns.written}</th><th class="number">{text.instanceColumns.lost}</th>
                    <th class="number" title={text.droppedWhy}>{text.instanceColumns.dropped}</th><th class="number" title={text.refusedWhy}>{text.instanceColumns.refused}</th>
                    <th>{text.instanceColumns.state}</th>
                  </tr>
                </thead>
                <tbody>{instances.map((instance) => <Row key={instance.node} instance={instance} />)}</tbody>
              </table>
            </div>
            {more && <p class="aside">{text.instancesMore}</p>}
          </>
        )}
      </Awaited>
    </section>
  );
}

function Row({ instance }: { readonly instance: Instance }) {
  const text = useText().health;
  const lost = instance.lost ?? 0;
  return (
    <tr data-bad={lost > 0}>
      <th scope="row"><Link to="search" params={{ q: `instance:${quoted(instance.node)}`, as: 'records' }}><ServiceName name={instance.service} /></Link></th>
      <td><code>{printable(instance.node)}</code></td>
      <td><Moment at={parseTime(instance.time)} /></td>
      <td class="number">{grouped(instance.last)}</td>
      <td class="number">{instance.lost === null ? <i>{text.lostUnknown}</i> : lost > 0 ? <strong class="missing"><Icon name="alert" />{grouped(lost)}</strong> : 0}</td>
      <td class="number">{grouped(instance.dropped)}</td>
      <td class="number">{grouped(instance.refused)}</td>
      <td>{instance.stopped ? text.stopped : text.running}</td>
    </tr>
  );
}
