import { signal } from '@preact/signals';
import type { Signal } from '@preact/signals';
import type { Language } from '../lib/text/language';
import type { TimeMode } from '../lib/time';
import { keys } from './liked';
import type { Liked, Theme } from './liked';

/** What a person likes now; it is kept in this browser. */
export interface Preferences {
  readonly theme: Signal<Theme>;
  readonly language: Signal<Language>;
  readonly times: Signal<TimeMode>;
}

/** In memory only where the browser refuses storage. */
export function createPreferences(storage: () => Storage, liked: Liked): Preferences {
  const kept = <T extends string>(key: string, now: T): Signal<T> => {
    const value = signal(now);
    value.subscribe((next) => {
      if (next === now) return;
      now = next;
      try {
        storage().setItem(key, next);
      } catch {
        // It holds until the page closes.
      }
    });
    return value;
  };
  return { theme: kept(keys.theme, liked.theme), language: kept(keys.language, liked.language), times: kept(keys.times, liked.times) };
}
