import { describe, expect, it } from 'vitest';
import type { Hop, Journey, JourneyRecord, Leg } from './journey';
import { between, layOut, levelTone } from './track';
import type { HopRow, Track } from './track';

const hop = (id: string, service: string, start: bigint | null, end: bigint | null, parent = ''): Hop => ({
  id, service, node: `${service}-1`, name: `op ${id}`, kind: 'server', parent, start, end,
  duration: between(start, end), outcome: end === null ? 'open' : 'success', error: '', status: null, attempt: null, records: 0, sends: 0,
});

const leg = (from: string, to: string, sent: bigint | null, received: bigint | null): Leg => ({
  from, to, transport: 'http', sent, received, duration: between(sent, received),
  least: null, most: null, topic: null, partition: null, offset: null, group: null, passed: [], waiting: [],
});

const record = (hop: string, message: string, level = 'INFO'): JourneyRecord => ({
  raw: {}, correlationId: 'id', id: '', time: 0n, message, level, service: 's', node: 's-1', kind: 'log', span: null, hop, errorType: '', errorMessage: '', stackTrace: '', labels: [],
});

const journey = (parts: Partial<Journey>): Journey => ({
  correlationId: 'id', verdict: 'delivered', reason: '', finding: null, verdictHop: '', since: null, completeness: 'proved', completenessReason: '', completenessFinding: null,
  asOf: null, kind: '', release: '', start: null, end: null, stations: [], hopCount: 0, hops: [], legs: [], records: [], recordCount: 0, recordsFrom: 0, revision: '',
  gaps: [], skews: [], shifts: [], sagas: [], aliases: [], warnings: [], ...parts,
});

const all = (track: Track): readonly HopRow[] => track.rows(0, track.count);

