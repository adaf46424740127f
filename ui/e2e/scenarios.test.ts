import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { available, chromiumPath, launch, openPage } from './browser';
import { binary, startProcess } from './server';

const possible = [available('Chromium', chromiumPath() !== null), available('waybill binary (WAYBILL_BIN names none)', binary !== '')].every(Boolean);

/** What the page says of each scenario: the verdict, and what else can be read on it. */
const scenarios: readonly (readonly [name: string, verdict: RegExp, also: RegExp])[] = [
  ['withdrawn', /^(Returned|Failed)/, /withdrawn/],
  ['paused', /^Stalled/, /game/],
  ['errors', /^(Delivered|Returned)/, /retry\.game|game/],
  ['lost-header', /^(Unconfirmed|In transit|Delivered)/, /gateway/],
  ['skewed', /^Delivered/, /clock/i],
  ['slow', /^(Delivered|Unconfirmed|Failed)/, /reviews/],
  ['sick', /^(Delivered|Unconfirmed|Failed)/, /gateway/],
  ['refused', /^Failed/, /400/],
];

// Each scenario of the demo is played, and its journey read as a person reads it.
describe.runIf(possible)('what goes wrong in the demo', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  for (const [name, verdict, also] of scenarios) {
    it(`${name}: ${String(verdict)}`, { timeout: 150_000 }, async () => {
      const demo = startProcess('demo', ['-o', 'json', '--scenario', name], ['gateway', 'registry', 'bank', 'game']);
      try {
        const { url } = JSON.parse(await demo.firstLine()) as { url: string };
        const visit = await openPage(browser);
        await visit.page.goto(url);
        await expect.poll(() => visit.page.locator('#verdict').textContent(), { timeout: 60_000 }).toMatch(verdict);
        expect(await visit.page.locator('main').textContent()).toMatch(also);
        await visit.shoot(`scenario-${name}`);
        expect(visit.complaints).toEqual([]);
        await visit.close();
      } finally {
        await demo.stop();
      }
    });
  }
});
