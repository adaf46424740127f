import { useEffect, useState } from 'preact/hooks';
import type { Journey } from '../../lib/journey';
import { pagesAround } from '../../lib/pages';
import { printable } from '../../lib/printable';
import { formatRanges } from '../../lib/ranges';
import type { RawRecord } from '../../lib/record';
import { calendarDay, zoneName } from '../../lib/time';
import type { HopRow, Track } from '../../lib/track';
import { RecordRow } from '../record/record-row';
import { Icon } from '../shell/icons';
import { useKeys, useShell, useText } from '../shell/shell';
import { HopItem } from './hop-item';
import { LegLine } from './leg-line';

const PAGE = 30;

/** The stations as a carrier shows them: one below the other, in the order of cause. A long list is drawn in part. */
export function ParcelView({ journey, track, hop, record, fresh, onHop, onOpen, onRecordsOf }: {
  readonly journey: Journey;
  readonly track: Track;
  /** ID of the hop that is marked. */
  readonly hop: string;
  readonly record: string;
  /** IDs of hops that are news. */
  readonly fresh: ReadonlySet<string>;
  readonly onHop: (hop: string) => void;
  readonly onOpen: (record: RawRecord) => void;
  readonly onRecordsOf: (hop: string) => void;
}) {
  const { preferences } = useShell();
  const text = useText().journey;
  const language = preferences.language.value;
  const all = track.count;
  const at = track.rowOf(hop);
  const [range, setRange] = useState({ from: 0, until: PAGE });
  const shown = pagesAround(range, at, all, PAGE);
  useEffect(() => {
    if (shown.from !== range.from || shown.until !== range.until) setRange(shown);
    const row = track.row(at);
    if (row !== undefined) document.getElementById(row.anchor)?.scrollIntoView({ block: 'nearest' });
  }, [hop, at < 0]);

  const go = (row: HopRow | undefined): void => {
    if (row !== undefined) onHop(row.hop.id);
  };
  useKeys([
    { keys: 'j', says: text.keys.next, run: () => go(track.row(at + 1)) },
    { keys: 'k', says: text.keys.previous, run: () => go(track.row(Math.max(0, at - 1))) },
    {
      keys: 'Enter',
      says: text.keys.open,
      run: () => document.getElementById(track.row(at)?.anchor ?? '')?.querySelector<HTMLElement>('.records > summary')?.click(),
    },
    { keys: 'e', says: text.keys.error, run: () => go(track.row(track.failedFrom(at + 1))) },
  ], [track, at, text]);

  const whole = journey.records.length === journey.recordCount;
  return (
    <section class="track" id="track" aria-labelledby="track-title">
      <header class="track-head">
        <h2 id="track-title">{text.track.title}</h2>
        <p>
          {text.track.count(journey.stations.length, track.visits)}
          {journey.start !== null && preferences.times.value === 'local' && <>, {text.track.zone(zoneName(journey.start))}</>}
        </p>
        {all > 0 && (
          <details class="order">
            <summary><Icon name="question" />{text.track.order}</summary>
            <p>{text.track.orderWhy}</p>
          </details>
        )}
      </header>
      {all === 0 && <p class="track-empty">{text.track.empty}</p>}
      {shown.from > 0 && (
        <button type="button" class="more" onClick={() => setRange({ ...shown, from: Math.max(0, shown.from - PAGE) })}>{text.track.earlier(Math.min(PAGE, shown.from))}</button>
      )}
      <ol class="hops" start={shown.from + 1}>
        {track.rows(shown.from, shown.until).map((row, i) => (
          <HopItem
            key={row.hop.id}
            journey={journey}
            row={row}
            whole={whole}
            newDay={dayOf(row, track.row(shown.from + i - 1), language)}
            isNew={fresh.has(row.hop.id)}
            selected={row.hop.id === hop}
            record={record}
            onSelect={onHop}
            onOpen={onOpen}
            onAll={onRecordsOf}
          />
        ))}
      </ol>
      {shown.until < all && (
        <p class="track-more">
          <button type="button" class="more" onClick={() => setRange({ ...shown, until: shown.until + PAGE })}>{text.track.more(Math.min(PAGE, all - shown.until))}</button>
          <span class="aside">{text.track.range(shown.from + 1, shown.until, all)}</span>
        </p>
      )}
      <Elsewhere track={track} record={record} onOpen={onOpen} />
    </section>
  );
}

const FEW = 50;

function Elsewhere({ track, record, onOpen }: { readonly track: Track; readonly record: string; readonly onOpen: (record: RawRecord) => void }) {
  const text = useText().journey;
  const { records, gaps, legs } = track.elsewhere;
  const more = Math.max(0, records.length - FEW) + Math.max(0, gaps.length - FEW) + Math.max(0, legs.length - FEW);
  if (records.length + gaps.length + legs.length === 0) return null;
  return (
    <section class="elsewhere" aria-labelledby="elsewhere-title">
      <h3 id="elsewhere-title">{text.track.elsewhere}</h3>
      <p>{text.track.elsewhereWhy}</p>
      {legs.slice(0, FEW).map((row, i) => <LegLine key={i} row={row} />)}
      {gaps.slice(0, FEW).map((gap, i) => (
        <p class="missing" key={i}><Icon name="alert" /><bdi>{text.facts.missing(printable(gap.service.slice(0, 120)), gap.numbers.length, formatRanges(gap.numbers).slice(0, 200))}</bdi></p>
      ))}
      {records.length > 0 && (
        <ol class="hop-records">
          {records.slice(0, FEW).map((one, i) => <li key={i}><RecordRow record={one.raw} selected={record !== '' && one.id === record} onOpen={onOpen} /></li>)}
        </ol>
      )}
      {more > 0 && <p class="aside">{text.papers.more(more)}</p>}
    </section>
  );
}

/** The day to announce above a row: where it is another than that of the row above. */
function dayOf(row: HopRow, above: HopRow | undefined, language: string): string | null {
  if (row.hop.start === null) return null;
  const day = calendarDay(row.hop.start, 'local', language);
  const before = above?.hop.start ?? null;
  return before !== null && calendarDay(before, 'local', language) !== day ? day : null;
}
