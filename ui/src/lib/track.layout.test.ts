import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeJourney } from '../api/decode';
import { formatDuration } from './duration';
import { formatRanges } from './ranges';
import { layOut } from './track';
import type { HopRow, LegRow, Span, Track } from './track';

const testdata = new URL('../../testdata/', import.meta.url);
const WIDTH = 40;

const bar = (span: Span | null): string => {
  if (span === null) return ''.padEnd(WIDTH);
  const from = Math.min(WIDTH - 1, Math.floor(span.from * WIDTH));
  const length = Math.max(1, Math.round((span.to - span.from) * WIDTH));
  return (' '.repeat(from) + (span.open ? '░' : '█').repeat(length)).slice(0, WIDTH).padEnd(WIDTH);
};
const leg = ({ leg, from, span }: LegRow, way: string): string =>
  `  ${bar(span).replaceAll('█', '·')} ${way} ${[leg.transport, leg.topic, from === null ? '' : `from ${from}`, leg.duration === null ? '' : formatDuration(leg.duration)].filter(Boolean).join(' ')}`;
const hop = (row: HopRow): string =>
  [
    ...row.arrivals.map((arrival) => leg(arrival, '↓')),
    `  ${bar(row.span)} ${row.inside ? '  ' : ''}${row.hop.service} #${row.visit} ${row.hop.outcome}` +
      `${row.unlinked ? ' unlinked' : ''}${row.under === null ? '' : ` under ${row.under}`}, ${row.records.length} records` +
      `${row.errors > 0 ? `, ${row.errors} errors` : ''}${row.missing.length > 0 ? `, missing ${formatRanges(row.missing)}` : ''}`,
    ...row.departures.map((departure) => leg(departure, '↳')),
  ].join('\n');
const text = (track: Track): string =>
  [
    `${track.visits} visits`,
    ...track.rows(0, track.count).map(hop),
    `elsewhere: ${track.elsewhere.records.length} records, ${track.elsewhere.legs.length} legs, ${track.elsewhere.gaps.length} gaps`,
  ].join('\n').replaceAll(/ +$/gm, '');

describe('sample journeys, laid out', () => {
  for (const file of readdirSync(testdata).filter((name) => name.endsWith('.json'))) {
    it(file, () => expect(text(layOut(decodeJourney(JSON.parse(readFileSync(new URL(file, testdata), 'utf8')))))).toMatchSnapshot());
  }
});
