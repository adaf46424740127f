import type { Choice } from './schema';
import { parseTime } from '../lib/time';
import type { Nanos } from '../lib/time';
import { queryOf, question, wanted } from './question';
import type { Fetcher, Params } from './question';

export type FailureKind =
  | 'not_found'
  /** The question is wrong; `field` and `column` say where. */
  | 'invalid'
  | 'unauthorized'
  | 'forbidden'
  /** Several journeys have the ID; `choices` are what is known of them. */
  | 'ambiguous'
  /** What was asked for is not kept any more. */
  | 'gone'
  | 'unreachable'
  | 'server_error'
  | 'not_understood';

/** Why there is no answer, as RFC 9457 problems say it. */
export interface Failure {
  readonly kind: FailureKind;
  /** The server's own sentence, empty where it gave none. */
  readonly detail: string;
  /** 0 where no server answered. */
  readonly status: number;
  /** The parameter that is wrong, empty where none is named. */
  readonly field: string;
  /** The character in it that is wrong, from 1; 0 where none is named. */
  readonly column: number;
  readonly choices: readonly Choice[];
  /** A token was sent, and the server did not accept it. */
  readonly refused: boolean;
}

export type Answer<T> = { readonly kind: 'found'; readonly value: T; readonly asOf: Nanos | null } | Failure;

/** Asks the server that the page came from. Nothing rejects, except with the signal's reason when that aborts. */
export interface Client {
  get<T>(path: string, params: Params, signal: AbortSignal): Promise<Answer<T>>;
  send<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body: unknown, signal: AbortSignal): Promise<Answer<T>>;
  /** An answer that is streamed: the caller reads its body. */
  open(path: string, params: Params, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Answer<Response>>;
}

const PATIENCE_MS = 30_000;

/** `token` is asked for each request, and `told` what came of it. */
export function createClient(token: () => string | null, told: (answer: Answer<unknown>) => void, fetcher: Fetcher): Client {
  async function ask(path: string, init: RequestInit, signal: AbortSignal): Promise<Response | Failure> {
    const sent = token();
    let response: Response;
    try {
      response = await fetcher(...question(path, { ...init, signal }, sent));
    } catch {
      signal.throwIfAborted();
      return failure('unreachable', {});
    }
    if (response.ok) return response;
    const problem = readProblem(await response.text().catch(() => ''));
    return failure(kindOf(response.status), { ...problem, status: response.status, refused: sent !== null });
  }

  async function whole<T>(path: string, init: RequestInit, signal: AbortSignal): Promise<Answer<T>> {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    let answer: Response | Failure;
    let body = '';
    try {
      answer = await ask(path, init, AbortSignal.any([signal, patience]));
      if (answer instanceof Response) body = await answer.text();
    } catch {
      signal.throwIfAborted();
      answer = failure('unreachable', {});
    }
    const out = answer instanceof Response ? read<T>(answer, body) : answer;
    told(out);
    return out;
  }

  return {
    get: (path, params, signal) => whole(path + queryOf(params), wanted, signal),
    send: (method, path, body, signal) => {
      const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
      return whole(path, { method, ...init }, signal);
    },
    async open(path, params, headers, signal) {
      const answer = await ask(path + queryOf(params), { headers }, signal);
      const out: Answer<Response> = answer instanceof Response ? { kind: 'found', value: answer, asOf: null } : answer;
      told(out);
      return out;
    },
  };
}

export function failure(kind: FailureKind, more: Partial<Failure>): Failure {
  return { detail: '', status: 0, field: '', column: 0, choices: [], refused: false, ...more, kind };
}

function read<T>(response: Response, body: string): Answer<T> {
  const asOf = parseTime(response.headers.get('X-Waybill-As-Of') ?? '');
  if (body === '') return { kind: 'found', value: undefined as T, asOf };
  try {
    return { kind: 'found', value: JSON.parse(body) as T, asOf };
  } catch (error) {
    return failure('not_understood', { detail: error instanceof Error ? error.message : '', status: response.status });
  }
}

function kindOf(status: number): FailureKind {
  const kinds: Readonly<Record<number, FailureKind>> = {
    400: 'invalid', 401: 'unauthorized', 403: 'forbidden', 404: 'not_found', 409: 'ambiguous', 410: 'gone', 422: 'invalid',
  };
  return kinds[status] ?? 'server_error';
}

/** Reads an application/problem+json body; whatever else a proxy may have sent says nothing to a person. */
function readProblem(body: string): Partial<Failure> {
  try {
    const problem: unknown = JSON.parse(body);
    if (typeof problem !== 'object' || problem === null) return {};
    const text = (name: string): string => (name in problem && typeof problem[name as never] === 'string' ? problem[name as never] : '');
    const column = 'column' in problem && typeof problem.column === 'number' ? problem.column : 0;
    const choices = 'choices' in problem && Array.isArray(problem.choices) ? (problem.choices as Choice[]) : [];
    return { detail: text('detail'), field: text('field'), column, choices };
  } catch {
    return {};
  }
}
