import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import type { Answer, Failure } from '../api/client';
import { nextCheck } from '../lib/refresh';
import type { Nanos } from '../lib/time';

export interface PageOf<T> {
  readonly items: readonly T[];
  /** Goes on behind this page; empty: nothing is left. */
  readonly next: string;
  /** Time ended before the page was full. */
  readonly partial: boolean;
}

/** A list that grows at its end. */
export interface Listing<T> {
  readonly items: readonly T[];
  readonly asOf: Nanos | null;
  readonly partial: boolean;
  /** `end`: nothing is left. `full`: there is more, but no page holds it. */
  readonly phase: 'loading' | 'idle' | 'end' | 'full' | 'failed';
  readonly failure: Failure | null;
  readonly at: number;
}

export type AskPage<T> = (cursor: string, signal: AbortSignal) => Promise<Answer<PageOf<T>>>;

export interface Pager<T> {
  readonly listing: ReadonlySignal<Listing<T>>;
  /** Begins anew, and calls off what was asked before. */
  start(ask: AskPage<T>): void;
  /** Asks for the next page, unless one is asked for or none is left. */
  more(): void;
  stop(): void;
}

const empty: Listing<never> = { items: [], asOf: null, partial: false, phase: 'loading', failure: null, at: 0 };

/** `most` is how many items are kept: a list of all there is would take the tab's memory. */
export function createPager<T>(most: number): Pager<T> {
  const listing = signal<Listing<T>>(empty);
  let ask: AskPage<T> | null = null;
  let cursor = '';
  let current: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let tries = 0;

  async function load(): Promise<void> {
    if (ask === null) return;
    clearTimeout(timer);
    const mine = new AbortController();
    current = mine;
    listing.value = { ...listing.peek(), phase: 'loading' };
    let answer: Answer<PageOf<T>>;
    try {
      answer = await ask(cursor, mine.signal);
    } catch (error) {
      if (mine.signal.aborted) return;
      throw error;
    }
    if (mine.signal.aborted) return;
    current = null;
    take(answer);
  }

  function take(answer: Answer<PageOf<T>>): void {
    const known = listing.peek();
    if (answer.kind !== 'found') {
      tries += 1;
      listing.value = { ...known, phase: 'failed', failure: answer, at: Date.now() };
      const away = answer.kind === 'unreachable' || (answer.kind === 'server_error' && answer.status >= 500);
      const delay = away ? nextCheck({ kind: 'away' }, tries) : null;
      if (delay !== null) timer = setTimeout(() => void load(), delay);
      return;
    }
    tries = 0;
    cursor = answer.value.next;
    const items = [...known.items, ...answer.value.items];
    const phase = cursor === '' ? 'end' : items.length >= most ? 'full' : 'idle';
    listing.value = { items, asOf: known.asOf ?? answer.asOf, partial: known.partial || answer.value.partial, phase, failure: null, at: Date.now() };
  }

  function callOff(): void {
    current?.abort();
    current = null;
    clearTimeout(timer);
  }

  return {
    listing,
    start(next) {
      callOff();
      ask = next;
      cursor = '';
      tries = 0;
      listing.value = empty;
      void load();
    },
    more() {
      if (current === null && listing.peek().phase === 'idle') void load();
    },
    stop: callOff,
  };
}
