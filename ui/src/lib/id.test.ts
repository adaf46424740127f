import { describe, expect, it } from 'vitest';
import { idInSearch, readId, searchForId, shortForm } from './id';

const ID = '019a9f3c5b7e4d218c60aa52f19e03b7';

describe('readId', () => {
  const reads = (name: string, entered: string, want: ReturnType<typeof readId>) =>
    it(name, () => expect(readId(entered)).toEqual(want));

  reads('takes an ID', ID, { id: ID });
  reads('trims what came along', `  ${ID}\n`, { id: ID });
  reads('keeps the spelling', '019A9F3C-5B7E', { id: '019A9F3C-5B7E' });
  reads('takes a header', `X-Correlation-ID: ${ID}`, { id: ID });
  reads('takes a traceparent header', `traceparent: 00-${ID}-00f067aa0ba902b7-01`, { id: `00-${ID}-00f067aa0ba902b7-01` });
  reads('takes a JSON value', `"${ID}",`, { id: ID });
  reads('takes a JSON field', `"correlation.id": "${ID}",`, { id: ID });
  reads('takes the address of a page', `http://127.0.0.1:7600/?id=${ID}#hop-2`, { id: ID });
  reads('keeps an address that names no ID', 'http://shop/1', { id: 'http://shop/1' });
  reads('keeps a lone quote', '"abc', { id: '"abc' });
  reads('takes 2048 characters', 'x'.repeat(2048), { id: 'x'.repeat(2048) });
  reads('takes an order number with a space', 'order 17', { id: 'order 17' });
  reads('takes what is not ASCII', '訂單-17', { id: '訂單-17' });

  reads('refuses nothing', '   ', { fault: 'empty' });
  reads('refuses 2049 characters', 'x'.repeat(2049), { fault: 'too_long' });
  reads('refuses a line break inside', 'a\nb', { fault: 'bad_character' });
  reads('refuses a dot', '.', { fault: 'dots' });
  reads('refuses two dots', '..', { fault: 'dots' });
  reads('takes three dots', '...', { id: '...' });
});

describe('the address', () => {
  for (const id of [ID, 'a+b&c=d', '100%', 'a/b?c#d', '"<>']) {
    it(`holds ${id}`, () => expect(idInSearch(searchForId(id))).toBe(id));
  }
  it('may name none', () => expect(idInSearch('')).toBeNull());
  it('may name an empty one', () => expect(idInSearch('?id=')).toBeNull());
});

describe('shortForm', () => {
  it('is the last 8 characters', () => expect(shortForm(ID)).toBe('f19e03b7'));
  it('is all of a shorter one', () => expect(shortForm('abc')).toBe('abc'));
});
