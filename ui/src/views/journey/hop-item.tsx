import { useEffect, useState } from 'preact/hooks';
import { formatDuration } from '../../lib/duration';
import type { Journey, Outcome } from '../../lib/journey';
import { printable } from '../../lib/printable';
import { formatRanges } from '../../lib/ranges';
import type { RawRecord } from '../../lib/record';
import { between } from '../../lib/track';
import type { HopRow } from '../../lib/track';
import { LongText } from '../record/long-text';
import { Dot } from '../shell/dot';
import { Icon } from '../shell/icons';
import type { IconName } from '../shell/icons';
import { Moment } from '../shell/moment';
import { ServiceName } from '../shell/service-name';
import { useText } from '../shell/shell';
import { HopRecords } from './hop-records';
import { LegLine } from './leg-line';
import { SpanBar } from './span-bar';

const outcomeIcons: Record<Outcome, IconName> = { success: 'check', failure: 'cross', open: 'arrow' };
const LEGS = 6; // of a hop that is caused by more, the rest is counted

/** One visit to a station, what led there above it. */
export function HopItem({ journey, row, whole, newDay, isNew, selected, record, onSelect, onOpen, onAll }: {
  readonly journey: Journey;
  readonly row: HopRow;
  /** All records of the journey are here. */
  readonly whole: boolean;
  readonly newDay: string | null;
  readonly isNew: boolean;
  readonly selected: boolean;
  /** Key of the record that is open. */
  readonly record: string;
  readonly onSelect: (hop: string) => void;
  readonly onOpen: (record: RawRecord) => void;
  readonly onAll: (hop: string) => void;
}) {
  const text = useText().journey;
  const { hop } = row;
  const failed = hop.outcome === 'failure';
  const [open, setOpen] = useState(failed && whole);
  useEffect(() => {
    if (failed && whole) setOpen(true);
  }, [failed, whole]);
  const sinceStart = between(journey.start, hop.start);
  return (
    <li class="hop" id={row.anchor} data-outcome={hop.outcome} data-inside={row.inside} data-selected={selected} data-verdict-hop={hop.id === journey.verdictHop} aria-current={selected}>
      {row.arrivals.slice(0, LEGS).map((arrival, i) => <LegLine key={i} row={arrival} />)}
      {row.arrivals.length > LEGS && <p class="leg"><span class="leg-words">{text.papers.more(row.arrivals.length - LEGS)}</span></p>}
      {row.under !== null && <p class="leg"><span class="leg-words">{text.hop.under(printable(row.under.slice(0, 120)))}</span></p>}
      {row.unlinked && <p class="leg unlinked"><span class="leg-words">{text.hop.unlinked}</span></p>}
      {newDay !== null && <p class="day">{newDay}</p>}
      <article class="visit" data-open={open}>
        <div class="visit-time">
          <Moment at={hop.start} />
          {sinceStart !== null && sinceStart !== 0 && <span class="since">{sinceStart > 0 ? text.hop.offset(formatDuration(sinceStart)) : formatDuration(sinceStart)}</span>}
        </div>
        <span class="node"><Icon name={outcomeIcons[hop.outcome]} /></span>
        <div class="visit-body">
          <h3>
            <button type="button" class="visit-name" aria-pressed={selected} onClick={() => onSelect(selected ? '' : hop.id)}>
              {hop.service === '' ? text.hop.unnamed : <ServiceName name={hop.service.slice(0, 200)} />}
            </button>
            {isNew && <em class="record-new">{text.isNew}</em>}
            {row.visit > 1 && !row.inside && <span class="nth">{text.hop.visit(row.visit)}</span>}
            <span class={hop.outcome === 'success' ? 'unseen' : 'tag'}>{text.hop.outcomes[hop.outcome]}</span>
            {hop.id === journey.verdictHop && <span class="rests">{text.hop.verdict}</span>}
          </h3>
          <p class="operation">
            <bdi>{printable(hop.name.slice(0, 400)) || text.hop.unnamed}</bdi>
            {hop.kind !== null && <span><Dot />{text.hop.kinds[hop.kind]}</span>}
            {hop.status !== null && <span><Dot />{text.hop.status(hop.status)}</span>}
            {hop.attempt !== null && hop.attempt > 1 && <span><Dot />{text.hop.attempt(hop.attempt)}</span>}
          </p>
          {hop.error !== '' && <p class="hop-error"><LongText value={hop.error} most={300} /></p>}
          {row.missing.length > 0 && <p class="missing"><Icon name="alert" />{text.hop.missing(row.missing.length, formatRanges(row.missing).slice(0, 200))}</p>}
        </div>
        <p class="visit-duration">{hop.duration === null ? '' : formatDuration(hop.duration)}</p>
        <SpanBar span={row.span} />
        <HopRecords
          journey={journey}
          hop={hop}
          here={whole ? row.records : null}
          errors={row.errors}
          open={open}
          selected={record}
          onOpen={onOpen}
          onToggle={setOpen}
          onAll={() => onAll(hop.id)}
        >
          {hop.node !== '' && <span><bdi>{text.hop.node(printable(hop.node.slice(0, 200)))}</bdi></span>}
          <span>{text.hop.sends(hop.sends)}</span>
        </HopRecords>
      </article>
      {row.departures.slice(0, LEGS).map((departure, i) => <LegLine key={i} row={departure} leaving />)}
      {row.departures.length > LEGS && <p class="leg"><span class="leg-words">{text.papers.more(row.departures.length - LEGS)}</span></p>}
    </li>
  );
}
