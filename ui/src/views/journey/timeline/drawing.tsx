import { useSignal } from '@preact/signals';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { printable } from '../../../lib/printable';
import { kinOf } from '../../../lib/timeline/kin';
import { ERROR, marksOf } from '../../../lib/timeline/marks';
import { itemsOf } from '../../../lib/timeline/rows';
import { laneKey, stackLanes } from '../../../lib/timeline/stack';
import type { Timeline as Laid } from '../../../lib/timeline/timeline';
import { useShell, useText } from '../../shell/shell';
import type { TimelineProps } from '../timeline';
import { ChosenHop } from './chosen-hop';
import { factsOf } from './facts';
import type { Facts } from './facts';
import type { Hit } from './gestures';
import { GridRows, rowId } from './grid-rows';
import { HEAD } from './head';
import { LaneLabels } from './lane-labels';
import { Tip } from './tip';
import { Tools } from './tools';
import { useMarkedRecords } from './use-marked-records';
import { useStage } from './use-stage';
import { useTimelineKeys } from './use-timeline-keys';
import type { Acts } from './use-timeline-keys';
import { useSceneWords, whenOf } from './words';

const WIDE = { row: 20, head: 0, space: 8 };
const NARROW = { row: 22, head: 22, space: 4 };
/** More rows than these are first shown folded, a lane a row. */
const MANY_ROWS = 150;
/** The room for lanes' names, where there is any. */
const LABELS = 176;

