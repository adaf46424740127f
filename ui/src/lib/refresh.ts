import type { Verdict } from './journey';

const SECOND = 1000;
const LONGEST = 30 * SECOND;

export type CheckResult =
  /** `again`: in how many milliseconds to look for news; null for not at all. */
  | { readonly kind: 'found'; readonly again: number | null }
  | { readonly kind: 'not_found' }
  /** The server is away or ill; that may pass by itself. */
  | { readonly kind: 'away' }
  /** A person has to give a token first. */
  | { readonly kind: 'unauthorized' }
  | { readonly kind: 'final' };

/**
 * Milliseconds until the page asks again by itself; null for not at all. `tries` counts results of this kind in a row, from 1.
 * What is not found is looked for a while, since a person may be quicker than the first record.
 */
export function nextCheck(result: CheckResult, tries: number): number | null {
  switch (result.kind) {
    case 'found':
      return result.again;
    case 'not_found':
      return tries <= 8 ? backOff(2 * SECOND, tries) : null;
    case 'away':
      return backOff(SECOND, tries);
    case 'unauthorized':
    case 'final':
      return null;
  }
}

/** When to look at a journey again: its verdict may still change without anybody doing anything about it. */
export function nextLook(verdict: Verdict): number | null {
  return isOpen(verdict) ? SECOND : null;
}

export function isOpen(verdict: Verdict): boolean {
  return verdict === 'in_transit' || verdict === 'unconfirmed';
}

function backOff(first: number, tries: number): number {
  return Math.min(first * 2 ** (tries - 1), LONGEST);
}
