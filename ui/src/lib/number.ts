/**
 * A whole number with commas between its thousands, which is how all languages of this page write it. `toLocaleString` would
 * load what the browser knows of locales first, and that takes longer than to draw a verdict.
 */
export function grouped(n: number): string {
  return String(n).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}
