import { describe, expect, it } from 'vitest';
import delivered from '../../../testdata/delivered.json';
import demo from '../../../testdata/demo.json';
import failed from '../../../testdata/failed.json';
import inTransit from '../../../testdata/in-transit.json';
import lossy from '../../../testdata/lossy.json';
import { worst } from '../../../testdata/worst';
import { decodeJourney } from '../../api/decode';
import { thingAt } from './find';
import { kinOf } from './kin';
import { ERROR, marksOf } from './marks';
import { itemsOf } from './rows';
import { laneKey, stackLanes, topOfThing } from './stack';
import { FAILED, GAPS, OPEN, SHIFTED, VERDICT, layTimeline, layingTimeline } from './timeline';
import type { Timeline } from './timeline';
import { whole } from './view';

const WIDTH = 72;

/** A timeline as text: a lane's name before its first row, bars of hops `█`, of failed ones `▓`, waiting messages `~`. */
function picture(timeline: Timeline): string {
  const view = whole(timeline.axis.length);
  const column = (place: number): number => Math.min(WIDTH - 1, Math.floor(((place - view.from) / (view.to - view.from)) * WIDTH));
  const lines: string[] = [];
  for (const lane of timeline.lanes) {
    for (let row = lane.row; row < lane.row + lane.rows; row++) {
      const cells = Array.from({ length: WIDTH }, () => ' ');
      const names: string[] = [];
      for (let at = timeline.rows.starts[row] ?? 0; at < (timeline.rows.starts[row + 1] ?? 0); at++) {
        const thing = timeline.rows.items[at] ?? 0;
        const flags = timeline.flags[thing] ?? 0;
        const wait = thing >= timeline.journey.hops.length;
        const [from, to] = [column(timeline.from[thing] ?? 0), column(timeline.to[thing] ?? 0)];
        cells.fill(wait ? '~' : (flags & FAILED) === 0 ? '█' : '▓', from, to + 1);
        if ((flags & OPEN) !== 0) cells[to] = '>';
        const marks = [(flags & VERDICT) === 0 ? '' : 'verdict', (flags & SHIFTED) === 0 ? '' : 'shifted', (flags & GAPS) === 0 ? '' : 'gaps'].filter(Boolean).join(', ');
        if (marks !== '') names.push(marks);
      }
      const instance = lane.instances.find((one) => one.row === row)?.node ?? '';
      const name = row === lane.row ? `${lane.kind === 'topic' ? '~' : lane.kind === 'unknown' ? '? ' : ''}${lane.name}` : '';
      lines.push(`${`${name} ${instance}`.slice(0, 24).padEnd(24)}|${cells.join('')}|${names.join('; ')}`.trimEnd());
    }
  }
  const breaks = timeline.axis.breaks.map((gap) => `${gap.from} to ${gap.to}${gap.running ? " running" : ""}`).join(', ');
  return `\n${lines.join('\n')}\nbreaks: ${breaks || 'none'}\n`;
}

describe('the picture of a journey', () => {
  const pictures = { delivered, demo, failed, inTransit, lossy };
  for (const [name, body] of Object.entries(pictures)) {
    it(name, () => expect(picture(layTimeline(decodeJourney(body), { adjusted: true, folded: true }))).toMatchSnapshot());
  }
  it('the worst, in little', () => expect(picture(layTimeline(decodeJourney(worst({ hops: 60 })), { adjusted: true, folded: true }))).toMatchSnapshot());
  it('the worst, in little, by raw clocks', () => expect(picture(layTimeline(decodeJourney(worst({ hops: 60 })), { adjusted: false, folded: true }))).toMatchSnapshot());
});

const options = { adjusted: true, folded: true };
const many = decodeJourney(worst({ hops: 5000 }));

