import { grouped } from '../number';

/** What the page speaks, by BCP 47. */
export const languages = ['en', 'zh-TW'] as const;
export type Language = (typeof languages)[number];

/** The best of those for a list of wishes, such as `navigator.languages`. */
export function bestLanguage(wishes: readonly string[]): Language {
  for (const wish of wishes) {
    const tag = wish.toLowerCase();
    if (tag.startsWith('en')) return 'en';
    if (tag.startsWith('zh')) return 'zh-TW';
  }
  return 'en';
}

/** English counts: `1 record`, `2 records`. */
export const plural = (n: number, one: string, many: string): string => `${grouped(n)} ${n === 1 ? one : many}`;
