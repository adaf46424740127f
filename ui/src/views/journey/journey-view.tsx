import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Journey, Leg } from '../../lib/journey';
import { filterParams, readJourneyParams } from '../../lib/journey-params';
import type { View } from '../../lib/journey-params';
import { parseRecord, recordKey } from '../../lib/record';
import type { RawRecord } from '../../lib/record';
import { layOut } from '../../lib/track';
import { Beside } from '../record/panel';
import { RecordPanel } from '../record/record-panel';
import { lazy } from '../shell/lazy';
import { useKeys, useShell, useText } from '../shell/shell';
import { Difference, USUAL } from './difference';
import { Papers } from './papers';
import { ParcelView } from './parcel-view';
import { RecordsView } from './records-view';
import type { TimelineProps } from './timeline';
import { useNews } from './use-news';
import { useOpened } from './use-opened';
import { VerdictSheet } from './verdict-sheet';
import { ViewBar } from './view-bar';

/** Not everybody looks at it. */
export const Timeline = lazy<TimelineProps>(() => import('./timeline').then((m) => m.Timeline));

/** One journey: the verdict on top, then one of three views of the same. */
export function JourneyView({ journey, params, at, away, onAgain }: {
  readonly journey: Journey;
  readonly params: Readonly<Record<string, string>>;
  readonly at: number;
  readonly away: boolean;
  readonly onAgain: () => void;
}) {
  const { address } = useShell();
  const text = useText().journey;
  const shown = readJourneyParams(params);
  const news = useNews(journey);
  const opened = useOpened(journey, shown.record);
  const painted = useVerdictPainted();
  const track = useMemo(() => (painted ? layOut(journey) : null), [journey, painted]);

  const open = (record: RawRecord): void => {
    opened.open(record);
    address.set({ view: shown.view, record: recordKey(record) });
  };
  const close = (): void => {
    opened.open(null);
    address.set({ view: shown.view, record: '' });
  };
  const show = (view: View): void => {
    address.set({ view });
    showViews();
  };
  // A hop is marked where it can be seen: in the list of records it cannot.
  const toHop = (hop: string): void => address.set({ hop, ...(shown.view === 'records' ? { view: 'parcel' } : {}) });
  const hopShown = useRef(toHop);
  hopShown.current = toHop;
  // What does not change while somebody moves through the views is not drawn anew for that.
  const brief = shown.view !== 'parcel';
  const head = useMemo(() => {
    const onHop = (hop: string): void => hopShown.current(hop);
    return (
      <>
        <VerdictSheet journey={journey} track={track} at={at} away={away} brief={brief} onHop={onHop} />
        {!brief && track !== null && <Papers journey={journey} onHop={onHop} />}
      </>
    );
  }, [journey, track, at, away, brief]);
  const compare = (): void => address.set({ with: shown.other === '' ? USUAL : '' });
  useKeys([
    { keys: '1', says: text.keys.parcel, run: () => show('parcel') },
    { keys: '2', says: text.keys.timeline, run: () => show('timeline') },
    { keys: '3', says: text.keys.records, run: () => show('records') },
    { keys: 'd', says: text.keys.compare, run: compare },
  ], [shown.other, shown.view, text]);

  const carriers = useMemo(() => (track === null || opened.record === null ? [] : carriersOf(journey.legs, parseRecord(opened.record).hop)), [journey, track, opened.record]);
  const panel = opened.record === null ? null : (
    <RecordPanel record={opened.record} carriers={carriers} inJourney onMove={open} onClose={close} refine={{ page: 'search', params: { as: 'records' } }} />
  );
  const said = <p class="unseen" role="status">{news.said}</p>;
  if (track === null) return <>{said}{head}</>;
  return (
    <>
      {said}
      {head}
      <ViewBar id={journey.correlationId} params={params} view={shown.view} compared={shown.other !== ''} onView={show} onCompare={compare} />
      {shown.other !== '' && (
        <Difference id={journey.correlationId} other={shown.other} onOther={(other) => address.set({ with: other })} onHop={toHop} onClose={() => address.set({ with: '' })} />
      )}
      {opened.failure !== null && <p class="away" role="alert">{text.records.notHere}</p>}
      <Beside panel={panel}>
        {shown.view === 'parcel' && (
          <ParcelView
            journey={journey}
            track={track}
            hop={shown.hop}
            record={shown.record}
            fresh={news.hops}
            onHop={toHop}
            onOpen={open}
            onRecordsOf={(hop) => address.set({ view: 'records', of: hop })}
          />
        )}
        {shown.view === 'timeline' && (
          <Timeline
            journey={journey}
            selected={shown.hop}
            onSelect={toHop}
            onOpenRecord={(id) => address.set({ view: 'timeline', record: keyIn(journey, id) })}
          />
        )}
        {shown.view === 'records' && (
          <RecordsView
            journey={journey}
            filter={shown.filter}
            record={shown.record}
            onFilter={(change) => address.set({ view: 'records', ...filterParams(change) })}
            onOpen={open}
            onGone={onAgain}
          />
        )}
      </Beside>
    </>
  );
}

/** Moves the page so that a view has most of the window, unless it has that. */
function showViews(): void {
  const bar = document.querySelector('.view-bar');
  if (bar !== null && bar.getBoundingClientRect().top > window.innerHeight / 3) bar.scrollIntoView({ block: 'start' });
}

/**
 * Whether the verdict can be read already: what stands below it is drawn after that. A timer that is set while a frame is made runs
 * once that is painted. A page that nobody sees paints nothing, and waits for nothing.
 */
function useVerdictPainted(): boolean {
  const [painted, setPainted] = useState(document.hidden);
  useLayoutEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const frame = requestAnimationFrame(() => {
      timer = setTimeout(() => {
        performance.mark('waybill:verdict');
        setPainted(true);
      });
    });
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, []);
  return painted;
}

/** The Kafka messages that began a hop. */
function carriersOf(legs: readonly Leg[], hop: string): readonly Leg[] {
  return hop === '' ? [] : legs.filter((leg) => leg.to === hop && leg.transport === 'kafka');
}

function keyIn(journey: Journey, id: string): string {
  const record = journey.records.find((one) => one.id === id);
  return record === undefined ? id : recordKey(record.raw);
}
