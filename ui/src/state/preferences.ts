import { signal } from '@preact/signals';
import type { Signal } from '@preact/signals';
import { bestLanguage, languages } from '../lib/text/language';
import type { Language } from '../lib/text/language';
import { timeModes } from '../lib/time';
import type { TimeMode } from '../lib/time';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** What a person likes; it is kept in this browser. */
export interface Preferences {
  readonly theme: Signal<Theme>;
  readonly language: Signal<Language>;
  readonly times: Signal<TimeMode>;
}

/** `wishes` are the browser's own languages. In memory only where the browser refuses storage. */
export function createPreferences(storage: () => Storage, wishes: readonly string[]): Preferences {
  return {
    theme: kept(storage, 'waybill.theme', themes, 'system'),
    language: kept(storage, 'waybill.language', languages, bestLanguage(wishes)),
    times: kept(storage, 'waybill.times', timeModes, 'local'),
  };
}

function kept<T extends string>(storage: () => Storage, key: string, known: readonly T[], otherwise: T): Signal<T> {
  const read = (): string | null => {
    try {
      return storage().getItem(key);
    } catch {
      return null;
    }
  };
  const value = signal(known.find((word) => word === read()) ?? otherwise);
  let first = true;
  value.subscribe((now) => {
    if (first) {
      first = false;
      return;
    }
    try {
      storage().setItem(key, now);
    } catch {
      // It holds until the page closes.
    }
  });
  return value;
}
