import { useState } from 'preact/hooks';
import type { Journey } from '../../lib/journey';
import { printable } from '../../lib/printable';
import { formatRanges } from '../../lib/ranges';
import { calendarDay, zoneName } from '../../lib/time';
import type { HopRow, Track } from '../../lib/track';
import { Dot } from '../shell/dot';
import { HopItem } from './hop-item';
import { Icon } from '../shell/icons';
import { LegLine } from './leg-line';
import { RecordList } from './record-list';
import { useText } from '../shell/shell';

const PAGE = 200;

export function TrackList({ journey, track }: { readonly journey: Journey; readonly track: Track }) {
  const text = useText().journey;
  const [limit, setLimit] = useState(PAGE);
  const rows = track.rows.slice(0, limit);
  const hidden = track.rows.length - rows.length;
  return (
    <section class="track" id="track" aria-labelledby="track-title">
      <div class="track-head">
        <h2 id="track-title">{text.track.title}</h2>
        <p>
          {text.track.count(journey.stations.length, track.visits)}
          {journey.start !== null && <><Dot />{text.track.zone(zoneName(journey.start))}</>}
        </p>
        <details class="order">
          <summary><Icon name="info" />{text.track.order}</summary>
          <p>{text.track.orderWhy}</p>
        </details>
      </div>
      {track.rows.length === 0 && <p class="track-empty">{text.track.empty}</p>}
      <ol class="hops">
        {rows.map((row, i) => (
          <HopItem key={row.hop.id} row={row} start={journey.start} newDay={newDay(row, rows[i - 1])} />
        ))}
      </ol>
      {hidden > 0 && (
        <button type="button" class="more" onClick={() => setLimit(limit + PAGE)}>{text.track.more(Math.min(hidden, PAGE))}</button>
      )}
      <Elsewhere track={track} />
    </section>
  );
}

function Elsewhere({ track }: { readonly track: Track }) {
  const text = useText().journey;
  const { records, gaps, legs } = track.elsewhere;
  if (records.length + gaps.length + legs.length === 0) return null;
  return (
    <section class="elsewhere" aria-labelledby="elsewhere-title">
      <h3 id="elsewhere-title">{text.track.elsewhere}</h3>
      <p>{text.track.elsewhereWhy}</p>
      {legs.map((row, i) => <LegLine key={i} row={row} />)}
      {gaps.map((gap, i) => (
        <p class="missing" key={i}><Icon name="alert" /><bdi>{text.facts.missing(printable(gap.service), gap.numbers.length, formatRanges(gap.numbers))}</bdi></p>
      ))}
      {records.length > 0 && <RecordList records={records} withService unfolded={false} />}
    </section>
  );
}

/** The day to announce above a row: of the first, and where it changed. */
function newDay(row: HopRow, above: HopRow | undefined): string | null {
  if (row.hop.start === null) return null;
  const day = calendarDay(row.hop.start);
  const before = above?.hop.start ?? null;
  return before !== null && calendarDay(before) !== day ? day : null;
}
