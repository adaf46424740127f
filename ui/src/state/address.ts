import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { hrefOf, readRoute } from '../lib/route';
import type { Page, Route, RouteParams } from '../lib/route';

/** The URL holds the view. */
export interface Address {
  readonly route: ReadonlySignal<Route>;
  /** Goes to a view that is worth coming back from. */
  go(page: Page, params?: RouteParams): void;
  /** Changes the view in place, such as what is selected. What is undefined or empty is left out. */
  set(params: RouteParams): void;
}

/** Follows the browser's back and forward. */
export function openAddress(window: Window): Address {
  const read = (): Route => readRoute(window.location.pathname, window.location.search);
  const route = signal(read());
  const same = (a: Route, b: Route): boolean => hrefOf(a.page, a.params) === hrefOf(b.page, b.params);
  const show = (next: Route): void => {
    if (!same(route.peek(), next)) route.value = next; // else only the #anchor changed
  };
  window.addEventListener('popstate', () => show(read()));
  return {
    route,
    go(page, params = {}) {
      const href = hrefOf(page, params);
      if (href !== hrefOf(route.peek().page, route.peek().params)) window.history.pushState(null, '', href);
      // The same again is a wish to look again.
      route.value = read();
      window.scrollTo(0, 0);
    },
    set(params) {
      const { page, params: old } = route.peek();
      window.history.replaceState(null, '', hrefOf(page, { ...old, ...params }));
      show(read());
    },
  };
}
