import { afterEach, describe, expect, it, vi } from 'vitest';
import { failure } from '../api/client';
import type { Answer } from '../api/client';
import type { Excerpt, Run } from '../api/journeys';
import { parseRecord } from '../lib/record';
import type { JourneyRecord } from '../lib/journey';
import { createRecordWindows } from './record-windows';

const record = (n: number): JourneyRecord => parseRecord({ 'event.id': `n-${n}`, 'event.sequence': n, 'log.level': n % 1000 === 999 ? 'error' : 'info', message: `m ${n}` });
const records = (from: number, until: number): JourneyRecord[] => Array.from({ length: Math.max(0, until - from) }, (_, i) => record(from + i));

type Asked = Omit<Excerpt, 'revision'>;

/** Answers as a server that has `count` records, once `let` is called; until then it holds back. */
function server(count: number) {
  const asked: Asked[] = [];
  const held: (() => void)[] = [];
  return {
    asked,
    letGo: async () => {
      await vi.advanceTimersByTimeAsync(0);
      held.splice(0).forEach((go) => go());
      await vi.advanceTimersByTimeAsync(0);
    },
    ask: (excerpt: Asked, signal: AbortSignal) =>
      new Promise<Answer<Run>>((resolve, reject) => {
        asked.push(excerpt);
        signal.addEventListener('abort', () => reject(signal.reason as Error));
        held.push(() => {
          const at = excerpt.around === undefined ? null : Number(excerpt.around.slice(2));
          // Of a query it has every thousandth, beginning with 999.
          const from = at ?? (excerpt.q === undefined ? (excerpt.from ?? 0) : Math.ceil(((excerpt.behind ?? 0) + 1) / 1000) * 1000 - 1);
          const until = Math.min(count, from + excerpt.limit);
          resolve({ kind: 'found', asOf: null, value: { count, from, at, records: records(from, until), places: records(from, until).map((_, i) => from + i) } });
        });
      }),
  };
}

vi.useFakeTimers();
afterEach(() => vi.clearAllTimers());

describe('record windows', () => {
  it('ask for nothing that is there from the start', async () => {
    const { ask, asked } = server(3);
    const windows = createRecordWindows(ask, { count: 3, first: records(0, 3) });
    windows.look(0, 30);
    expect([asked, windows.count(), windows.at(2)?.message, windows.at(3)]).toEqual([[], 3, 'm 2', undefined]);
  });

  it('ask for what is looked at, two at once, and forget what was looked at before', async () => {
    const { ask, asked, letGo } = server(100_000);
    const windows = createRecordWindows(ask, { count: 100_000, first: records(0, 200) });
    windows.look(390, 1010);
    expect(asked.map(({ from }) => from)).toEqual([200, 400]);
    windows.look(50_000, 50_040);
    await letGo();
    expect(asked.map(({ from }) => from)).toEqual([200, 400, 50_000]);
    await letGo();
    expect([windows.at(50_003)?.message, windows.at(700), windows.changed.value]).toEqual(['m 50003', undefined, 3]);
  });

  it('hold a bounded number of records', async () => {
    const { ask, letGo } = server(100_000);
    const windows = createRecordWindows(ask, { count: 100_000 });
    for (let from = 0; from < 100_000; from += 200) {
      windows.look(from, from + 1);
      await letGo();
    }
    const held = Array.from({ length: 500 }, (_, i) => windows.at(i * 200)).filter((one) => one !== undefined);
    expect(held.length).toBe(60);
    expect([windows.placeOf('n-99999'), windows.placeOf('n-0')]).toEqual([99_999, -1]);
  });

  it('go on after a failure when they are told to', async () => {
    let away = true;
    const { ask, asked, letGo } = server(1000);
    const windows = createRecordWindows((excerpt, signal) => (away ? Promise.resolve(failure('unreachable', {})) : ask(excerpt, signal)), { count: 1000 });
    windows.look(0, 10);
    await vi.advanceTimersByTimeAsync(0);
    expect(windows.failure.value?.kind).toBe('unreachable');
    windows.look(0, 20);
    away = false;
    expect(asked).toEqual([]);
    windows.retry();
    await letGo();
    expect([windows.failure.value, windows.at(5)?.message]).toEqual([null, 'm 5']);
  });

  it('find a record wherever it is', async () => {
    const { ask, asked, letGo } = server(1000);
    const windows = createRecordWindows(ask, { count: 1000, first: records(0, 200) });
    expect(await windows.find('n-7')).toBe(7);
    const far = windows.find('n-777');
    await letGo();
    expect([await far, asked]).toEqual([777, [{ around: 'n-777', limit: 1 }]]);
  });

  it('seek through windows that are not there yet', async () => {
    const { ask, letGo } = server(1400);
    const windows = createRecordWindows(ask, { count: 1400, first: records(0, 200) });
    const sought = windows.seek(5, ({ level }) => level === 'error');
    for (let i = 0; i < 6; i++) await letGo();
    expect(await sought).toBe(999);
  });

  it('go to the next that matches, however far', async () => {
    const { ask, asked, letGo } = server(100_000);
    const windows = createRecordWindows(ask, { count: 100_000, first: records(0, 200) });
    const next = windows.next('level>=error', 100);
    await letGo();
    await letGo();
    expect([await next, asked]).toEqual([999, [{ q: 'level>=error', behind: 100, limit: 1 }, { around: 'n-999', limit: 1 }]]);
  });

  it('show the records of those before until they have their own, and tell what is new', async () => {
    const { ask, letGo } = server(401);
    const old = createRecordWindows(ask, { count: 400, first: records(0, 400) });
    const windows = createRecordWindows(ask, { count: 401, first: records(0, 200), before: old });
    windows.look(200, 240);
    expect(windows.at(201)?.message).toBe('m 201');
    await letGo();
    windows.look(400, 401);
    await letGo();
    expect([200, 400].map((place) => windows.isNew(windows.at(place) ?? record(0)))).toEqual([false, true]);
    vi.setSystemTime(Date.now() + 20_000);
    expect(windows.isNew(record(400))).toBe(false);
  });

  it('ask nothing once they are stopped', async () => {
    const { ask, asked } = server(1000);
    const windows = createRecordWindows(ask, { count: 1000 });
    windows.look(0, 10);
    windows.stop();
    await vi.advanceTimersByTimeAsync(0);
    windows.look(400, 410);
    expect(asked).toHaveLength(1);
    expect(windows.failure.value).toBeNull();
  });
});
