import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { available, chromiumPath, launch, openPage, statusNoise } from './browser';
import { binary, startProcess } from './server';
import type { Process } from './server';

interface FirstLook {
  readonly correlation_id: string;
  readonly verdict: string;
  readonly url: string;
}

const possible = [available('Chromium', chromiumPath() !== null), available('waybill binary (WAYBILL_BIN names none)', binary !== '')].every(Boolean);

// The real page, served by the real binary, of a purchase that the demo services really made.
describe.runIf(possible)('a running demo', () => {
  let browser: Browser;
  let demo: Process;
  let look: FirstLook;

  beforeAll(async () => {
    demo = startProcess('demo', ['-o', 'json'], ['gateway', 'registry', 'bank', 'game']);
    look = JSON.parse(await demo.firstLine()) as FirstLook;
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
    await demo?.stop();
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
    const services = await page.locator('.hop h3 .service bdi').allTextContents();
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
