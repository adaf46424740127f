import { shortForm } from '../../lib/id';
import type { Completeness, Journey } from '../../lib/journey';
import { formatDuration } from '../../lib/duration';
import { printable } from '../../lib/printable';
import { formatRanges } from '../../lib/ranges';
import { isOpen } from '../../lib/refresh';
import { calendarDay, clockTime, utcTime } from '../../lib/time';
import { between } from '../../lib/track';
import type { Track } from '../../lib/track';
import { Barcode } from '../shell/barcode';
import { CopyButton } from '../shell/copy-button';
import { Icon } from '../shell/icons';
import type { IconName } from '../shell/icons';
import { Moment } from '../shell/moment';
import { verdictIcons } from '../shell/verdict-badge';
import { RouteStrip } from './route-strip';
import { useText } from '../shell/shell';

const completenessIcons: Record<Completeness, IconName> = { proved: 'check', unproved: 'question', lossy: 'alert' };

export function VerdictSheet({ journey, track, at, away }: {
  readonly journey: Journey;
  readonly track: Track;
  readonly at: number;
  readonly away: boolean;
}) {
  const text = useText().journey;
  return (
    <section class="sheet waybill" data-verdict={journey.verdict} aria-labelledby="verdict">
      <div class="verdict">
        <span class="seal"><Icon name={verdictIcons[journey.verdict]} /></span>
        <div class="verdict-words">
          <h1 id="verdict">{text.verdict.words[journey.verdict]}</h1>
          {journey.reason !== '' && <p class="reason"><bdi>{printable(journey.reason)}</bdi></p>}
        </div>
        <div class="label" aria-hidden="true">
          <Barcode of={shortForm(journey.correlationId)} />
          <span>{shortForm(journey.correlationId)}</span>
        </div>
      </div>
      {away && <p class="away" role="alert">{text.verdict.away(clockTime(BigInt(at) * 1_000_000n))}</p>}
      <RouteStrip stations={journey.stations} track={track} />
      <Facts journey={journey} away={away} />
    </section>
  );
}

function Facts({ journey, away }: { readonly journey: Journey; readonly away: boolean }) {
  const text = useText().journey;
  const total = between(journey.start, journey.end);
  const open = isOpen(journey.verdict);
  const prefix = journey.correlationId.slice(0, -8);
  return (
    <dl class="facts">
      <div class="fact-id">
        <dt>{text.facts.id}</dt>
        <dd>
          <code id="correlation-id">{prefix}<strong>{shortForm(journey.correlationId)}</strong></code>
          <CopyButton value={journey.correlationId} shownIn="correlation-id" label={text.facts.copyLabel} />
        </dd>
      </div>
      <div class="fact-kind">
        <dt>{text.facts.kind}</dt>
        <dd><bdi>{printable(journey.kind) || text.facts.kindUnknown}</bdi></dd>
        {journey.start !== null && (
          <dd class="aside"><time dateTime={utcTime(journey.start)} title={utcTime(journey.start)}>{text.facts.started(calendarDay(journey.start), clockTime(journey.start))}</time></dd>
        )}
      </div>
      <div class="fact-total">
        <dt>{open ? text.facts.soFar : text.facts.total}</dt>
        <dd class="figure">{total === null ? text.hop.unknownTime : formatDuration(total)}</dd>
        {open && !away && <dd class="aside"><span class="following" title={text.verdict.followingTitle}>{text.verdict.following}</span></dd>}
      </div>
      <div class="fact-completeness">
        <dt>{text.facts.completeness}</dt>
        <dd><span class="badge" data-completeness={journey.completeness}><Icon name={completenessIcons[journey.completeness]} />{text.facts.completenesses[journey.completeness]}</span></dd>
        {journey.completenessReason !== '' && <dd class="aside"><bdi>{printable(journey.completenessReason)}</bdi></dd>}
        {journey.gaps.map((gap, i) => (
          <dd class="aside missing" key={i}><bdi>{text.facts.missing(printable(gap.service), gap.numbers.length, formatRanges(gap.numbers))}</bdi></dd>
        ))}
      </div>
      <div class="fact-as-of">
        <dt>{text.facts.asOf}</dt>
        <dd>{journey.asOf === null ? text.facts.asOfUnknown : <Moment at={journey.asOf} />}</dd>
        {journey.asOf !== null && <dd class="aside">{calendarDay(journey.asOf)}</dd>}
      </div>
    </dl>
  );
}
