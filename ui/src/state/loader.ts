import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import type { Answer, Failure } from '../api/client';
import { nextCheck } from '../lib/refresh';
import type { CheckResult } from '../lib/refresh';
import type { Nanos } from '../lib/time';

/** What a view shows of an answer. `at` is when it came, in milliseconds since 1970. */
export type Loading<T> =
  | { readonly phase: 'idle' }
  | { readonly phase: 'loading' }
  /** `away`: the server has stopped answering since. `failure`: the last question was refused, and this is the answer before. */
  | { readonly phase: 'shown'; readonly value: T; readonly asOf: Nanos | null; readonly at: number; readonly away: boolean }
  /** `looking`: it is asked again by itself. */
  | { readonly phase: 'failed'; readonly failure: Failure; readonly at: number; readonly looking: boolean };

export type Ask<T> = (signal: AbortSignal) => Promise<Answer<T>>;

export interface Loader<T> {
  readonly loading: ReadonlySignal<Loading<T>>;
  /**
   * Asks, and calls off what was asked before. `keep`: what is shown stays until the answer is there. `again` says in how
   * many milliseconds to ask again once there is an answer, null for not at all.
   */
  load(ask: Ask<T>, options?: { readonly keep?: boolean; readonly again?: (value: T) => number | null }): void;
  /** Asks the same now, whatever the schedule says. */
  again(): void;
  /** Calls off whatever is asked, and shows nothing. */
  stop(): void;
  /** To be called when the tab is hidden or comes back: a hidden page asks nothing. */
  visibilityChanged(): void;
}

/**
 *              ┌──────────── when it is due, or backed off ────────────┐
 *    load ──▶ ask ──▶ answer ──▶ loading ──▶ schedule ──▶ (hidden: wait for the tab)
 */
export function createLoader<T>(isHidden: () => boolean): Loader<T> {
  const loading = signal<Loading<T>>({ phase: 'idle' });
  let ask: Ask<T> | null = null;
  let again: (value: T) => number | null = () => null;
  let current: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let due = false;
  let tries = 0;
  let lastKind: CheckResult['kind'] | null = null;

  function callOff(): void {
    current?.abort();
    current = null;
    clearTimeout(timer);
    due = false;
  }

  async function check(): Promise<void> {
    callOff();
    if (ask === null) return;
    const mine = new AbortController();
    current = mine;
    let answer: Answer<T>;
    try {
      answer = await ask(mine.signal);
    } catch (error) {
      if (mine.signal.aborted) return;
      throw error;
    }
    if (mine.signal.aborted) return;
    current = null;
    take(answer);
  }

  function take(answer: Answer<T>): void {
    const result = resultOf(answer, again);
    tries = result.kind === lastKind ? tries + 1 : 1;
    lastKind = result.kind;
    const delay = nextCheck(result, tries);
    const shown = loading.peek();
    if (answer.kind === 'found') {
      loading.value = { phase: 'shown', value: answer.value, asOf: answer.asOf, at: Date.now(), away: false };
    } else if ((result.kind === 'away' || result.kind === 'unauthorized') && shown.phase === 'shown') {
      loading.value = { ...shown, away: true };
    } else {
      loading.value = { phase: 'failed', failure: answer, at: Date.now(), looking: delay !== null };
    }
    if (delay !== null) timer = setTimeout(checkWhenSeen, delay);
  }

  function checkWhenSeen(): void {
    if (isHidden()) due = true;
    else void check();
  }

  return {
    loading,
    load(next, options = {}) {
      ask = next;
      again = options.again ?? (() => null);
      tries = 0;
      lastKind = null;
      if (options.keep !== true || loading.peek().phase !== 'shown') loading.value = { phase: 'loading' };
      void check();
    },
    again() {
      void check();
    },
    stop() {
      callOff();
      ask = null;
      loading.value = { phase: 'idle' };
    },
    visibilityChanged() {
      if (due && !isHidden()) void check();
    },
  };
}

function resultOf<T>(answer: Answer<T>, again: (value: T) => number | null): CheckResult {
  switch (answer.kind) {
    case 'found':
      return { kind: 'found', again: again(answer.value) };
    case 'not_found':
      return { kind: 'not_found' };
    case 'unauthorized':
      return { kind: 'unauthorized' };
    case 'unreachable':
      return { kind: 'away' };
    case 'server_error':
      return { kind: answer.status >= 500 || answer.status === 429 ? 'away' : 'final' };
    default:
      return { kind: 'final' };
  }
}
