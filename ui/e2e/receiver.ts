import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a receiver was told. */
export interface Told {
  readonly path: string;
  readonly id: string | undefined;
  readonly type: string;
}

export interface Receiver {
  readonly url: string;
  readonly told: Told[];
  /** What it answers, by path; 200 where nothing is said. */
  readonly answers: Map<string, number>;
  close(): Promise<void>;
}

/** A webhook's other end, on loopback. */
export async function startReceiver(): Promise<Receiver> {
  const [told, answers] = [[] as Told[], new Map<string, number>()];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const path = request.url ?? '';
      const id = request.headers['webhook-id'];
      told.push({ path, id: typeof id === 'string' ? id : undefined, type: (JSON.parse(body) as { type: string }).type });
      const status = answers.get(path) ?? 200;
      response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(status < 300 ? 'taken, thank you' : '<b>nobody</b> lives here');
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told,
    answers,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
