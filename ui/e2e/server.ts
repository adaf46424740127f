import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The real binary, and what hands it journeys that are hard to tell; empty where there is none. */
export const binary = process.env['WAYBILL_BIN'] ?? '';
export const shipper = process.env['SHIP_BIN'] ?? '';

const listeners = ['query', 'kafka', 'collector', 'otlp-http', 'otlp-grpc'];

/** Settings of whoever runs the tests are not those of what is tested. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WAYBILL_')));
}

export interface Process {
  /** What it has written to stderr. */
  log(): string;
  /** The first line of stdout. */
  firstLine(): Promise<string>;
  /** The first group of what its log says; an error with the log where it ends, or has not said it in time. */
  says(pattern: RegExp): Promise<string>;
  /** Ends it in order, by its own pid, and removes its data. */
  stop(): Promise<void>;
}

/** Starts the binary on free ports of loopback, with a data folder of its own. `more` are the names of further listeners. */
export function startProcess(command: 'up' | 'demo', args: readonly string[] = [], more: readonly string[] = []): Process {
  const data = mkdtempSync(join(tmpdir(), 'waybill-e2e-'));
  const addresses = [...listeners, ...more].flatMap((part) => [`--${part}-addr`, '127.0.0.1:0']);
  const child = spawn(binary, [command, '--data', data, ...addresses, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: ownEnvironment() });
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      written[name] += chunk;
    });
  }
  const match = (name: 'stdout' | 'stderr', pattern: RegExp): Promise<string> => appears(child, name, () => pattern.exec(written[name])?.[1], () => written.stderr);
  return {
    log: () => written.stderr,
    firstLine: () => match('stdout', /^(.*)\n/),
    says: (pattern) => match('stderr', pattern),
    async stop() {
      await end(child);
      rmSync(data, { recursive: true, force: true });
    },
  };
}

function appears(child: ChildProcess, name: 'stdout' | 'stderr', look: () => string | undefined, log: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      const found = look();
      if (found === undefined && error === undefined) return;
      clearTimeout(late);
      child[name]?.off('data', onData);
      child.off('exit', onExit);
      if (found === undefined) reject(error);
      else resolve(found);
    };
    const onData = (): void => settle();
    const onExit = (code: number | null): void => settle(new Error(`waybill ended (${code ?? 'by a signal'}); its log:\n${log()}`));
    const late = setTimeout(() => settle(new Error(`waybill has not said what was awaited for 90 s; its log:\n${log()}`)), 90_000);
    child[name]?.on('data', onData);
    child.on('exit', onExit);
    child.once('error', settle);
    settle();
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
  });
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(late);
}

export interface Server {
  /** Of the page and the API. */
  readonly url: string;
  readonly kafka: string;
  log(): string;
  /** Takes in lines of NDJSON, each as its bytes are; an error where one is refused. */
  take(lines: readonly (string | Buffer)[]): Promise<void>;
  /** Ships a journey that is hard to tell, as services do, with ledgers. */
  ship(...args: readonly string[]): Promise<Shipped[]>;
  /** Waits until a journey has so many records, and all that was shipped before is known. */
  stored(id: string, records: number): Promise<void>;
  stop(): Promise<void>;
}

export interface Shipped {
  readonly correlation_id: string;
  readonly records: number;
  readonly hops: number;
  readonly lost: number;
}

/** `waybill up`, with everything embedded. */
export async function startServer(args: readonly string[] = []): Promise<Server> {
  const up = startProcess('up', args);
  try {
    const kafka = await up.says(/collector is running.* brokers=\[([^\]]+)/);
    const intake = await up.says(/collector is running.* admin=(\S+)/);
    const url = await up.says(/query is running.* url=(\S+)/);
    return { url, kafka, log: up.log, stop: up.stop, take: (lines) => take(intake, lines), ship: (...given) => ship(kafka, given), stored: (id, records) => stored(url, id, records) };
  } catch (error) {
    await up.stop();
    throw error;
  }
}

const mostBytes = 8 << 20; // of one request

async function take(intake: string, lines: readonly (string | Buffer)[]): Promise<void> {
  let batch: Buffer[] = [];
  let size = 0;
  const post = async (): Promise<void> => {
    const body = Buffer.concat(batch);
    [batch, size] = [[], 0];
    const response = await fetch(`${intake}/api/v1/records`, { method: 'POST', headers: { 'Content-Type': 'application/x-ndjson' }, body });
    const answer = await response.text();
    if (!response.ok || !answer.includes('"refused_count":0')) throw new Error(`the intake answers ${response.status}: ${answer.slice(0, 2000)}`);
  };
  for (const line of lines) {
    const bytes = Buffer.concat([typeof line === 'string' ? Buffer.from(line) : line, Buffer.from('\n')]);
    if (size + bytes.length > mostBytes) await post();
    batch.push(bytes);
    size += bytes.length;
  }
  if (size > 0) await post();
}

async function ship(kafka: string, args: readonly string[]): Promise<Shipped[]> {
  const { stdout } = await promisify(execFile)(shipper, ['--kafka', kafka, ...args]);
  return stdout.trim().split('\n').map((line) => JSON.parse(line) as Shipped);
}

async function stored(url: string, id: string, records: number): Promise<void> {
  const since = Date.now();
  for (let last = ''; ; ) {
    const response = await fetch(`${url}/api/v1/journeys/${encodeURIComponent(id)}?records=0,1`);
    last = await response.text();
    if (response.ok) {
      const journey = JSON.parse(last) as { record_count: number; as_of: string | null };
      if (journey.record_count === records && Date.parse(journey.as_of ?? '') > since) return;
      last = `${journey.record_count} records, as of ${journey.as_of}`;
    }
    if (Date.now() - since > 120_000) throw new Error(`${id} is not stored with ${records} records within two minutes: ${last.slice(0, 500)}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
}
