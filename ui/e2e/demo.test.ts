import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { available, chromiumPath, launch, openPage, statusNoise } from './browser';

const binary = process.env['WAYBILL_BIN'] ?? '';
const listeners = ['query', 'gateway', 'registry', 'bank', 'game', 'kafka', 'collector', 'otlp-http', 'otlp-grpc'].flatMap((part) => [`--${part}-addr`, '127.0.0.1:0']);

interface FirstLook {
  readonly correlation_id: string;
  readonly verdict: string;
  readonly url: string;
}

const possible = [available('Chromium', chromiumPath() !== null), available('waybill binary (WAYBILL_BIN names none)', binary !== '')].every(Boolean);

// The real page, served by the real binary, of a purchase that the demo services really made.
describe.runIf(possible)('a running demo', () => {
  let browser: Browser;
  let demo: ChildProcess;
  let data: string;
  let log = '';
  let look: FirstLook;

  beforeAll(async () => {
    data = mkdtempSync(join(tmpdir(), 'waybill-e2e-'));
    demo = spawn(binary, ['demo', '-o', 'json', '--data', data, ...listeners], { stdio: ['ignore', 'pipe', 'pipe'] });
    demo.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    look = await firstLook(demo, () => log);
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
    if (demo !== undefined && demo.exitCode === null && demo.signalCode === null) {
      const ended = new Promise((resolve) => {
        demo.once('exit', resolve);
      });
      demo.kill('SIGTERM');
      const late = setTimeout(() => demo.kill('SIGKILL'), 15_000);
      await ended;
      clearTimeout(late);
    }
    rmSync(data, { recursive: true, force: true });
  });

  it('shows the first purchase to someone who has its tracking number', async () => {
    const visit = await openPage(browser, { tolerated: statusNoise(404) });
    const { page } = visit;
    await page.goto(new URL('/', look.url).href);
    await page.getByRole('textbox', { name: 'Tracking number' }).fill(look.correlation_id);
    await page.getByRole('button', { name: 'Track' }).click();

    await page.locator('#verdict', { hasText: 'Delivered' }).waitFor();
    expect(new URL(page.url()).searchParams.get('id')).toBe(look.correlation_id);
    expect(await page.locator('#correlation-id').textContent()).toBe(look.correlation_id);
    const services = await page.locator('.hop h3 > bdi').allTextContents();
    expect(services).toEqual(expect.arrayContaining(['gateway', 'bank', 'game']));
    const queued = await page.locator('.leg[data-transport="kafka"] .leg-words').allInnerTexts();
    expect(queued.length).toBeGreaterThanOrEqual(2);
    for (const words of queued) expect(words.replaceAll(/\s+/g, ' ')).toMatch(/^Kafka \S+ · .*partition \d+ · offset \d+ · waited .+ in the queue/);
    await visit.shoot('demo');

    await page.getByRole('textbox', { name: 'Tracking number' }).fill('0000000000000000000000000000dead');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'No journey found' }).waitFor();
    await visit.shoot('demo-not-found');
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('shows it at the address that the demo printed', async () => {
    expect(look.verdict).toBe('delivered');
    const visit = await openPage(browser);
    await visit.page.goto(look.url);
    await visit.page.locator('#verdict', { hasText: 'Delivered' }).waitFor();
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });
});

/** The one line on stdout; an error with the log where the process ends, or says nothing, before it. */
function firstLook(demo: ChildProcess, log: () => string): Promise<FirstLook> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const late = setTimeout(() => reject(new Error(`the demo printed nothing for 90 s; its log:\n${log()}`)), 90_000);
    demo.once('error', reject);
    demo.once('exit', (code, signal) => reject(new Error(`the demo ended (${code ?? signal}); its log:\n${log()}`)));
    demo.stdout?.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      const end = printed.indexOf('\n');
      if (end < 0) return;
      clearTimeout(late);
      try {
        resolve(JSON.parse(printed.slice(0, end)) as FirstLook);
      } catch {
        reject(new Error(`the demo printed no JSON: ${printed.slice(0, end)}`));
      }
    });
  });
}
