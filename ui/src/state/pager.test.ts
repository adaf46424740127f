import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { failure } from '../api/client';
import type { Answer } from '../api/client';
import { createPager } from './pager';
import type { PageOf } from './pager';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const page = (items: number[], next: string): Answer<PageOf<number>> => ({ kind: 'found', value: { items, next, partial: false }, asOf: null });
const settle = () => vi.advanceTimersByTimeAsync(0);

it('goes on behind the page before, until nothing is left', async () => {
  const asked: string[] = [];
  const pager = createPager<number>(100);
  pager.start((cursor) => {
    asked.push(cursor);
    return Promise.resolve(cursor === '' ? page([1, 2], 'two') : page([3], ''));
  });
  await settle();
  expect(pager.listing.value).toMatchObject({ items: [1, 2], phase: 'idle' });
  pager.more();
  pager.more();
  await settle();
  expect(pager.listing.value).toMatchObject({ items: [1, 2, 3], phase: 'end' });
  pager.more();
  await settle();
  expect(asked).toEqual(['', 'two']);
});

it('keeps no more than it may', async () => {
  const pager = createPager<number>(3);
  pager.start((cursor) => Promise.resolve(page([1, 2], `${cursor}+`)));
  await settle();
  pager.more();
  await settle();
  expect(pager.listing.value).toMatchObject({ items: [1, 2, 1, 2], phase: 'full' });
  pager.more();
  await settle();
  expect(pager.listing.value.items).toHaveLength(4);
});

it('keeps what is there while the server is away, and goes on where it was', async () => {
  const answers = [page([1], 'two'), failure('unreachable', {}), failure('unreachable', {}), page([2], '')];
  const asked: string[] = [];
  const pager = createPager<number>(100);
  pager.start((cursor) => {
    asked.push(cursor);
    return Promise.resolve(answers[asked.length - 1] ?? page([], ''));
  });
  await settle();
  pager.more();
  await settle();
  expect(pager.listing.value).toMatchObject({ items: [1], phase: 'failed' });
  await vi.advanceTimersByTimeAsync(1000 + 2000);
  expect(pager.listing.value).toMatchObject({ items: [1, 2], phase: 'end', failure: null });
  expect(asked).toEqual(['', 'two', 'two', 'two']);
});

it('forgets an answer that came too late', async () => {
  const pager = createPager<number>(100);
  let late: (answer: Answer<PageOf<number>>) => void = () => undefined;
  pager.start(() => new Promise((resolve) => { late = resolve; }));
  pager.start(() => Promise.resolve(page([7], '')));
  late(page([1], ''));
  await settle();
  expect(pager.listing.value.items).toEqual([7]);
});
