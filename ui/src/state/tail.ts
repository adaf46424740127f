import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { createParser } from 'eventsource-parser';
import type { EventSourceMessage } from 'eventsource-parser';
import type { Client, Failure } from '../api/client';
import { nextCheck } from '../lib/refresh';
import { Ring } from '../lib/ring';

/** A record as it came. */
export interface TailRecord {
  /** Its JSON, as it was written. */
  readonly raw: string;
}

/** Of all records that the filter matches; matched = shown + skipped. */
export interface Receipt {
  readonly matched: number;
  readonly shown: number;
  readonly skipped: number;
}

/** Messages that Kafka dropped before anybody read them. */
export interface TailGap {
  readonly partition: number;
  readonly from: number;
  readonly until: number;
}

export interface TailState {
  readonly phase: 'connecting' | 'live' | 'away' | 'failed';
  /** Why it does not go on by itself; null while it does. */
  readonly failure: Failure | null;
  readonly receipt: Receipt;
  readonly gaps: readonly TailGap[];
  /** Numbers in the ring: the oldest kept, and the next to come. */
  readonly first: number;
  readonly next: number;
}

export interface Tail {
  readonly state: ReadonlySignal<TailState>;
  at(number: number): TailRecord | undefined;
  /** Begins anew with another filter. */
  follow(q: string): void;
  clear(): void;
  stop(): void;
}

/** How many records, and how many characters of them, a tail keeps. */
export const MOST_RECORDS = 5000;
const MOST_CHARACTERS = 8 << 20;
const MOST_GAPS = 20;

/** Records arrive faster than anybody reads; the state changes this often. */
const DRAW_MS = 150;

const empty: TailState = { phase: 'connecting', failure: null, receipt: { matched: 0, shown: 0, skipped: 0 }, gaps: [], first: 0, next: 0 };

/**
 * The live tail over server-sent events, which are read with fetch, since an EventSource sends no token. After a cut it goes on
 * behind the last event, so that nothing is missed or seen twice.
 */
export function createTail(client: Client): Tail {
  const state = signal(empty);
  let ring = new Ring<TailRecord>(MOST_RECORDS, MOST_CHARACTERS, ({ raw }) => raw.length);
  let current: AbortController | null = null;
  let again: ReturnType<typeof setTimeout> | undefined;
  let drawing: ReturnType<typeof setTimeout> | undefined;
  let pending: Partial<TailState> = {};
  let earlier: Receipt = empty.receipt; // of connections before this one
  let tries = 0;

  function draw(): void {
    drawing = undefined;
    state.value = { ...state.peek(), ...pending, first: ring.first, next: ring.next };
    pending = {};
  }

  function change(what: Partial<TailState>): void {
    pending = { ...pending, ...what };
    drawing ??= setTimeout(draw, DRAW_MS);
  }

  async function connect(q: string, last: string): Promise<void> {
    const mine = new AbortController();
    current = mine;
    let place = last;
    const base = { ...state.peek(), ...pending }.receipt;
    earlier = base;
    try {
      const answer = await client.open('/tail', { q }, last === '' ? {} : { 'Last-Event-ID': last }, mine.signal);
      if (mine.signal.aborted) return;
      if (answer.kind !== 'found') {
        const away = answer.kind === 'unreachable' || answer.kind === 'server_error';
        change({ phase: away ? 'away' : 'failed', failure: away ? null : answer });
        if (!away) return;
      } else if (answer.value.body !== null) {
        change({ phase: 'live', failure: null });
        const parser = createParser({
          onEvent: (event) => {
            tries = 0;
            if (event.id !== undefined) place = event.id;
            take(event);
          },
        });
        const reader = answer.value.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let read = await reader.read(); !read.done; read = await reader.read()) parser.feed(read.value);
      }
    } catch {
      // The connection was cut; aborted or not is asked below.
    }
    if (mine.signal.aborted) return;
    change({ phase: 'away' });
    tries += 1;
    again = setTimeout(() => void connect(q, place), nextCheck({ kind: 'away' }, tries) ?? 0);
  }

  function take(event: EventSourceMessage): void {
    switch (event.event) {
      case 'record':
        ring.push({ raw: event.data });
        change({});
        break;
      case 'receipt': {
        const told = readReceipt(event.data);
        change({ receipt: { matched: earlier.matched + told.matched, shown: earlier.shown + told.shown, skipped: earlier.skipped + told.skipped } });
        break;
      }
      case 'gap': {
        const gaps = pending.gaps ?? state.peek().gaps;
        change({ gaps: [...gaps, readGap(event.data)].slice(-MOST_GAPS) });
        break;
      }
      case undefined:
      default:
    }
  }

  function stop(): void {
    current?.abort();
    current = null;
    clearTimeout(again);
    clearTimeout(drawing);
    drawing = undefined;
    pending = {};
  }

  return {
    state,
    at: (number) => ring.at(number),
    follow(q) {
      stop();
      ring = new Ring<TailRecord>(MOST_RECORDS, MOST_CHARACTERS, ({ raw }) => raw.length);
      state.value = empty;
      tries = 0;
      void connect(q, '');
    },
    clear() {
      ring.clear();
      change({ gaps: [] });
    },
    stop,
  };
}

function readReceipt(data: string): Receipt {
  const told = object(data);
  return { matched: count(told['matched']), shown: count(told['shown']), skipped: count(told['skipped']) };
}

function readGap(data: string): TailGap {
  const told = object(data);
  return { partition: count(told['partition']), from: count(told['from']), until: count(told['until']) };
}

function object(data: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
