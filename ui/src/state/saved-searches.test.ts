import { expect, it } from 'vitest';
import { openSavedSearches } from './saved-searches';

const storage = (first: string) => {
  const kept = new Map([['waybill.searches', first]]);
  return () => ({ getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value) }) as unknown as Storage;
};
const stalled = { name: 'Stalled', q: 'verdict:stalled', as: 'journeys' };

it('keeps searches, the latest first, one of a name', () => {
  const tab = storage('[]');
  const searches = openSavedSearches(tab);
  searches.save(stalled);
  searches.save({ name: 'Errors', q: 'level:error', as: 'records' });
  searches.save({ ...stalled, q: 'verdict:stalled visited:bank' });
  expect(openSavedSearches(tab).list.value.map(({ name, q }) => [name, q])).toEqual([['Stalled', 'verdict:stalled visited:bank'], ['Errors', 'level:error']]);
  searches.remove('Stalled');
  expect(openSavedSearches(tab).list.value.map(({ name }) => name)).toEqual(['Errors']);
});

it('reads nothing out of what is no list of searches', () => {
  for (const broken of ['{', '{"a":1}', '[1, {"name":"x"}]']) expect(openSavedSearches(storage(broken)).list.value).toEqual([]);
});

it('holds them where there is no storage', () => {
  const searches = openSavedSearches(() => {
    throw new DOMException('denied', 'SecurityError');
  });
  searches.save(stalled);
  expect(searches.list.value).toEqual([stalled]);
});