export function Drawing({ laid, journey, selected, onSelect, onOpenRecord }: TimelineProps & { readonly laid: Laid }) {
  const { address, preferences } = useShell();
  const text = useText();
  const words = text.timeline;
  const mode = preferences.times.value;
  const [wide, setWide] = useState(true);
  const [closed, setClosed] = useState<ReadonlySet<string>>(() => new Set(laid.rows.starts.length > MANY_ROWS ? foldable(laid) : []));
  const [lanes, setLanes] = useState<readonly [number, number]>([0, 40]);
  const hit = useSignal<Hit | null>(null);
  const [holds, setHolds] = useState(false);

  const kin = useMemo(() => kinOf(laid), [laid]);
  const { records, unmarked } = useMarkedRecords(journey, selected);
  const marks = useMemo(() => (records.length === 0 ? null : marksOf(records, laid)), [records, laid]);
  const stack = useMemo(() => stackLanes(laid.lanes, closed, wide ? WIDE : NARROW), [laid, closed, wide]);
  const sceneWords = useSceneWords(laid, text, mode);
  const when = useMemo(() => whenOf(laid, mode), [laid, mode]);

  // The page learns of the chosen hop when the keys rest: an address is not to be changed thirty times a second.
  const [id, setId] = useState(selected);
  const told = useRef(selected);
  const chosen = laid.moments.places.get(id) ?? -1;
  useEffect(() => {
    if (selected !== told.current) setId(selected);
    told.current = selected;
  }, [selected]);
  useEffect(() => {
    if (id === told.current) return;
    const rest = setTimeout(() => onSelect((told.current = id)), 150);
    return () => clearTimeout(rest);
  }, [id]);
  const ways = useMemo(() => [...itemsOf(kin.came, chosen), ...itemsOf(kin.sent, chosen)], [kin, chosen]);

  const parts = {
    scroller: useRef<HTMLDivElement>(null),
    head: useRef<HTMLCanvasElement>(null),
    field: useRef<HTMLDivElement>(null),
    body: useRef<HTMLCanvasElement>(null),
    probe: useRef<HTMLElement>(null),
  };
  const stage = useStage(parts, { timeline: laid, stack, marks, chosen, ways, words: sceneWords }, {
    wide: setWide,
    lanes: setLanes,
    pointed: (at) => {
      hit.value = at;
    },
    clicked,
  });

  function clicked(at: Hit): void {
    const record = marks?.records[at.record]?.id ?? '';
    if (record !== '') onOpenRecord(record);
    else choose(at.thing < laid.journey.hops.length ? at.thing : (laid.moments.legReceiver[at.thing - laid.journey.hops.length] ?? -1), false);
  }

  function choose(hop: number, reveal = true): void {
    if (laid.journey.hops[hop] === undefined) return;
    setId(laid.journey.hops[hop]?.id ?? '');
    if (reveal) stage.current?.reveal(hop);
  }

  const recordOf = useCallback((hop: number): string => {
    if (marks === null) return '';
    const own = itemsOf(marks.ofHop, hop);
    const best = own.find((record) => marks.tone[record] === ERROR) ?? own[0] ?? -1;
    return marks.records[best]?.id ?? '';
  }, [marks]);

  const shown = address.route.value.params;
  const toggle = (key: string): void => setClosed((old) => new Set(old.has(key) ? [...old].filter((other) => other !== key) : [...old, key]));
  const acts = useMemo((): Acts => {
    const flip = (name: string, to: string) => (): void => address.set({ [name]: address.route.peek().params[name] === to ? '' : to });
    return {
      fold: flip('idle', 'shown'),
      adjust: flip('clocks', 'raw'),
      closeAll: () => setClosed((old) => new Set(old.size > 0 ? [] : foldable(laid))),
      closeLane() {
        const lane = laid.lanes[laid.laneOf[chosen] ?? -1];
        if (lane !== undefined) toggle(laneKey(lane));
      },
      zoom: (factor) => stage.current?.zoom(factor, undefined, true),
      all: () => stage.current?.fit(),
      pan: (share) => stage.current?.pan(share),
      choose,
      open() {
        const id = recordOf(chosen);
        if (id !== '') onOpenRecord(id);
      },
    };
  }, [laid, chosen, recordOf, onOpenRecord]);
  useTimelineKeys(acts, laid, kin, chosen, holds, journey.shifts.length > 0);

  const facts = useCallback((thing: number) => factsOf(laid, kin, thing, text, when), [laid, kin, text, when]);
  const read = useMemo(() => (chosen < 0 ? null : facts(chosen)), [chosen, facts]);
  const rows = useMemo(() => <GridRows chosen={chosen} count={laid.journey.hops.length} facts={facts} />, [chosen, facts]);
  const tip = useCallback((at: Hit): Facts => {
    const known = facts(at.thing);
    const record = marks?.records[at.record];
    return record === undefined ? known : { ...known, subtitle: printable(record.level), lines: [printable(record.message.slice(0, 300))] };
  }, [facts, marks]);

  return (
    <section class="timeline" aria-label={words.title} data-wide={wide} data-verdict={journey.verdict}>
      <Tools folded={shown['idle'] !== 'shown'} adjusted={laid.adjusted} shifts={journey.shifts.length} closed={closed.size > 0} acts={acts} />
      <div ref={parts.scroller} class="timeline-scroller">
        <div class="timeline-all" style={{ height: `${stack.height + HEAD}px`, '--labels': wide ? `${LABELS}px` : '0px' }}>
          <div class="timeline-top"><canvas ref={parts.head} aria-hidden="true" /></div>
          <div
            ref={parts.field}
            class="timeline-field"
            role="grid"
            tabIndex={0}
            aria-label={words.grid}
            aria-rowcount={laid.journey.hops.length}
            aria-colcount={3}
            aria-activedescendant={chosen < 0 ? undefined : rowId(chosen)}
            onFocus={() => setHolds(true)}
            onBlur={(event) => setHolds(inDialog(event.relatedTarget))}
          >
            <canvas ref={parts.body} aria-hidden="true" />
            {rows}
            <Tip hit={hit} facts={tip} field={parts.field} />
          </div>
          <LaneLabels stack={stack} first={lanes[0]} end={lanes[1]} onToggle={toggle} />
        </div>
      </div>
      {unmarked > 0 && <p class="timeline-unmarked">{words.unmarked(unmarked)}</p>}
      <ChosenHop facts={read} place={words.facts.place(chosen + 1, laid.journey.hops.length)} onOpen={recordOf(chosen) === '' ? null : acts.open} />
      <i ref={parts.probe} class="timeline-probe" aria-hidden="true" />
    </section>
  );
}

function foldable(laid: Laid): readonly string[] {
  return laid.lanes.filter((lane) => lane.rows > 1).map(laneKey);
}

/** Whoever reads the list of keys still has those of the timeline in it. */
function inDialog(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('dialog') !== null;
}
