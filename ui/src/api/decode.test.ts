import { describe, expect, it } from 'vitest';
import delivered from '../../testdata/delivered.json';
import demo from '../../testdata/demo.json';
import hostile from '../../testdata/hostile.json';
import inTransit from '../../testdata/in-transit.json';
import { codes } from '../lib/finding';
import type { Code } from '../lib/finding';
import { NotUnderstood, decodeJourney } from './decode';
import type { Code as ServerCode } from './schema';

const least = { correlation_id: 'abc', verdict: 'delivered', completeness: 'proved' };

describe('decodeJourney', () => {
  it('reads a whole journey', () => {
    const journey = decodeJourney(delivered);
    expect(journey.verdict).toBe('delivered');
    expect(journey.stations.map((station) => station.service)).toEqual(['gateway', 'bank', 'game']);
    expect(journey.hops.map((hop) => hop.service)).toEqual(['gateway', 'bank', 'game', 'gateway']);
    expect(journey.hops[1]?.start).toBe(1_795_439_109_044_210_400n);
    expect(journey.legs[1]).toMatchObject({ transport: 'kafka', topic: 'payments.accepted', partition: 2, offset: 15, duration: 7_362_000 });
    expect(journey.records).toHaveLength(14);
    expect(journey.records[1]?.labels).toContainEqual(['order.id', '10482']);
  });

  it('reads what a running demo answered', () => {
    const journey = decodeJourney(demo);
    expect(journey.hops.map((hop) => [hop.service, hop.kind, hop.outcome])).toEqual([
      ['gateway', 'server', 'success'],
      ['bank', 'server', 'success'],
      ['bank', 'producer', 'success'],
      ['game', 'consumer', 'success'],
      ['game', 'producer', 'success'],
      ['bank', 'consumer', 'success'],
    ]);
    expect(journey.legs.map((leg) => leg.transport)).toEqual(['http', 'local', 'kafka', 'local', 'kafka']);
    expect(journey.hops[0]?.status).toBe(202);
  });

  it('reads what the verdict rests on, and who waits where', () => {
    const journey = decodeJourney({
      ...least, verdict_hop: 'b', since: '2026-11-23T13:05:09Z', record_count: 900, records_from: 200, warnings: ['w'], records: [{ 'event.id': 'n-7', 'service.node.name': 'n' }],
      legs: [{ from: 'b', to: '', least: 5, most: null, passed: ['audit'], waiting: ['game'] }],
    });
    expect(journey).toMatchObject({ verdictHop: 'b', since: 1_795_439_109_000_000_000n, recordCount: 900, recordsFrom: 200, warnings: ['w'] });
    expect(journey.legs[0]).toMatchObject({ least: 5, most: null, passed: ['audit'], waiting: ['game'] });
    expect(journey.records[0]).toMatchObject({ id: 'n-7', node: 'n' });
  });

  it('reads findings, and takes a code to come for one without words', () => {
    const journey = decodeJourney({
      ...least,
      finding: { code: 'undeclared', because: { code: 'not_counted', service: 'bank' } },
      completeness_finding: { code: 'to_come', partition: 0, at: '2026-11-23T13:05:09Z', within: 5 },
    });
    expect(journey.finding).toMatchObject({ code: 'undeclared', service: '', because: { code: 'not_counted', service: 'bank', because: null } });
    expect(journey.completenessFinding).toMatchObject({ code: null, partition: 0, offset: null, at: 1_795_439_109_000_000_000n, within: 5 });
    expect(decodeJourney(least).finding).toBeNull();
  });

  it('reads clocks, sagas and other names', () => {
    const journey = decodeJourney({
      ...least,
      skews: [{ from: 'a', to: 'b', min: -5, max: null }],
      shifts: [{ service: 'bank', node: 'bank-2', by: -300_000_000_000 }],
      sagas: [{ id: 's', verdict: 'returned', steps: [{ name: 'reserve', service: 'stock', forward: '2026-11-23T13:05:09Z', compensated: null }] }],
      aliases: [{ Name: 'order', Value: '10482' }],
    });
    expect(journey.skews).toEqual([{ from: 'a', to: 'b', min: -5, max: null }]);
    expect(journey.shifts).toEqual([{ service: 'bank', node: 'bank-2', by: -300_000_000_000 }]);
    expect(journey.sagas).toEqual([
      { id: 's', verdict: 'returned', steps: [{ name: 'reserve', service: 'stock', forward: 1_795_439_109_000_000_000n, compensated: null, by: '' }] },
    ]);
    expect(journey.aliases).toEqual([{ name: 'order', value: '10482' }]);
  });

  it('leaves open what is open', () => {
    const journey = decodeJourney(inTransit);
    expect(journey.hops.at(-1)).toMatchObject({ outcome: 'open', end: null, duration: null });
    expect(journey.legs.at(-1)).toMatchObject({ to: '', received: null, duration: null });
  });

  it('takes a time of zero for one that is not known', () =>
    expect(decodeJourney({ ...least, start: '0001-01-01T00:00:00Z' }).start).toBeNull());

  it('gives a record to its hop.id, else to its span.id', () => {
    const records = decodeJourney({ ...least, records: [{ 'span.id': 's', 'hop.id': 'h' }, { 'span.id': 's' }, {}] }).records;
    expect(records.map((record) => record.hop)).toEqual(['h', 's', '']);
  });

  it('reads null lists as empty ones', () => {
    const journey = decodeJourney({ ...least, stations: null, hops: null, legs: null, records: null, gaps: null, sagas: null });
    expect([journey.stations, journey.hops, journey.legs, journey.records, journey.gaps]).toEqual([[], [], [], [], []]);
  });

  it('lets one odd record not hide the journey', () => {
    const journey = decodeJourney({ ...least, as_of: 'yesterday', hops: [7, { id: 'a', start: 12, kind: 'queue' }], records: [null, { message: 5, labels: ['x'] }] });
    expect(journey.asOf).toBeNull();
    expect(journey.hops[1]).toMatchObject({ id: 'a', start: null, kind: null, outcome: 'open' });
    expect(journey.records[1]).toMatchObject({ message: '', labels: [] });
  });

  it('keeps labels that have awkward names', () => {
    expect(decodeJourney(JSON.parse(JSON.stringify(hostile))).records[0]?.labels.map(([name]) => name)).toContain('onclick="x"');
  });

  for (const [name, body] of [
    ['no object', 'hello'],
    ['no ID', { ...least, correlation_id: undefined }],
    ['an unknown verdict', { ...least, verdict: 'lost' }],
    ['an unknown completeness', { ...least, completeness: 'maybe' }],
  ] as const) {
    it(`refuses ${name}`, () => expect(() => decodeJourney(body)).toThrow(NotUnderstood));
  }
});

// The compiler is the test: neither side has a code that the other lacks.
it('has words for every code that the server may send', () => {
  const ours: readonly ServerCode[] = codes;
  const theirs: (code: ServerCode) => Code = (code) => code;
  expect(ours.map(theirs)).toEqual(codes);
});
