import type { Journey } from '../lib/journey';
import { failure } from './client';
import type { Answer, Client } from './client';
import { decodeJourney } from './decode';

/** Asks for one journey, by any spelling of its ID. */
export async function fetchJourney(client: Client, id: string, signal: AbortSignal): Promise<Answer<Journey>> {
  const answer = await client.get<unknown>(`/journeys/${encodeURIComponent(id)}`, {}, signal);
  if (answer.kind !== 'found') return answer;
  try {
    return { ...answer, value: decodeJourney(answer.value) };
  } catch (error) {
    return failure('not_understood', { detail: error instanceof Error ? error.message : '' });
  }
}
