import { formatDuration } from '../../../lib/duration';
import type { Leg } from '../../../lib/journey';
import { printable } from '../../../lib/printable';
import type { Text } from '../../../lib/text';
import type { Kin } from '../../../lib/timeline/kin';
import { itemsOf } from '../../../lib/timeline/rows';
import { BACKWARDS, BEHEADED, hopOf, legOf } from '../../../lib/timeline/timeline';
import type { Timeline } from '../../../lib/timeline/timeline';

/** What there is to say of a hop or a leg. */
export interface Facts {
  readonly title: string;
  readonly subtitle: string;
  readonly lines: readonly string[];
}

/** Writes a time, given in nanoseconds since the earliest. */
export type When = (time: number) => string;

const MOST_CAUSES = 4;

export function factsOf(timeline: Timeline, kin: Kin, thing: number, text: Text, when: When): Facts {
  return thing < timeline.journey.hops.length ? hopFacts(timeline, kin, thing, text, when) : legFacts(timeline, thing, text, when);
}

function hopFacts(timeline: Timeline, kin: Kin, i: number, { timeline: words, journey: { hop: kinds } }: Text, when: When): Facts {
  const { facts } = words;
  const { journey, moments, flags } = timeline;
  const hop = hopOf(timeline, i);
  if (hop === undefined) return { title: '', subtitle: '', lines: [] };
  const state = { open: facts.open, failure: facts.failed, success: facts.ended }[hop.outcome];
  const causes = itemsOf(kin.came, i);
  const shift = moments.hopShift[i] ?? 0;
  const missing = journey.gaps.filter((gap) => gap.hop === hop.id).reduce((sum, gap) => sum + gap.numbers.length, 0);
  const lines = [
    [facts.began(when(moments.hopFrom[i] ?? 0)), hop.duration === null ? '' : facts.took(formatDuration(hop.duration)), state, hop.error === '' ? '' : printable(hop.error)],
    ...causes.slice(0, MOST_CAUSES).map((leg) => cameBy(timeline, leg, words)),
    [causes.length > MOST_CAUSES ? facts.more(causes.length - MOST_CAUSES) : ''],
    [causes.length === 0 && i > 0 && hop.parent === '' ? facts.unknownCause : ''],
    [
      hop.kind === null ? '' : kinds.kinds[hop.kind],
      hop.status === null ? '' : facts.status(hop.status),
      hop.attempt === null || hop.attempt < 2 ? '' : facts.attempt(hop.attempt),
      hop.node === '' ? '' : facts.instance(printable(hop.node)),
      facts.records(hop.records),
    ],
    [shift === 0 ? '' : (timeline.adjusted ? facts.moved : facts.wouldMove)(signed(shift))],
    [missing === 0 ? '' : facts.missing(missing)],
    [((flags[i] ?? 0) & BEHEADED) === 0 ? '' : facts.beheaded],
    [hop.id === journey.verdictHop ? facts.verdict : ''],
  ];
  return { title: printable(hop.service) || words.noService, subtitle: printable(hop.name), lines: lines.map(joined).filter((line) => line !== '') };
}

function legFacts(timeline: Timeline, thing: number, text: Text, when: When): Facts {
  const leg = legOf(timeline, thing);
  if (leg === undefined) return { title: '', subtitle: '', lines: [] };
  const { timeline: words, journey: { leg: kinds } } = text;
  const { facts } = words;
  const i = thing - timeline.journey.hops.length;
  const long = (timeline.moments.legTo[i] ?? 0) - (timeline.moments.legFrom[i] ?? 0);
  const backwards = ((timeline.flags[thing] ?? 0) & BACKWARDS) !== 0;
  const { from, to } = endsOf(timeline, i, words.noService);
  const groups = (list: readonly string[]): string => list.map(printable).join(', ');
  const lines = [
    [from === '' ? '' : facts.from(from), to === '' ? '' : facts.toward(to), leg.group === null ? '' : kinds.group(printable(leg.group))],
    [facts.began(when(timeline.moments.legFrom[i] ?? 0)), backwards ? facts.backwards : leg.received === null ? facts.waits(formatDuration(long)) : facts.waited(formatDuration(long))],
    [boundsOf(leg, words)],
    [leg.partition === null || leg.offset === null ? '' : facts.partition(leg.partition, leg.offset)],
    [leg.to !== '' ? '' : leg.received === null ? facts.nobody : facts.notSeen],
    [leg.waiting.length === 0 ? '' : facts.waitingGroups(groups(leg.waiting)), leg.passed.length === 0 ? '' : facts.passedGroups(groups(leg.passed))],
  ];
  return { title: [kinds.transports[leg.transport], leg.topic === null ? '' : printable(leg.topic)].filter(Boolean).join(' '), subtitle: '', lines: lines.map(joined).filter((line) => line !== '') };
}

function cameBy(timeline: Timeline, i: number, words: Text['timeline']): readonly string[] {
  const { facts } = words;
  const leg = timeline.journey.legs[i];
  if (leg === undefined) return [];
  const long = (timeline.moments.legTo[i] ?? 0) - (timeline.moments.legFrom[i] ?? 0);
  const { from } = endsOf(timeline, i, words.noService);
  const took = long < 0 ? facts.backwards : leg.transport === 'kafka' ? facts.waited(formatDuration(long)) : leg.transport === 'http' ? facts.way(formatDuration(long)) : '';
  const over = leg.transport === 'local' ? '' : facts.over(leg.transport === 'kafka' ? 'Kafka' : 'HTTP', leg.topic === null ? '' : printable(leg.topic));
  return [[facts.from(from), over].filter(Boolean).join(' '), took];
}

function endsOf(timeline: Timeline, leg: number, unnamed: string): { readonly from: string; readonly to: string } {
  const name = (hop: number): string => (hop < 0 ? '' : printable(hopOf(timeline, hop)?.service ?? '') || unnamed);
  return { from: name(timeline.moments.legSender[leg] ?? -1), to: name(timeline.moments.legReceiver[leg] ?? -1) };
}

function boundsOf(leg: Leg, { facts }: Text['timeline']): string {
  if (leg.least === null || leg.received === null) return '';
  if (leg.most === null) return leg.least > 0 ? facts.atLeast(formatDuration(leg.least)) : '';
  return leg.least === leg.most ? '' : facts.bounds(formatDuration(leg.least), formatDuration(leg.most));
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' · ');
}

function signed(ns: number): string {
  return ns < 0 ? formatDuration(ns) : `+${formatDuration(ns)}`;
}
