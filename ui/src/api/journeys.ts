import type { Journey } from '../lib/journey';
import { decodeJourney } from './decode';

/** `detail` is the server's own sentence, empty where it gave none. */
export type Failure =
  | { readonly kind: 'not_found'; readonly detail: string }
  | { readonly kind: 'bad_id'; readonly detail: string }
  /** `refused`: a token was sent, and the server did not accept it. */
  | { readonly kind: 'unauthorized'; readonly detail: string; readonly refused: boolean }
  | { readonly kind: 'forbidden'; readonly detail: string }
  /** Several journeys share the ID but for its spelling; these are theirs. */
  | { readonly kind: 'ambiguous'; readonly detail: string; readonly candidates: readonly string[] }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'server_error'; readonly detail: string; readonly status: number }
  | { readonly kind: 'not_understood'; readonly detail: string };

export type Answer = { readonly kind: 'found'; readonly journey: Journey } | Failure;

const PATIENCE_MS = 20_000;

/** Asks for one journey. Never rejects, except with the signal's reason when `signal` aborts. */
export async function fetchJourney(id: string, token: string | null, signal: AbortSignal): Promise<Answer> {
  const headers = new Headers({ Accept: 'application/json' });
  if (token !== null) headers.set('Authorization', `Bearer ${token}`);
  let response: Response;
  let body: string;
  try {
    response = await fetch(`/api/v1/journeys/${encodeURIComponent(id)}`, {
      headers,
      cache: 'no-cache',
      credentials: 'same-origin',
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    body = await response.text();
  } catch {
    signal.throwIfAborted();
    return { kind: 'unreachable' };
  }
  if (response.ok) return found(body);
  const { detail, candidates } = readProblem(body);
  switch (response.status) {
    case 400:
      return { kind: 'bad_id', detail };
    case 401:
      return { kind: 'unauthorized', detail, refused: token !== null };
    case 403:
      return { kind: 'forbidden', detail };
    case 404:
      return { kind: 'not_found', detail };
    case 409:
      return { kind: 'ambiguous', detail, candidates };
    default:
      return { kind: 'server_error', detail, status: response.status };
  }
}

function found(body: string): Answer {
  try {
    return { kind: 'found', journey: decodeJourney(JSON.parse(body)) };
  } catch (error) {
    return { kind: 'not_understood', detail: error instanceof Error ? error.message : '' };
  }
}

interface Problem {
  readonly detail: string;
  readonly candidates: readonly string[];
}

/** Reads an application/problem+json body; whatever else a proxy may have sent says nothing to a person. */
function readProblem(body: string): Problem {
  try {
    const problem: unknown = JSON.parse(body);
    if (typeof problem !== 'object' || problem === null) return { detail: '', candidates: [] };
    const detail = 'detail' in problem && typeof problem.detail === 'string' ? problem.detail : '';
    const candidates = 'candidates' in problem && Array.isArray(problem.candidates) ? problem.candidates : [];
    return { detail, candidates: candidates.filter((id): id is string => typeof id === 'string') };
  } catch {
    return { detail: '', candidates: [] };
  }
}
