import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serious } from './axe';
import { available, chromiumPath, launch, openPage } from './browser';
import { binary, startProcess } from './server';
import type { Process } from './server';

const possible = [available('Chromium', chromiumPath() !== null), available('waybill binary (WAYBILL_BIN names none)', binary !== '')].every(Boolean);

// axe-core on every page, in both themes and languages.
describe.runIf(possible)('accessibility', () => {
  let browser: Browser;
  let demo: Process;
  let look: { readonly url: string; readonly correlation_id: string };

  beforeAll(async () => {
    demo = startProcess('demo', ['-o', 'json', '--load', '3/s'], ['gateway', 'registry', 'bank', 'game']);
    look = JSON.parse(await demo.firstLine()) as typeof look;
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
    await demo?.stop();
  });

  const pages: readonly (readonly [name: string, path: () => string, ready: string])[] = [
    ['start', () => '/', '.hints'],
    ['parcel', () => `/?id=${look.correlation_id}`, '#verdict'],
    ['timeline', () => `/?id=${look.correlation_id}&view=timeline`, '#verdict'],
    ['records', () => `/?id=${look.correlation_id}&view=records`, '#verdict'],
    ['not found', () => '/?id=00000000', '.notice'],
    ['search journeys', () => '/search', '.journey-result'],
    ['search records', () => '/search?as=records&facets=service.name,log.level,span.name', '.record-row'],
    ['a query with an error', () => '/search?q=colour%3Ared', '.query-fault'],
    ['tail', () => '/tail', '.record-row'],
    ['map', () => '/map', 'main h1'],
    ['health', () => '/health', '.table'],
    ['alerts', () => '/alerts', 'main h1'],
    ['rules of alerts', () => '/alerts?tab=rules', '.table'],
    ['silences', () => '/alerts?tab=silences', '.nobody'],
    ['deliveries', () => '/alerts?tab=deliveries', '.nobody'],
  ];

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const locale of ['en-US', 'zh-TW']) {
      it(`finds nothing serious, ${colorScheme}, ${locale}`, { timeout: 180_000 }, async () => {
        const visit = await openPage(browser, { colorScheme, locale, tolerated: /status of 40\d/ });
        const found: string[] = [];
        for (const [name, path, ready] of pages) {
          await visit.page.goto(new URL(path(), look.url).href);
          await visit.page.locator(ready).first().waitFor();
          await expect.poll(() => visit.page.locator('[aria-busy="true"]').count(), { timeout: 15_000 }).toBe(0);
          found.push(...(await serious(visit.page)).map((line) => `${name}: ${line}`));
        }
        await visit.page.keyboard.press('?');
        await visit.page.locator('dialog[open]').waitFor();
        found.push(...(await serious(visit.page)).map((line) => `keys: ${line}`));
        expect(found).toEqual([]);
        expect(visit.complaints).toEqual([]);
        await visit.close();
      });
    }
  }
});
