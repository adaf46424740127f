import { describe, expect, it } from 'vitest';
import delivered from '../../../testdata/delivered.json';
import demo from '../../../testdata/demo.json';
import failed from '../../../testdata/failed.json';
import inTransit from '../../../testdata/in-transit.json';
import lossy from '../../../testdata/lossy.json';
import { worst } from '../../../testdata/worst';
import { decodeJourney } from '../../api/decode';
import { FAILED, GAPS, OPEN, SHIFTED, VERDICT, layTimeline } from './timeline';
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

describe('layTimeline', () => {
  const journey = decodeJourney(worst({ hops: 20_000 }));
  it('lays out 20,000 hops in the time that a frame may take', () => {
    const times = Array.from({ length: 7 }, () => {
      const start = performance.now();
      layTimeline(journey, { adjusted: true, folded: true });
      return performance.now() - start;
    }).sort((a, b) => a - b);
    console.log(times);
  });
  it('gives every hop a row in which it hides no other', () => {
    const timeline = layTimeline(journey, { adjusted: true, folded: true });
    console.log(timeline.lanes.map((l) => [l.kind, l.name, l.rows, l.instances.length]), timeline.axis.breaks);
  });
});
