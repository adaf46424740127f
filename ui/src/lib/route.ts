/** Pages by their paths. A journey is at `/?id=…`, and without an ID that is the start page. */
export const paths = { journey: '/', search: '/search', tail: '/tail', map: '/map', health: '/health', alerts: '/alerts' } as const;
export type Page = keyof typeof paths;

/** What a view is about, as the URL has it; each page reads its own. */
export type RouteParams = Readonly<Record<string, string | undefined>>;

export interface Route {
  readonly page: Page;
  readonly params: Readonly<Record<string, string>>;
}

export function readRoute(pathname: string, search: string): Route {
  const page = (Object.keys(paths) as Page[]).find((known) => paths[known] === pathname) ?? 'journey';
  return { page, params: Object.fromEntries(new URLSearchParams(search)) };
}

/** What is undefined or empty is left out. */
export function hrefOf(page: Page, params: RouteParams): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== '') query.set(name, value);
  }
  const text = query.toString();
  return text === '' ? paths[page] : `${paths[page]}?${text}`;
}
