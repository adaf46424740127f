import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const dist = new URL('../dist/', import.meta.url).pathname;
const testdata = new URL('../testdata/', import.meta.url).pathname;

/** What the real server sends with the page. */
const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; " +
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

export interface Asked {
  readonly id: string;
  readonly authorization: string | undefined;
  readonly at: number;
}

/** Answers one question; `null` breaks the connection, as a server that dies does. */
export type Journeys = (asked: Asked) => Reply | null | Promise<Reply | null>;

export interface FixtureServer {
  readonly url: string;
  readonly asked: Asked[];
  journeys: Journeys;
  close(): Promise<void>;
}

/** Serves the built page as Waybill does, and journeys as the test says. */
export async function startFixtureServer(journeys: Journeys): Promise<FixtureServer> {
  try {
    statSync(join(dist, 'index.html'));
  } catch {
    throw new Error('the page is not built: run "npm run build" first');
  }
  const server = createServer((request, response) => {
    void (async () => {
      const path = new URL(request.url ?? '/', 'http://localhost').pathname;
      const api = /^\/api\/v1\/journeys\/([^/]+)$/.exec(path);
      if (api === null) {
        serveFile(path, response);
        return;
      }
      const asked = { id: decodeURIComponent(api[1] ?? ''), authorization: request.headers.authorization, at: Date.now() };
      fixture.asked.push(asked);
      const reply = await fixture.journeys(asked);
      if (reply === null) {
        request.socket.destroy();
        return;
      }
      const type = reply.status < 400 ? 'application/json' : 'application/problem+json';
      response.writeHead(reply.status, { ...headers, 'Content-Type': type });
      response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body));
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const fixture: FixtureServer = {
    url: `http://127.0.0.1:${port}`,
    asked: [],
    journeys,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return fixture;
}

export function golden(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(testdata, `${name}.json`), 'utf8')) as Record<string, unknown>;
}

export function found(body: unknown): Reply {
  return { status: 200, body };
}

export function problem(status: number, detail: string): Reply {
  return { status, body: { type: 'about:blank', title: 'Problem', status, detail } };
}

function serveFile(path: string, response: ServerResponse): void {
  const served = path === '/' ? '/index.html' : path;
  if (served !== '/index.html' && served !== '/favicon.svg' && !served.startsWith('/assets/')) {
    response.writeHead(404, headers).end();
    return;
  }
  try {
    const body = readFileSync(join(dist, normalize(served)));
    response.writeHead(200, { ...headers, 'Content-Type': types[extname(served)] ?? 'application/octet-stream' }).end(body);
  } catch {
    response.writeHead(404, headers).end();
  }
}
