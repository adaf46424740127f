import type { Journey, JourneyRecord } from '../lib/journey';
import { parseRecord } from '../lib/record';
import { failure } from './client';
import type { Answer, Client } from './client';
import { decodeJourney } from './decode';
import { firstOf, pathOf } from './question';
import type { Params } from './question';
import type { Difference, JourneyRecords } from './schema';

/** Asks for one journey, by any spelling of its ID, and its first records. */
export async function fetchJourney(client: Client, id: string, signal: AbortSignal): Promise<Answer<Journey>> {
  const answer = await client.get<unknown>(pathOf(id), firstOf, signal);
  if (answer.kind !== 'found') return answer;
  try {
    return { ...answer, value: decodeJourney(answer.value) };
  } catch (error) {
    return failure('not_understood', { detail: error instanceof Error ? error.message : '' });
  }
}

/** Which records of a journey are wanted. */
export interface Excerpt {
  /** Of the journey as it was answered. */
  readonly revision: string;
  /** Only those that match a query. */
  readonly q?: string;
  /** Only those of a hop. */
  readonly hop?: string;
  /** The place of the first among them, from 0. */
  readonly from?: number;
  /** The ID of a record that is to be in the middle. */
  readonly around?: string;
  /** Only those that have this place among all records, or a later one; from counts from there. */
  readonly behind?: number;
  readonly limit: number;
}

/** A run of a journey's records, in causal order. */
export interface Run {
  /** How many there are that match. */
  readonly count: number;
  /** The place of the first among those that match. */
  readonly from: number;
  /** The place among them of the record that was asked around; null where it was asked around none. */
  readonly at: number | null;
  readonly records: readonly JourneyRecord[];
  /** Of each among all records of the journey. */
  readonly places: readonly number[];
}

export async function fetchRun(client: Client, id: string, excerpt: Excerpt, signal: AbortSignal): Promise<Answer<Run>> {
  const answer = await client.get<JourneyRecords>(`${pathOf(id)}/records`, { ...excerpt } satisfies Params, signal);
  if (answer.kind !== 'found') return answer;
  const { count, from, at: middle, records, places } = answer.value;
  return { ...answer, value: { count, from, at: middle, records: records.map(parseRecord), places } };
}

/** Asks how a journey departs from the usual (`usual`), or from another one. */
export function fetchDifference(client: Client, id: string, other: string, signal: AbortSignal): Promise<Answer<Difference>> {
  return client.get<Difference>(`${pathOf(id)}/diff`, { with: other }, signal);
}

export const exportFormats = ['html', 'ndjson', 'otlp'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** A journey as a file. */
export async function fetchExport(client: Client, id: string, format: ExportFormat, signal: AbortSignal): Promise<Answer<Blob>> {
  const answer = await client.open(`${pathOf(id)}/export`, { format }, {}, signal);
  if (answer.kind !== 'found') return answer;
  try {
    return { ...answer, value: await answer.value.blob() };
  } catch {
    signal.throwIfAborted();
    return failure('unreachable', {}); // it broke off on the way
  }
}