describe('layTimeline', () => {
  it('gives every hop a row in which it hides no other', () => {
    const { rows, from, to } = layTimeline(many, options);
    for (let row = 0; row + 1 < rows.starts.length; row++) {
      for (let at = (rows.starts[row] ?? 0) + 1; at < (rows.starts[row + 1] ?? 0); at++) {
        const [before, thing] = [rows.items[at - 1] ?? 0, rows.items[at] ?? 0];
        expect(to[before], `${before} and ${thing} in row ${row}`).toBeLessThanOrEqual(from[thing] ?? 0);
      }
    }
  });

  it('has every hop once, and every message once', () => {
    const { rows, folded } = layTimeline(many, options);
    const things = [...many.hops.keys(), ...many.legs.flatMap((leg, i) => (leg.transport === 'kafka' ? [many.hops.length + i] : []))];
    expect(Array.from(rows.items).toSorted((a, b) => a - b)).toEqual(things);
    expect(Array.from(folded.items).toSorted((a, b) => a - b)).toEqual(things);
  });

  it('puts a hop below the one of its instance that caused it and still runs', () => {
    const { rowOf, laneOf, moments } = layTimeline(many, options);
    const nested = many.hops.filter((hop, i) => {
      const parent = moments.places.get(hop.parent) ?? -1;
      return parent >= 0 && laneOf[parent] === laneOf[i] && many.hops[parent]?.node === hop.node && (moments.hopFrom[i] ?? 0) < (moments.hopTo[parent] ?? 0) && (moments.hopFrom[i] ?? 0) > (moments.hopFrom[parent] ?? 0);
    });
    expect(nested.length).toBeGreaterThan(100);
    for (const hop of nested) expect(rowOf[moments.places.get(hop.id) ?? 0]).toBeGreaterThan(rowOf[moments.places.get(hop.parent) ?? 0] ?? 0);
  });

  it('keeps all causes of a hop that has several', () => {
    const timeline = layTimeline(many, options);
    const kin = kinOf(timeline);
    const most = Math.max(...many.hops.map((_, i) => itemsOf(kin.came, i).length));
    expect(most).toBeGreaterThan(2);
  });

  it('moves the times of instances whose clocks are wrong, and of no others', () => {
    const [raw, moved] = [layTimeline(many, { ...options, adjusted: false }), layTimeline(many, options)];
    const offset = Number(moved.moments.zero - raw.moments.zero);
    for (const [i, hop] of many.hops.entries()) {
      const by = (moved.moments.hopFrom[i] ?? 0) + offset - (raw.moments.hopFrom[i] ?? 0);
      expect(by, hop.node).toBe(many.shifts.find((shift) => shift.node === hop.node)?.by ?? 0);
    }
    expect(many.shifts.length).toBe(2);
  });

  it('ends what waits where all is known until', () => {
    const journey = decodeJourney(inTransit);
    const timeline = layTimeline(journey, options);
    const waiting = journey.legs.findIndex((leg) => leg.received === null);
    expect(timeline.moments.legTo[waiting]).toBe(timeline.moments.until);
  });

  it('is the same in steps', () => {
    const few = decodeJourney(worst({ hops: 40 }));
    const steps = layingTimeline(few, options);
    let count = 0;
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) count++;
    expect(count).toBeGreaterThan(2);
    expect(step.value).toEqual(layTimeline(few, options));
  });

  it('draws a journey of which no time is known', () => {
    const none = { ...many, start: null, asOf: null, hops: many.hops.slice(0, 3).map((hop) => ({ ...hop, start: null, end: null, duration: null })), legs: [] };
    expect(layTimeline(none, options).lanes.map((lane) => lane.hops)).toEqual([2, 1]);
  });
});

describe('marksOf', () => {
  it('puts records on the bars of their hops, adjusted as those are', () => {
    const journey = decodeJourney(worst({ hops: 300, records: 1500 }));
    for (const adjusted of [true, false]) {
      const timeline = layTimeline(journey, { adjusted, folded: true });
      const marks = marksOf(journey.records, timeline);
      for (const [i, at] of marks.at.entries()) {
        const hop = marks.hop[i] ?? -1;
        expect(at).toBeGreaterThanOrEqual((timeline.from[hop] ?? 0) - 1);
        if (journey.hops[hop]?.end !== null) expect(at).toBeLessThanOrEqual((timeline.to[hop] ?? 0) + 1);
      }
      expect(Array.from(marks.tone).filter((tone) => tone === ERROR)).toHaveLength(17);
      expect(itemsOf(marks.ofHop, 1)).toEqual([5, 6, 7, 8, 9]);
    }
  });
});

describe('thingAt', () => {
  const timeline = layTimeline(many, options);
  const measures = { row: 20, head: 0, space: 8 };
  for (const [name, closed] of [['open', []], ['closed', timeline.lanes.map(laneKey)]] as const) {
    it(`finds what is drawn in ${name} lanes`, () => {
      const stack = stackLanes(timeline.lanes, new Set(closed), measures);
      for (let thing = 0; thing < many.hops.length; thing += 7) {
        const y = topOfThing(stack, timeline, thing) + 10;
        const place = ((timeline.from[thing] ?? 0) + (timeline.to[thing] ?? 0)) / 2;
        const found = thingAt(timeline, stack, place, y, 0);
        expect(timeline.laneOf[found]).toBe(timeline.laneOf[thing]);
        expect(timeline.from[found]).toBeLessThanOrEqual(place);
        expect(timeline.to[found]).toBeGreaterThanOrEqual(place);
        if (closed.length === 0) expect(found).toBe(thing);
      }
    });
  }
});
