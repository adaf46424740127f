import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { available, chromiumPath, launch, openPage, statusNoise } from './browser';
import type { Visit } from './browser';
import { binary, shipper, startServer } from './server';
import type { Server, Shipped } from './server';

const possible = [
  available('Chromium', chromiumPath() !== null),
  available('waybill binary (WAYBILL_BIN names none)', binary !== ''),
  available('binary of journey/journeytest/ship (SHIP_BIN names none)', shipper !== ''),
].every(Boolean);

// Journeys that have at once all that makes one hard to show, shipped to the real binary as services ship.
describe.runIf(possible)('the worst journey', () => {
  let browser: Browser;
  let server: Server;
  let worst: Shipped;
  let equal: Shipped[];
  let visit: Visit;

  beforeAll(async () => {
    server = await startServer();
    const [shipped] = await server.ship('--records', '3000', 'worst');
    if (shipped === undefined) throw new Error('nothing was shipped');
    worst = shipped;
    equal = await server.ship('equal-keys');
    for (const one of [worst, ...equal]) await server.stored(one.correlation_id, one.records);
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });
  afterEach(async () => {
    await visit?.close();
  });

  for (const width of [1280, 360]) {
    it(`is told in every view at ${width} px`, async () => {
      visit = await openPage(browser, { viewport: { width, height: 900 } });
      const { page, complaints } = visit;
      for (const view of ['parcel', 'timeline', 'records']) {
        await page.goto(`${server.url}/?id=${worst.correlation_id}&view=${view}`);
        await page.locator('#verdict', { hasText: 'Stalled' }).waitFor();
        await page.getByText('courier').first().waitFor();
        expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), view).toBe(0);
      }
      expect(complaints).toEqual([]);
      await visit.shoot(`worst-${width}`);
    });
  }

  it('is told with how far it is known, where a collector is ten minutes behind', async () => {
    visit = await openPage(browser);
    const { page, complaints } = visit;
    const horizon = new Date(Date.now() - 600_000);
    await page.route(`**/api/v1/journeys/${worst.correlation_id}?*`, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json() as object), as_of: horizon.toISOString() } });
    });
    await page.goto(`${server.url}/?id=${worst.correlation_id}`);
    await page.locator('#verdict').waitFor();
    await page.locator('main').getByText(horizon.toLocaleTimeString('en-GB', { timeZone: 'Europe/Berlin' })).first().waitFor();
    expect(complaints).toEqual([]);
  });

  it('is not taken for another whose ID differs in case only', async () => {
    visit = await openPage(browser, { tolerated: statusNoise(409) });
    const { page, complaints } = visit;
    const [first] = equal;
    const id = first?.correlation_id ?? '';
    await page.goto(`${server.url}/?id=${id.replace('Order', 'ORDER')}`);
    for (const one of equal) await page.locator('main').getByText(one.correlation_id, { exact: true }).waitFor();
    await page.locator('main').getByText(id, { exact: true }).click();
    await page.locator('#verdict').waitFor();
    expect(await page.locator('#correlation-id').textContent()).toBe(id);
    expect(complaints).toEqual([]);
  });
});
