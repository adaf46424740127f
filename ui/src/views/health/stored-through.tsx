import type { Stats } from '../../api/schema';
import { formatDuration } from '../../lib/duration';
import { grouped } from '../../lib/number';
import { parseTime } from '../../lib/time';
import { Awaited } from '../shell/awaited';
import { Icon } from '../shell/icons';
import { Moment } from '../shell/moment';
import { useAnswer, useShell, useText } from '../shell/shell';
import { REFRESH_MS } from './refresh';

/** More than this, and what is missing may only be late. */
const LATE_NS = 60e9;

/** Through when everything that was shipped can be found. */
export function StoredThrough() {
  const { session } = useShell();
  const text = useText().health;
  const { loading, again } = useAnswer<Stats>('stats', (signal) => session.client.get('/stats', {}, signal), { again: () => REFRESH_MS });
  return (
    <Awaited loading={loading} onAgain={again}>
      {(stats) => {
        const asOf = parseTime(stats.as_of ?? '');
        const late = stats.behind > LATE_NS;
        return (
          <section class="sheet health-stored" data-state={asOf === null ? 'unknown' : late ? 'late' : 'well'} aria-labelledby="stored-title">
            <span class="seal"><Icon name={asOf === null ? 'question' : late ? 'alert' : 'check'} /></span>
            <div>
              <h2 id="stored-title">{text.stored} {asOf !== null && <Moment at={asOf} withDay />}</h2>
              <p>{asOf === null ? text.storedUnknown : text.storedAgo(formatDuration(stats.behind))}{late && ` · ${text.storedLate}`}</p>
            </div>
            <dl>
              <div><dt>{text.records}</dt><dd class="figure">{grouped(stats.records)}</dd></div>
              <div><dt>{text.lag}</dt><dd class="figure">{text.lagSum(stats.lag)}</dd></div>
            </dl>
          </section>
        );
      }}
    </Awaited>
  );
}
