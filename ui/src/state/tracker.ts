import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import type { Answer, Failure } from '../api/journeys';
import { readId } from '../lib/id';
import type { IdFault } from '../lib/id';
import type { Journey } from '../lib/journey';
import { nextCheck } from '../lib/refresh';
import type { CheckResult } from '../lib/refresh';
import type { TokenStore } from './token';

/** What the page shows. `at` is the time of the answer that is shown, in milliseconds since 1970. */
export type Tracking =
  | { readonly phase: 'start' }
  /** The address named something that no server would take. */
  | { readonly phase: 'refused'; readonly entered: string; readonly fault: IdFault }
  | { readonly phase: 'loading'; readonly id: string }
  /** `away`: the server has stopped answering since. */
  | { readonly phase: 'shown'; readonly id: string; readonly journey: Journey; readonly at: number; readonly away: boolean }
  | { readonly phase: 'failed'; readonly id: string; readonly failure: Failure; readonly at: number; readonly looking: boolean };

export type Ask = (id: string, token: string | null, signal: AbortSignal) => Promise<Answer>;

export interface Tracker {
  readonly tracking: ReadonlySignal<Tracking>;
  /** Shows the journey that `entered` means; null for the start page. */
  track(entered: string | null): void;
  /** Asks now, whatever the schedule says. */
  again(): void;
  /** Takes the token the server asked for, and asks again with it. */
  authorize(token: string): void;
  /** To be called when the tab is hidden or comes back: a hidden page asks nothing. */
  visibilityChanged(): void;
}

/**
 *              ┌──────────── after a second, or backed off ────────────┐
 *   track ──▶ ask ──▶ answer ──▶ tracking ──▶ schedule ──▶ (hidden: wait for the tab)
 */
export function createTracker(ask: Ask, tokens: TokenStore, isHidden: () => boolean): Tracker {
  const tracking = signal<Tracking>({ phase: 'start' });
  let current: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let due = false;
  let tries = 0;
  let lastKind: CheckResult['kind'] | null = null;

  function stop(): void {
    current?.abort();
    current = null;
    clearTimeout(timer);
    due = false;
  }

  async function check(id: string): Promise<void> {
    stop();
    const mine = new AbortController();
    current = mine;
    let answer: Answer;
    try {
      answer = await ask(id, tokens.get(), mine.signal);
    } catch (error) {
      if (mine.signal.aborted) return;
      throw error;
    }
    if (mine.signal.aborted) return;
    current = null;
    take(id, answer);
  }

  function take(id: string, answer: Answer): void {
    const result = resultOf(answer);
    tries = result.kind === lastKind ? tries + 1 : 1;
    lastKind = result.kind;
    const delay = nextCheck(result, tries);
    const shown = tracking.value;
    if (answer.kind === 'found') {
      tracking.value = { phase: 'shown', id, journey: answer.journey, at: Date.now(), away: false };
    } else if (result.kind === 'away' && shown.phase === 'shown') {
      tracking.value = { ...shown, away: true };
    } else {
      tracking.value = { phase: 'failed', id, failure: answer, at: Date.now(), looking: delay !== null };
    }
    if (delay !== null) timer = setTimeout(() => checkWhenSeen(id), delay);
  }

  function checkWhenSeen(id: string): void {
    if (isHidden()) due = true;
    else void check(id);
  }

  function idOf(now: Tracking): string | null {
    return 'id' in now ? now.id : null;
  }

  function again(): void {
    const id = idOf(tracking.value);
    if (id !== null) void check(id);
  }

  return {
    tracking,
    track(entered) {
      stop();
      tries = 0;
      lastKind = null;
      if (entered === null) {
        tracking.value = { phase: 'start' };
        return;
      }
      const read = readId(entered);
      if ('fault' in read) {
        tracking.value = { phase: 'refused', entered, fault: read.fault };
        return;
      }
      if (idOf(tracking.value) !== read.id) tracking.value = { phase: 'loading', id: read.id };
      void check(read.id);
    },
    again,
    authorize(token) {
      tokens.set(token);
      again();
    },
    visibilityChanged() {
      if (due && !isHidden()) again();
    },
  };
}

function resultOf(answer: Answer): CheckResult {
  switch (answer.kind) {
    case 'found':
      return { kind: 'found', verdict: answer.journey.verdict };
    case 'not_found':
      return { kind: 'not_found' };
    case 'unreachable':
      return { kind: 'away' };
    case 'server_error':
      return { kind: answer.status >= 500 || answer.status === 429 ? 'away' : 'final' };
    default:
      return { kind: 'final' };
  }
}
