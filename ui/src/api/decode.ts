import { codes } from '../lib/finding';
import type { Finding } from '../lib/finding';
import { completenesses, hopKinds, verdicts } from '../lib/journey';
import type { Alias, Gap, Hop, HopKind, Journey, Leg, Outcome, Saga, Shift, Skew, Station, Step, Transport } from '../lib/journey';
import { count, list, number, object, oneOf, string, strings } from '../lib/json';
import type { JsonObject } from '../lib/json';
import { parseRecord } from '../lib/record';
import { parseTime } from '../lib/time';
import type { Nanos } from '../lib/time';

/** The answer is no journey that this page knows how to show. */
export class NotUnderstood extends Error {}

/**
 * Reads the body of `GET /api/v1/journeys/{id}`. Strict about what the verdict rests on; forgiving elsewhere, so that one odd
 * record does not hide a journey: what is missing or of a wrong type becomes empty or null. The long lists are read when they are
 * wanted first, so that the verdict need not wait for them.
 */
export function decodeJourney(body: unknown): Journey {
  const o = object(body);
  const correlationId = string(o['correlation_id']);
  const verdict = verdicts.find((known) => known === o['verdict']);
  const completeness = completenesses.find((known) => known === o['completeness']);
  if (correlationId === '') throw new NotUnderstood('no correlation_id');
  if (verdict === undefined) throw new NotUnderstood(`verdict ${String(o['verdict'])}`);
  if (completeness === undefined) throw new NotUnderstood(`completeness ${String(o['completeness'])}`);
  const hops = once(() => list(o['hops'], hop));
  const legs = once(() => list(o['legs'], leg));
  const skews = once(() => list(o['skews'], skew));
  const records = once(() => list(o['records'], parseRecord));
  return {
    correlationId,
    verdict,
    completeness,
    reason: string(o['reason']),
    finding: finding(o['finding']),
    verdictHop: string(o['verdict_hop']),
    since: time(o['since']),
    completenessReason: string(o['completeness_reason']),
    completenessFinding: finding(o['completeness_finding']),
    asOf: time(o['as_of']),
    kind: string(o['kind']),
    release: string(o['release']),
    start: time(o['start']),
    end: time(o['end']),
    stations: list(o['stations'], station),
    hopCount: sizeOf(o['hops']),
    get hops() { return hops(); },
    get legs() { return legs(); },
    get records() { return records(); },
    recordCount: number(o['record_count']) ?? sizeOf(o['records']),
    recordsFrom: count(o['records_from']),
    revision: string(o['revision']),
    gaps: list(o['gaps'], gap),
    get skews() { return skews(); },
    shifts: list(o['shifts'], shift),
    sagas: list(o['sagas'], saga),
    aliases: list(o['aliases'], alias),
    warnings: strings(o['warnings']),
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

function sizeOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

function finding(value: unknown): Finding | null {
  const o = object(value);
  if (string(o['code']) === '') return null;
  return {
    code: codes.find((known) => known === o['code']) ?? null,
    service: string(o['service']),
    also: strings(o['also']),
    hop: string(o['hop']),
    operation: string(o['operation']),
    awaited: string(o['awaited']),
    topic: string(o['topic']),
    group: string(o['group']),
    partition: number(o['partition']),
    offset: number(o['offset']),
    committed: number(o['committed']),
    deserted: o['deserted'] === true,
    at: time(o['at']),
    within: number(o['within']),
    status: count(o['status']),
    declared: string(o['declared']),
    saga: string(o['saga']),
    count: count(o['count']),
    here: count(o['here']),
    number: count(o['number']),
    why: string(o['why']),
    because: finding(o['because']),
  };
}

function station(o: JsonObject): Station {
  return { service: string(o['service']), hops: strings(o['hops']), records: count(o['records']), errors: count(o['errors']) };
}

function hop(o: JsonObject): Hop {
  return {
    id: string(o['id']),
    service: string(o['service']),
    node: string(o['node']),
    name: string(o['name']),
    kind: hopKind(o['kind']),
    parent: string(o['parent']),
    start: time(o['start']),
    end: time(o['end']),
    duration: number(o['duration']),
    error: string(o['error']),
    status: number(o['status']),
    attempt: number(o['attempt']),
    outcome: oneOf<Outcome>(o['outcome'], ['success', 'failure'], 'open'),
    records: count(o['records']),
    sends: count(o['sends']),
  };
}

function leg(o: JsonObject): Leg {
  return {
    from: string(o['from']),
    to: string(o['to']),
    transport: oneOf<Transport>(o['transport'], ['http', 'kafka'], 'local'),
    sent: time(o['sent']),
    received: time(o['received']),
    duration: number(o['duration']),
    least: number(o['least']),
    most: number(o['most']),
    topic: string(o['topic']) || null,
    partition: number(o['partition']),
    offset: number(o['offset']),
    group: string(o['group']) || null,
    passed: strings(o['passed']),
    waiting: strings(o['waiting']),
  };
}

function gap(o: JsonObject): Gap {
  const numbers = Array.isArray(o['numbers']) ? o['numbers'].filter((n): n is number => typeof n === 'number') : [];
  return { service: string(o['service']), node: string(o['node']), hop: string(o['hop']), numbers };
}

function skew(o: JsonObject): Skew {
  return { from: string(o['from']), to: string(o['to']), min: number(o['min']), max: number(o['max']) };
}

function shift(o: JsonObject): Shift {
  return { service: string(o['service']), node: string(o['node']), by: count(o['by']) };
}

function saga(o: JsonObject): Saga {
  return { id: string(o['id']), verdict: verdicts.find((known) => known === o['verdict']) ?? null, steps: list(o['steps'], step) };
}

function step(o: JsonObject): Step {
  return { name: string(o['name']), service: string(o['service']), forward: time(o['forward']), compensated: time(o['compensated']), by: string(o['by']) };
}

// Go names these fields as the type does.
function alias(o: JsonObject): Alias {
  return { name: string(o['Name']), value: string(o['Value']) };
}

// Go's zero time stands for one that is not known.
const ZERO_TIME = '0001-01-01T00:00:00Z';

function time(value: unknown): Nanos | null {
  return typeof value === 'string' && value !== ZERO_TIME ? parseTime(value) : null;
}

function hopKind(value: unknown): HopKind | null {
  return hopKinds.find((known) => known === value) ?? null;
}
