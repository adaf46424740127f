import { formatDuration } from '../../lib/duration';
import { shortForm } from '../../lib/id';
import type { Journey } from '../../lib/journey';
import { printable } from '../../lib/printable';
import { isOpen } from '../../lib/refresh';
import { calendarDay, clockTime, nanosOf, utcTime } from '../../lib/time';
import { between } from '../../lib/track';
import type { Track } from '../../lib/track';
import { Barcode } from '../shell/barcode';
import { CopyButton } from '../shell/copy-button';
import { Dot } from '../shell/dot';
import { Icon } from '../shell/icons';
import { useShell, useText } from '../shell/shell';
import { verdictIcons } from '../shell/verdict-badge';
import { Proof } from './proof';
import { RouteStrip } from './route-strip';
import { Said } from './said';

/** The consignment note: the verdict stamped on it, how far that can be trusted, the way it took. `brief`: above a view that needs the room. */
export function VerdictSheet({ journey, track, at, away, brief, onHop }: {
  readonly journey: Journey;
  /** Null until it is laid out. */
  readonly track: Track | null;
  readonly at: number;
  readonly away: boolean;
  readonly brief: boolean;
  readonly onHop: (hop: string) => void;
}) {
  const text = useText().journey;
  const lasting = lastingOf(journey, at);
  return (
    <section class="sheet waybill" data-verdict={journey.verdict} data-brief={brief} aria-labelledby="verdict">
      <div class="verdict">
        <span class="seal"><Icon name={verdictIcons[journey.verdict]} /></span>
        <div class="verdict-words">
          <h1 id="verdict">{text.verdict.words[journey.verdict]}{lasting !== null && <small> {text.verdict.lasting(formatDuration(lasting))}</small>}</h1>
          <p class="reason">
            <Said finding={journey.finding} reason={journey.reason} />
            {journey.verdictHop !== '' && <> <button type="button" class="show-all" onClick={() => onHop(journey.verdictHop)}>{text.verdict.toHop}</button></>}
          </p>
        </div>
        <Proof journey={journey} at={at} />
        <div class="label" aria-hidden="true">
          <Barcode of={shortForm(journey.correlationId)} />
          <span>{printable(shortForm(journey.correlationId))}</span>
        </div>
      </div>
      {away && <p class="away" role="alert">{text.verdict.away(clockTime(nanosOf(at)))}</p>}
      {!brief && <RouteStrip stations={journey.stations} track={track} onHop={onHop} />}
      {!brief && <Facts journey={journey} away={away} />}
    </section>
  );
}

/** For how long it has been so, in whole seconds; null where that says nothing. */
function lastingOf(journey: Journey, at: number): number | null {
  if (journey.since === null || (journey.verdict !== 'stalled' && journey.verdict !== 'in_transit')) return null;
  const lasting = Number((journey.asOf ?? nanosOf(at)) - journey.since);
  return lasting < 1e9 ? null : Math.floor(lasting / 1e9) * 1e9;
}

const ALIASES = 6;

function Facts({ journey, away }: { readonly journey: Journey; readonly away: boolean }) {
  const { preferences } = useShell();
  const { facts, verdict, hop, papers } = useText().journey;
  const language = preferences.language.value;
  const total = between(journey.start, journey.end);
  const open = isOpen(journey.verdict);
  const id = printable(journey.correlationId);
  return (
    <dl class="facts">
      <div class="fact-id">
        <dt>{facts.id}</dt>
        <dd>
          <code id="correlation-id">{id.slice(0, -8)}<strong>{id.slice(-8)}</strong></code>
          <CopyButton value={journey.correlationId} shownIn="correlation-id" label={facts.copyLabel} />
        </dd>
        {journey.aliases.length > 0 && (
          <dd class="aside">
            {facts.aliases}
            {journey.aliases.slice(0, ALIASES).map(({ name, value }) => <bdi key={`${name} ${value}`} class="alias">{printable(name)} <b>{printable(value)}</b></bdi>)}
            {journey.aliases.length > ALIASES && papers.more(journey.aliases.length - ALIASES)}
          </dd>
        )}
      </div>
      <div class="fact-kind">
        <dt>{facts.kind}</dt>
        <dd><bdi>{printable(journey.kind.slice(0, 300)) || facts.kindUnknown}</bdi></dd>
        <dd class="aside">
          {journey.start !== null && <time dateTime={utcTime(journey.start)} title={utcTime(journey.start)}>{facts.started(calendarDay(journey.start, 'local', language), clockTime(journey.start))}</time>}
          {journey.release !== '' && <bdi><Dot />{facts.release(printable(journey.release.slice(0, 60)))}</bdi>}
        </dd>
      </div>
      <div class="fact-total">
        <dt>{open ? facts.soFar : facts.total}</dt>
        <dd class="figure">{total === null ? hop.unknownTime : formatDuration(total)}</dd>
        {open && !away && <dd class="aside"><span class="following" title={verdict.followingTitle}>{verdict.following}</span></dd>}
      </div>
      <div class="fact-amount">
        <dt>{facts.amount}</dt>
        <dd>{facts.hops(journey.hopCount)}</dd>
        <dd class="aside">{facts.records(journey.recordCount)}</dd>
      </div>
    </dl>
  );
}
