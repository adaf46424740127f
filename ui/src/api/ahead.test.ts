import { describe, expect, it } from 'vitest';
import { readRoute } from '../lib/route';
import { askAhead } from './ahead';
import { createClient } from './client';
import { fetchJourney } from './journeys';

const none = new AbortController().signal;

/** What was asked, and answers that say which of them they are. */
function server() {
  const asked: { url: string; init: RequestInit }[] = [];
  const fetcher = async (url: string, init: RequestInit): Promise<Response> => {
    asked.push({ url, init });
    return Response.json({ correlation_id: `answer ${asked.length}`, verdict: 'delivered', completeness: 'unproved' });
  };
  return { asked, fetcher };
}

function journeyOf(fetcher: ReturnType<typeof askAhead>, id: string, token: string | null, signal = none) {
  return fetchJourney(createClient(() => token, () => null, fetcher), id, signal);
}

describe('what is asked ahead', () => {
  it('is the first answer that the page gets', async () => {
    const { asked, fetcher } = server();
    const ahead = askAhead(readRoute('/', '?id=a%2Fb&view=timeline'), 'secret', fetcher);
    expect(asked).toHaveLength(1);
    expect(await journeyOf(ahead, 'a/b', 'secret')).toMatchObject({ value: { correlationId: 'answer 1' } });
    expect(asked).toHaveLength(1);
    expect(await journeyOf(ahead, 'a/b', 'secret')).toMatchObject({ value: { correlationId: 'answer 2' } });
    expect(asked[1]).toMatchObject({ url: asked[0]?.url });
  });

  it('is not the answer to another question, nor to another asker', async () => {
    for (const [id, token] of [['b', null], ['a', 'another']] as const) {
      const { asked, fetcher } = server();
      const ahead = askAhead(readRoute('/', '?id=a'), null, fetcher);
      expect(await journeyOf(ahead, id, token)).toMatchObject({ value: { correlationId: 'answer 2' } });
      expect(asked).toHaveLength(2);
    }
  });

  it('is nothing where the address names no journey', () => {
    for (const [path, search] of [['/', ''], ['/', '?id=..'], ['/search', '?id=a']] as const) {
      const { asked, fetcher } = server();
      expect(askAhead(readRoute(path, search), null, fetcher)).toBe(fetcher);
      expect(asked).toEqual([]);
    }
  });

  it('is called off with the question that took it', async () => {
    let signal: AbortSignal | undefined | null;
    const ahead = askAhead(readRoute('/', '?id=a'), null, (_, init) => {
      signal = init.signal;
      return new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('called off')));
      });
    });
    const asking = new AbortController();
    const answer = journeyOf(ahead, 'a', null, asking.signal);
    asking.abort();
    await expect(answer).rejects.toThrow();
    expect(signal?.aborted).toBe(true);
  });
});
