/** The address of the API, on the server that the page came from. */
const BASE = '/api/v1';

/** As `window.fetch`, of an address on the page's own server. */
export type Fetcher = (url: string, init: RequestInit) => Promise<Response>;

/** Values that are undefined or empty are left out. */
export type Params = Readonly<Record<string, string | number | boolean | undefined>>;

/** A request to the API. A null token sends none. */
export function question(path: string, init: RequestInit, token: string | null): readonly [url: string, init: RequestInit] {
  const headers = new Headers(init.headers);
  if (token !== null) headers.set('Authorization', `Bearer ${token}`);
  return [BASE + path, { ...init, headers, cache: 'no-cache', credentials: 'same-origin', redirect: 'error' }];
}

export const wanted: RequestInit = { headers: { Accept: 'application/json' } };

export function queryOf(params: Params): string {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== '') out.set(name, String(value));
  }
  const text = out.toString();
  return text === '' ? '' : `?${text}`;
}

/** How many records come with the first answer. */
export const FIRST_RECORDS = 200;

/** The path of a journey, whatever spelling of its ID. */
export function pathOf(id: string): string {
  return `/journeys/${encodeURIComponent(id)}`;
}

/** What is asked first of a journey. */
export const firstOf = { records: `0,${FIRST_RECORDS}` } satisfies Params;
