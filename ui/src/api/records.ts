import type { RawRecord, RecordKey } from '../lib/record';
import type { Answer, Client } from './client';
import type { Around } from './schema';

export const withins = ['instance', 'service', 'journey'] as const;
/** In which way records are neighbours. */
export type Within = (typeof withins)[number];

/** A record, and what was written before and after it, nearest first. */
export interface Neighbours {
  readonly before: readonly RawRecord[];
  readonly record: RawRecord;
  readonly after: readonly RawRecord[];
}

/** Asks for up to `limit` records on either side of one. */
export async function fetchNeighbours(client: Client, key: RecordKey, within: Within, limit: number, signal: AbortSignal): Promise<Answer<Neighbours>> {
  return client.get<Around>('/records/context', { ...key, within, limit }, signal);
}
