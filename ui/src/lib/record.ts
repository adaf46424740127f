import { object, string } from './json';
import type { JsonObject } from './json';
import { hopKinds } from './journey';
import type { JourneyRecord } from './journey';
import { parseTime } from './time';
import type { Nanos } from './time';

/** A record as its service wrote it: flat ECS names. It may hold anything. */
export type RawRecord = JsonObject;

export function parseRecord(raw: RawRecord): JourneyRecord {
  return {
    raw,
    id: string(raw['event.id']),
    correlationId: string(raw['correlation.id']),
    time: parseTime(string(raw['@timestamp'])),
    message: string(raw['message']),
    level: string(raw['log.level']),
    service: string(raw['service.name']),
    node: string(raw['service.node.name']),
    kind: string(raw['waybill.kind']),
    span: hopKinds.find((known) => known === raw['span.kind']) ?? null,
    hop: string(raw['hop.id']) || string(raw['span.id']),
    errorType: string(raw['error.type']),
    errorMessage: string(raw['error.message']),
    stackTrace: string(raw['error.stack_trace']),
    labels: Object.entries(object(raw['labels'])).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  };
}

/** What finds a record again: its `event.id`, and where its service does not number records also its time. */
export interface RecordKey {
  readonly id: string;
  /** RFC 3339; empty where the ID is enough. */
  readonly at: string;
}

/** A record's key as an address holds it: `ID`, or `ID@TIME`. Empty for a record without an ID. */
export function recordKey(raw: RawRecord): string {
  const id = string(raw['event.id']);
  return id === '' || typeof raw['event.sequence'] === 'number' ? id : `${id}@${string(raw['@timestamp'])}`;
}

export function readRecordKey(key: string): RecordKey {
  const cut = key.lastIndexOf('@');
  const at = cut < 0 ? '' : key.slice(cut + 1);
  const time: Nanos | null = parseTime(at);
  return time === null ? { id: key, at: '' } : { id: key.slice(0, cut), at };
}
