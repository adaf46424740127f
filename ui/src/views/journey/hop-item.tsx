import { formatDuration } from '../../lib/duration';
import type { Outcome } from '../../lib/journey';
import { printable } from '../../lib/printable';
import { formatRanges } from '../../lib/ranges';
import type { Nanos } from '../../lib/time';
import { between } from '../../lib/track';
import type { HopRow } from '../../lib/track';
import { Dot } from '../shell/dot';
import { Icon } from '../shell/icons';
import type { IconName } from '../shell/icons';
import { LegLine } from './leg-line';
import { Moment } from '../shell/moment';
import { RecordList } from './record-list';
import { SpanBar } from './span-bar';
import { useText } from '../shell/shell';

const outcomeIcons: Record<Outcome, IconName> = { success: 'check', failure: 'cross', open: 'arrow' };

export function HopItem({ row, start, newDay }: { readonly row: HopRow; readonly start: Nanos | null; readonly newDay: string | null }) {
  const text = useText().journey;
  const { hop } = row;
  const sinceStart = between(start, hop.start);
  return (
    <li class="hop" id={row.anchor} data-outcome={hop.outcome} data-inside={row.inside}>
      {row.arrivals.map((arrival, i) => <LegLine key={i} row={arrival} />)}
      {row.under !== null && <p class="leg"><span class="leg-words">{text.hop.under(printable(row.under))}</span></p>}
      {row.unlinked && <p class="leg unlinked"><span class="leg-words">{text.hop.unlinked}</span></p>}
      {newDay !== null && <p class="day">{newDay}</p>}
      <article class="visit">
        <div class="visit-time">
          <Moment at={hop.start} />
          {sinceStart !== null && sinceStart !== 0 && <span class="since">{sinceStart > 0 ? text.hop.offset(formatDuration(sinceStart)) : formatDuration(sinceStart)}</span>}
        </div>
        <span class="node"><Icon name={outcomeIcons[hop.outcome]} /></span>
        <div class="visit-body">
          <h3>
            <bdi>{printable(hop.service) || text.hop.unnamed}</bdi>
            {row.visit > 1 && !row.inside && <span class="nth">{text.hop.visit(row.visit)}</span>}
            <span class={hop.outcome === 'success' ? 'unseen' : 'tag'}>{text.hop.outcomes[hop.outcome]}</span>
          </h3>
          <p class="operation">
            <bdi>{printable(hop.name) || text.hop.unnamed}</bdi>
            {hop.kind !== null && <span><Dot />{text.hop.kinds[hop.kind]}</span>}
            {hop.status !== null && <span><Dot />{text.hop.status(hop.status)}</span>}
          </p>
          {hop.error !== '' && <p class="hop-error"><bdi>{printable(hop.error)}</bdi></p>}
          {row.missing.length > 0 && <p class="missing"><Icon name="alert" />{text.hop.missing(row.missing.length, formatRanges(row.missing))}</p>}
        </div>
        <p class="visit-duration">{hop.duration === null ? '' : formatDuration(hop.duration)}</p>
        <SpanBar span={row.span} />
        <RecordList records={row.records} withService={false} unfolded={hop.outcome === 'failure'}>
          {hop.node !== '' && <span><bdi>{text.hop.node(printable(hop.node))}</bdi></span>}
          <span>{text.hop.sends(hop.sends)}</span>
        </RecordList>
      </article>
      {row.departures.map((departure, i) => <LegLine key={i} row={departure} leaving />)}
    </li>
  );
}
