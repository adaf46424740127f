import { bestLanguage, languages } from '../lib/text/language';
import type { Language } from '../lib/text/language';
import { timeModes } from '../lib/time';
import type { TimeMode } from '../lib/time';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** What a person likes. */
export interface Liked {
  readonly theme: Theme;
  readonly language: Language;
  readonly times: TimeMode;
}

/** Where this browser keeps them. */
export const keys = { theme: 'waybill.theme', language: 'waybill.language', times: 'waybill.times' } as const;

/** What this browser has kept. `wishes` are its own languages. */
export function readLiked(storage: () => Storage, wishes: readonly string[]): Liked {
  const read = <T extends string>(key: string, known: readonly T[], otherwise: T): T => {
    try {
      const kept = storage().getItem(key);
      return known.find((word) => word === kept) ?? otherwise;
    } catch {
      return otherwise;
    }
  };
  return {
    theme: read(keys.theme, themes, 'system'),
    language: read(keys.language, languages, bestLanguage(wishes)),
    times: read(keys.times, timeModes, 'local'),
  };
}
