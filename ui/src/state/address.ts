import { idInSearch, searchForId } from '../lib/id';
import type { Tracker } from './tracker';

/** The URL holds the view: `/` is the start page, `/?id=…` a journey. */
export interface Address {
  go(id: string): void;
  home(): void;
}

/** Follows the browser's back and forward, and shows at once what the address names. */
export function openAddress(tracker: Tracker, window: Window): Address {
  let shown: string | null = null;

  function show(id: string | null): void {
    shown = id;
    tracker.track(id);
  }

  function visit(id: string | null): void {
    // The same number again is a wish to look again, not a new page to come back from.
    if (id !== shown) window.history.pushState(null, '', id === null ? '/' : `/${searchForId(id)}`);
    show(id);
    window.scrollTo(0, 0);
  }

  window.addEventListener('popstate', () => {
    const id = idInSearch(window.location.search);
    if (id !== shown) show(id); // else only the #station changed
  });
  show(idInSearch(window.location.search));

  return { go: visit, home: () => visit(null) };
}
