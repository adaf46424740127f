import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import type { Answer, Failure } from '../api/client';
import type { Excerpt, Run } from '../api/journeys';
import type { JourneyRecord } from '../lib/journey';

/** Records of one journey, of which those are held that somebody looks at. Places count those that match, from 0. */
export interface RecordWindows {
  /** Counts up with whatever the rest answers from. */
  readonly changed: ReadonlySignal<number>;
  /** Why nothing more comes; null while it does. */
  readonly failure: ReadonlySignal<Failure | null>;
  /** How many there are; null until it is known. */
  count(): number | null;
  at(place: number): JourneyRecord | undefined;
  /** It was not among what the windows before this had there. */
  isNew(record: JourneyRecord): boolean;
  /** The place of a record, among those held; -1 for none. */
  placeOf(id: string): number;
  /** Says what is looked at: `from` ≤ place < `until`. What is asked for is that, and nothing that was before. */
  look(from: number, until: number): void;
  /** The place of a record wherever it is; null where it does not match, or cannot be had. */
  find(id: string): Promise<number | null>;
  /** The next place from which on `test` holds; null where there is none within reach. */
  seek(from: number, test: (record: JourneyRecord, before: JourneyRecord | undefined) => boolean): Promise<number | null>;
  /** The first place from `from` on whose record matches `q` as well; null where there is none, or it cannot be had. */
  next(q: string, from: number): Promise<number | null>;
  retry(): void;
  /** Lets go of the windows before. */
  forget(): void;
  stop(): void;
}

type Ask = (excerpt: Omit<Excerpt, 'revision'>, signal: AbortSignal) => Promise<Answer<Run>>;

/** Records, and the place of each among all of the journey. */
type Window = Pick<Run, 'records' | 'places'>;

const SIZE = 200;
const HELD = 60; // windows of 200: what is scrolled past is let go
const AT_ONCE = 2;
const REACH = 50; // windows that seek() reads at most
const NEW_FOR_MS = 15_000;

/**
 * `first` are the records that are there from the start, `before` the windows that these take the place of: their records are
 * shown until these have their own.
 */
export function createRecordWindows(ask: Ask, options: {
  readonly count?: number;
  readonly first?: readonly JourneyRecord[];
  readonly before?: RecordWindows | undefined;
}): RecordWindows {
  const changed = signal(0);
  const failure = signal<Failure | null>(null);
  const windows = new Map<number, Window>();
  const asked = new Set<number>();
  const places = new Map<string, number>();
  let before = options.before;
  before?.forget();
  const known = knownIn(before);
  const stopped = new AbortController();
  let count = options.count ?? null;
  let wanted: number[] = [];
  const born = Date.now();

  const first = options.first ?? [];
  for (let from = 0; from < first.length; from += SIZE) {
    const run = first.slice(from, from + SIZE);
    if (run.length === SIZE || from + run.length === count) hold(from / SIZE, { records: run, places: run.map((_, i) => from + i) });
  }

  function hold(window: number, run: Window): void {
    windows.delete(window);
    windows.set(window, run);
    run.records.forEach((record, i) => {
      if (record.id !== '') places.set(record.id, window * SIZE + i);
    });
    for (const [old, its] of windows) {
      if (windows.size <= HELD) break;
      if (old === window || wanted.includes(old)) continue;
      windows.delete(old);
      for (const record of its.records) places.delete(record.id);
    }
  }

  async function load(window: number): Promise<boolean> {
    if (windows.has(window)) return true;
    asked.add(window);
    const answer = await settled(ask({ from: window * SIZE, limit: SIZE }, stopped.signal));
    asked.delete(window);
    if (answer === null) return false;
    if (answer.kind !== 'found') {
      failure.value = answer;
      return false;
    }
    failure.value = null;
    count = answer.value.count;
    hold(window, answer.value);
    changed.value += 1;
    return true;
  }

  function pump(): void {
    if (failure.peek() !== null || stopped.signal.aborted) return;
    if (wanted.length > 0 && wanted.every((window) => windows.has(window))) before = undefined;
    for (const window of wanted) {
      if (asked.size >= AT_ONCE) return;
      if (windows.has(window) || asked.has(window)) continue;
      void load(window).then(pump);
    }
  }

  const at = (place: number): JourneyRecord | undefined => windows.get(Math.floor(place / SIZE))?.records[place % SIZE];
  const self: RecordWindows = {
    changed,
    failure,
    count: () => count ?? before?.count() ?? null,
    at: (place) => at(place) ?? before?.at(place),
    isNew: (record) => known !== null && record.id !== '' && !known.has(record.id) && Date.now() - born < NEW_FOR_MS,
    placeOf: (id) => places.get(id) ?? -1,
    look(from, until) {
      wanted = [];
      for (let window = Math.floor(from / SIZE); window * SIZE < Math.min(until, count ?? until); window++) wanted.push(window);
      pump();
    },
    async find(id) {
      const held = places.get(id);
      if (held !== undefined) return held;
      const answer = await settled(ask({ around: id, limit: 1 }, stopped.signal));
      return answer?.kind === 'found' ? answer.value.at : null;
    },
    async seek(from, test) {
      for (let window = Math.floor(from / SIZE), read = 0; read < REACH && window * SIZE < (count ?? 0); window++, read++) {
        if (!(await load(window))) return null;
        for (let place = Math.max(from, window * SIZE); place < Math.min((window + 1) * SIZE, count ?? 0); place++) {
          const record = at(place);
          if (record !== undefined && test(record, at(place - 1))) return place;
        }
      }
      return null;
    },
    async next(q, from) {
      let behind = 0;
      if (from > 0) {
        const last = from - 1;
        if (!(await load(Math.floor(last / SIZE)))) return null;
        behind = (windows.get(Math.floor(last / SIZE))?.places[last % SIZE] ?? last) + 1;
      }
      const answer = await settled(ask({ q, behind, limit: 1 }, stopped.signal));
      const id = answer?.kind === 'found' ? answer.value.records[0]?.id : undefined;
      return id === undefined ? null : self.find(id);
    },
    retry() {
      failure.value = null;
      pump();
    },
    forget() {
      before = undefined;
    },
    stop() {
      stopped.abort();
    },
  };
  return self;
}

/** The IDs of all that windows had; null where they did not have all there was, so that nothing tells what is new. */
function knownIn(windows: RecordWindows | undefined): ReadonlySet<string> | null {
  const count = windows?.count() ?? null;
  if (windows === undefined || count === null || count > HELD * SIZE) return null;
  const ids = new Set<string>();
  for (let place = 0; place < count; place++) {
    const record = windows.at(place);
    if (record === undefined) return null;
    // What was new stays so for those who have not looked.
    if (!windows.isNew(record)) ids.add(record.id);
  }
  return ids;
}

/** Null where it was called off. */
async function settled<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch {
    return null;
  }
}
