import { expect, it } from 'vitest';
import { createTokenStore, isToken } from './token';

function storage(): Storage {
  const kept = new Map<string, string>();
  return {
    length: 0, key: () => null, clear: () => kept.clear(), removeItem: (key) => void kept.delete(key),
    getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value),
  };
}

it('keeps the token in the tab’s storage', () => {
  const tab = storage();
  createTokenStore(() => tab).set('s3cret');
  expect(createTokenStore(() => tab).get()).toBe('s3cret');
});

it('keeps it in memory where there is no storage', () => {
  const tokens = createTokenStore(() => {
    throw new DOMException('denied', 'SecurityError');
  });
  expect(tokens.get()).toBeNull();
  tokens.set('s3cret');
  expect(tokens.get()).toBe('s3cret');
});

it('takes only what fits in a header', () =>
  expect(['abc', 'a.b-c_d~+/=', '', 'a b', 'a\nb', 'käse'].map(isToken)).toEqual([true, true, false, false, false, false]));
