import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Answer, Client } from '../api/client';
import { failure } from '../api/client';
import { createTail } from './tail';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A server whose tail is written by hand: `send` writes to the connection that is open, `cut` ends it. */
function server(...refusals: Answer<Response>[]) {
  const opened: { q: unknown; last: string | undefined }[] = [];
  let stream: ReadableStreamDefaultController<Uint8Array>;
  const client = {
    open: (_: string, params: { q: string }, headers: Record<string, string>) => {
      opened.push({ q: params.q, last: headers['Last-Event-ID'] });
      const refused = refusals.shift();
      if (refused !== undefined) return Promise.resolve(refused);
      const body = new ReadableStream<Uint8Array>({ start: (controller) => { stream = controller; } });
      return Promise.resolve({ kind: 'found', value: new Response(body), asOf: null });
    },
  } as unknown as Client;
  const bytes = new TextEncoder();
  return {
    client, opened,
    send: (id: string, event: string, data: string) => stream.enqueue(bytes.encode(`id: ${id}\nevent: ${event}\ndata: ${data}\n\n`)),
    cut: () => stream.close(),
  };
}

const settle = () => vi.advanceTimersByTimeAsync(200);

it('keeps records in the order they come, and what they were counted as', async () => {
  const { client, send } = server();
  const tail = createTail(client);
  tail.follow('service:bank');
  await settle();
  send('a', 'record', '{"message":"one"}');
  send('b', 'record', '{"message":"two"}');
  send('b', 'receipt', '{"matched":3,"shown":2,"skipped":1}');
  send('c', 'gap', '{"partition":1,"from":4,"until":9}');
  await settle();
  expect(tail.state.value).toMatchObject({ phase: 'live', first: 0, next: 2, receipt: { matched: 3, shown: 2, skipped: 1 }, gaps: [{ partition: 1, from: 4, until: 9 }] });
  expect(tail.at(1)?.raw).toBe('{"message":"two"}');
});

it('goes on behind the last event after a cut, and counts on', async () => {
  const { client, opened, send, cut } = server();
  const tail = createTail(client);
  tail.follow('x');
  await settle();
  send('a', 'record', '{}');
  send('a', 'receipt', '{"matched":1,"shown":1,"skipped":0}');
  await settle();
  cut();
  await settle();
  expect(tail.state.value.phase).toBe('away');
  await vi.advanceTimersByTimeAsync(1000);
  send('b', 'record', '{}');
  send('b', 'receipt', '{"matched":2,"shown":1,"skipped":1}');
  await settle();
  expect(opened).toEqual([{ q: 'x', last: undefined }, { q: 'x', last: 'a' }]);
  expect(tail.state.value).toMatchObject({ phase: 'live', next: 2, receipt: { matched: 3, shown: 2, skipped: 1 } });
});

it('stays away from a server that refuses the query, and says why', async () => {
  const { client, opened } = server(failure('invalid', { detail: 'no field "foo"' }));
  const tail = createTail(client);
  tail.follow('foo:bar');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(opened).toHaveLength(1);
  expect(tail.state.value).toMatchObject({ phase: 'failed', failure: { detail: 'no field "foo"' } });
});

it('backs off while there is no server', async () => {
  const { client, opened } = server(failure('unreachable', {}), failure('unreachable', {}));
  const tail = createTail(client);
  tail.follow('');
  await settle();
  expect(tail.state.value.phase).toBe('away');
  await vi.advanceTimersByTimeAsync(1000 + 2000);
  expect(opened).toHaveLength(3);
  expect(tail.state.value.phase).toBe('live');
});

it('begins anew with another filter', async () => {
  const { client, send } = server();
  const tail = createTail(client);
  tail.follow('a');
  await settle();
  send('1', 'record', '{}');
  await settle();
  tail.follow('b');
  await settle();
  expect(tail.state.value).toMatchObject({ first: 0, next: 0, receipt: { matched: 0 } });
});
