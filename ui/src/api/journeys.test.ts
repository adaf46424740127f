import { afterEach, describe, expect, it, vi } from 'vitest';
import delivered from '../../testdata/delivered.json';
import { fetchJourney } from './journeys';

afterEach(() => {
  vi.unstubAllGlobals();
});

const never = new AbortController().signal;

function answering(status: number, body: string) {
  const fake = vi.fn<typeof fetch>(() => Promise.resolve(new Response(body, { status })));
  vi.stubGlobal('fetch', fake);
  return fake;
}

const problem = (status: number, detail: string) => JSON.stringify({ type: 'about:blank', title: 'x', status, detail });

describe('fetchJourney', () => {
  it('asks for the ID, percent-encoded, without a token', async () => {
    const fake = answering(200, JSON.stringify(delivered));
    const answer = await fetchJourney('a/b?c#d%', null, never);
    expect(answer.kind).toBe('found');
    expect(fake.mock.calls[0]?.[0]).toBe('/api/v1/journeys/a%2Fb%3Fc%23d%25');
    expect(new Headers(fake.mock.calls[0]?.[1]?.headers).get('Authorization')).toBeNull();
  });

  it('sends the token', async () => {
    const fake = answering(200, JSON.stringify(delivered));
    await fetchJourney('abc', 's3cret', never);
    expect(new Headers(fake.mock.calls[0]?.[1]?.headers).get('Authorization')).toBe('Bearer s3cret');
  });

  const answers = (name: string, status: number, body: string, token: string | null, want: unknown) =>
    it(name, async () => {
      answering(status, body);
      expect(await fetchJourney('abc', token, never)).toEqual(want);
    });

  answers('not found', 404, problem(404, 'no journey abc'), null, { kind: 'not_found', detail: 'no journey abc' });
  answers('bad ID', 400, problem(400, 'too long'), null, { kind: 'bad_id', detail: 'too long' });
  answers('token wanted', 401, problem(401, 'no token'), null, { kind: 'unauthorized', detail: 'no token', refused: false });
  answers('token refused', 401, problem(401, 'bad token'), 'x', { kind: 'unauthorized', detail: 'bad token', refused: true });
  answers('not allowed', 403, problem(403, 'not yours'), 'x', { kind: 'forbidden', detail: 'not yours' });
  answers('several journeys', 409, JSON.stringify({ detail: 'ask for one of them', candidates: ['Ab', 'aB', 7] }), null, {
    kind: 'ambiguous', detail: 'ask for one of them', candidates: ['Ab', 'aB'],
  });
  answers('server error', 500, problem(500, 'internal error'), null, { kind: 'server_error', detail: 'internal error', status: 500 });
  answers('a proxy in between', 502, '<html>Bad Gateway</html>', null, { kind: 'server_error', detail: '', status: 502 });
  answers('a page instead of JSON', 200, '<html>Sign in</html>', null, { kind: 'not_understood', detail: expect.any(String) as string });
  answers('another API', 200, '{"verdict":"lost"}', null, { kind: 'not_understood', detail: expect.any(String) as string });

  it('is unreachable where nobody answers', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
    expect(await fetchJourney('abc', null, never)).toEqual({ kind: 'unreachable' });
  });

  it('is unreachable where the answer breaks off', async () => {
    const broken = new ReadableStream({ start: (controller) => controller.error(new TypeError('network error')) });
    vi.stubGlobal('fetch', () => Promise.resolve(new Response(broken)));
    expect(await fetchJourney('abc', null, never)).toEqual({ kind: 'unreachable' });
  });

  it('rejects when called off', async () => {
    const off = new AbortController();
    vi.stubGlobal('fetch', (_: string, init: RequestInit) => new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(new Error('aborted')))));
    const asked = fetchJourney('abc', null, off.signal);
    off.abort();
    await expect(asked).rejects.toThrow();
  });
});