describe('layOut', () => {
  it('keeps the order it is given, whatever the clocks say', () => {
    const track = layOut(journey({ hops: [hop('a', 'gateway', 50n, 90n), hop('b', 'bank', 10n, 20n), hop('c', 'game', 0n, 5n)] }));
    expect(all(track).map((row) => row.hop.id)).toEqual(['a', 'b', 'c']);
  });

  it('counts visits to the same service', () => {
    const track = layOut(journey({ hops: [hop('a', 'gateway', 0n, 1n), hop('b', 'bank', 0n, 1n), hop('c', 'gateway', 0n, 1n)] }));
    expect(all(track).map((row) => row.visit)).toEqual([1, 1, 2]);
  });

  it('takes a hop in the same process for the same visit', () => {
    const hops = [hop('a', 'bank', 0n, 1n), hop('b', 'bank', 0n, 1n), hop('c', 'game', 0n, 1n), hop('d', 'bank', 0n, 1n), hop('e', 'bank', 0n, 1n)];
    const local = (from: string, to: string): Leg => ({ ...leg(from, to, 0n, 0n), transport: 'local' });
    const track = layOut(journey({ hops, legs: [local('a', 'b'), leg('b', 'c', 0n, 0n), leg('c', 'd', 0n, 0n), local('a', 'e')] }));
    expect(all(track).map((row) => row.visit)).toEqual([1, 1, 1, 2, 1]);
    expect(all(track).map((row) => row.inside)).toEqual([false, true, false, false, false]);
    expect(track.visits).toBe(3);
  });

  it('hangs a leg above the hop that received it, and names its sender only where that is not the row above', () => {
    const hops = [hop('a', 'gateway', 0n, 9n), hop('b', 'bank', 1n, 2n), hop('c', 'game', 3n, 4n)];
    const track = layOut(journey({ hops, legs: [leg('a', 'b', 0n, 1n), leg('a', 'c', 2n, 3n)] }));
    expect(all(track).map((row) => row.arrivals.map((arrival) => arrival.from))).toEqual([[], [null], ['gateway']]);
  });

  it('keeps every cause of a hop that has several', () => {
    const hops = [hop('a', 'x', 0n, 1n), hop('b', 'y', 0n, 1n), hop('c', 'z', 2n, 3n)];
    const track = layOut(journey({ hops, legs: [leg('a', 'c', 1n, 2n), leg('b', 'c', 1n, 2n)] }));
    expect(track.row(2)?.arrivals.map((arrival) => arrival.leg.from)).toEqual(['a', 'b']);
  });

  it('leaves a leg that nobody picked up with its sender', () => {
    const track = layOut(journey({ hops: [hop('a', 'bank', 0n, 4n)], legs: [leg('a', '', 3n, null), leg('a', 'unseen', 3n, 4n)] }));
    expect(track.row(0)?.arrivals).toEqual([]);
    expect(track.row(0)?.departures.map((departure) => departure.leg.to)).toEqual(['', 'unseen']);
    expect(track.row(0)?.departures[0]?.span).toEqual({ from: 0.6, to: 1, open: true });
  });

  it('says where nothing known led to a hop', () => {
    const track = layOut(journey({ hops: [hop('a', 'x', 0n, 1n), hop('b', 'y', 0n, 1n, 'a'), hop('c', 'z', 0n, 1n, 'a'), hop('d', 'w', 0n, 1n, 'lost')] }));
    expect(all(track).map((row) => row.unlinked)).toEqual([false, false, false, true]);
    expect(all(track).map((row) => row.under)).toEqual([null, null, 'x', null]);
  });

  it('gives records and gaps to their hop and keeps the rest apart', () => {
    const track = layOut(journey({
      hops: [hop('a', 'x', 0n, 1n)],
      records: [record('a', 'one'), record('b', 'two'), record('a', 'three', 'ERROR'), record('', 'four')],
      gaps: [{ service: 'x', node: 'x-1', hop: 'a', numbers: [3, 4] }, { service: 'y', node: 'y-1', hop: '', numbers: [7] }],
    }));
    expect(track.row(0)?.records.map((r) => r.message)).toEqual(['one', 'three']);
    expect(track.row(0)?.errors).toBe(1);
    expect(track.row(0)?.missing).toEqual([3, 4]);
    expect(track.elsewhere.records.map((r) => r.message)).toEqual(['two', 'four']);
    expect(track.elsewhere.gaps).toHaveLength(1);
  });

  it('places hops in the time of the whole journey, also those that outlast it, with room for what is open', () => {
    const track = layOut(journey({ start: 100n, end: 180n, hops: [hop('a', 'x', 100n, 200n), hop('b', 'y', 150n, null)] }));
    expect(all(track).map((row) => row.span)).toEqual([
      { from: 0, to: 0.8, open: false },
      { from: 0.4, to: 1, open: true },
    ]);
  });

  it('draws no spans where there is no time to place them in', () => {
    expect(layOut(journey({ hops: [hop('a', 'x', 5n, 5n), hop('b', 'y', null, null)] })).rows(0, 2).map((row) => row.span)).toEqual([null, null]);
  });

  it('finds rows by their hop, and the next that failed', () => {
    const failed = { ...hop('c', 'z', 0n, 1n), outcome: 'failure' as const };
    const track = layOut(journey({ hops: [hop('a', 'x', 0n, 1n), hop('b', 'y', 0n, 1n), failed], records: [record('a', 'm', 'ERROR')] }));
    expect([track.rowOf('b'), track.rowOf('nowhere'), track.failedFrom(0), track.failedFrom(1), track.failedFrom(3)]).toEqual([1, -1, 0, 2, -1]);
  });

  it('takes a station for open before it takes it for failed', () => {
    const failed = (id: string, service: string): Hop => ({ ...hop(id, service, 0n, 1n), outcome: 'failure' });
    const hops = [failed('a', 'x'), hop('b', 'x', 0n, null), failed('c', 'x'), hop('d', 'w', 0n, 1n), failed('e', 'w'), hop('f', 'y', 0n, 1n)];
    const track = layOut(journey({ hops }));
    const state = (service: string): string => track.stateOf({ service, hops: [], records: 0, errors: 0 });
    expect(['x', 'w', 'y', 'elsewhere'].map(state)).toEqual(['open', 'failed', 'passed', 'passed']);
  });

  it('lays out an empty journey', () => expect(layOut(journey({})).rows(0, 5)).toEqual([]));
});

describe('levelTone', () => {
  for (const [level, want] of [['ERROR', 'error'], ['ERROR+2', 'error'], ['fatal', 'error'], ['WARN', 'warn'], ['warning', 'warn'], ['INFO', 'info'], ['', 'info'], ['DEBUG-1', 'debug'], ['trace', 'debug']] as const) {
    it(`${level || '(none)'} → ${want}`, () => expect(levelTone(level)).toBe(want));
  }
});
