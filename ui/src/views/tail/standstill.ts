import { useState } from 'preact/hooks';
import type { Tail, TailRecord, TailState } from '../../state/tail';

/** A list that stands still while the tail goes on. */
export interface Standstill {
  /** What is shown, null while the list follows the tail. */
  readonly still: readonly TailRecord[] | null;
  /** How many records have come since. */
  readonly fresh: number;
  readonly toggle: () => void;
  readonly pause: () => void;
  readonly resume: () => void;
}

export function useStandstill(tail: Tail, state: TailState): Standstill {
  const [still, setStill] = useState<{ readonly records: readonly TailRecord[]; readonly next: number } | null>(null);
  const pause = (): void => {
    if (still !== null) return;
    const records: TailRecord[] = [];
    for (let i = state.first; i < state.next; i++) {
      const record = tail.at(i);
      if (record !== undefined) records.push(record);
    }
    setStill({ records, next: state.next });
  };
  const resume = (): void => setStill(null);
  // Another query has begun to count anew.
  const stale = still !== null && state.next < still.next;
  return {
    still: still === null || stale ? null : still.records,
    fresh: still === null || stale ? 0 : state.next - still.next,
    toggle: () => (still === null || stale ? pause() : resume()),
    pause,
    resume,
  };
}
