import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';

/** A search worth coming back to. `as` says what it lists. */
export interface SavedSearch {
  readonly name: string;
  readonly q: string;
  readonly as: string;
}

export interface SavedSearches {
  readonly list: ReadonlySignal<readonly SavedSearch[]>;
  /** Another of the same name is replaced. */
  save(search: SavedSearch): void;
  remove(name: string): void;
}

const KEY = 'waybill.searches';
const MOST = 100;

/** Searches kept in this browser; in memory only where it refuses storage. */
export function openSavedSearches(storage: () => Storage): SavedSearches {
  const list = signal(read(storage));
  const keep = (next: readonly SavedSearch[]): void => {
    list.value = next.slice(0, MOST);
    try {
      storage().setItem(KEY, JSON.stringify(list.value));
    } catch {
      // They hold until the page closes.
    }
  };
  return {
    list,
    save: (search) => keep([search, ...list.peek().filter(({ name }) => name !== search.name)]),
    remove: (gone) => keep(list.peek().filter(({ name }) => name !== gone)),
  };
}

function read(storage: () => Storage): readonly SavedSearch[] {
  try {
    const kept: unknown = JSON.parse(storage().getItem(KEY) ?? '[]');
    return Array.isArray(kept) ? kept.filter(isSavedSearch) : [];
  } catch {
    return [];
  }
}

function isSavedSearch(value: unknown): value is SavedSearch {
  return typeof value === 'object' && value !== null && ['name', 'q', 'as'].every((name) => typeof value[name as never] === 'string');
}
