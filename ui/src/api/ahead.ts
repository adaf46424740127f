import { readId } from '../lib/id';
import type { Route } from '../lib/route';
import { firstOf, pathOf, queryOf, question, wanted } from './question';
import type { Fetcher } from './question';

/**
 * Asks for the journey that an address names, if any, while the page is still being loaded. Whoever asks the same first with what
 * it returns gets that answer; all else is asked anew.
 */
export function askAhead(route: Route, token: string | null, fetcher: Fetcher): Fetcher {
  const entered = readId(route.params['id'] ?? '');
  if (route.page !== 'journey' || !('id' in entered)) return fetcher;
  const own = new AbortController();
  const [asked, init] = question(pathOf(entered.id) + queryOf(firstOf), { ...wanted, signal: own.signal }, token);
  let ahead: Promise<Response> | null = fetcher(asked, init);
  ahead.catch(() => null); // who takes it is told
  return (url, other) => {
    const taken = ahead;
    ahead = null;
    const same = url === asked && tokenOf(other) === tokenOf(init);
    if (taken === null || !same) return fetcher(url, other);
    const { signal } = other;
    signal?.addEventListener('abort', () => own.abort(signal.reason));
    return taken;
  };
}

function tokenOf(init: RequestInit): string | null {
  return new Headers(init.headers).get('Authorization');
}
