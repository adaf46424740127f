import axe from 'axe-core';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { available, chromiumPath, launch, openPage } from './browser';
import type { Visit } from './browser';
import { binary, startProcess } from './server';
import type { Process } from './server';

const possible = [available('Chromium', chromiumPath() !== null), available('waybill binary (WAYBILL_BIN names none)', binary !== '')].every(Boolean);

describe.runIf(possible)('the map of a demo under load', () => {
  let browser: Browser;
  let demo: Process;
  let url: string;

  beforeAll(async () => {
    demo = startProcess('demo', ['-o', 'json', '--load', '10/s'], ['gateway', 'registry', 'bank', 'game']);
    url = new URL('/map', (JSON.parse(await demo.firstLine()) as { url: string }).url).href;
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await demo?.stop();
  });

  const open = async (query = '', options: Parameters<typeof openPage>[1] = {}): Promise<Visit> => {
    const visit = await openPage(browser, options);
    await visit.page.goto(url + query);
    return visit;
  };
  const box = (visit: Visit, id: string) => visit.page.locator(`.map-node[data-node="${id}"]`);

  it('shows services, topics and the ways between them, and leads to the journeys that came there', async () => {
    const visit = await open();
    const { page } = visit;
    await box(visit, 'service:gateway').waitFor();
    await box(visit, 'topic:shop.game').waitFor();
    expect(await page.locator('.verdict-mix').innerText()).toMatch(/Delivered/);
    await visit.shoot('map');

    await box(visit, 'topic:shop.game').click();
    const figures = page.getByRole('complementary');
    await figures.getByRole('heading', { name: 'shop.game' }).waitFor();
    await figures.getByRole('button', { name: 'game' }).click();
    await figures.getByRole('heading', { name: 'shop.game to game' }).waitFor();
    expect(await figures.innerText()).toMatch(/Time in the queue, half at most\s+\d/);
    expect(new URL(page.url()).searchParams.get('at')).toBe(JSON.stringify(['topic:shop.game', 'service:game', 'kafka']));
    await figures.getByRole('link', { name: 'Journeys that came here' }).click();
    await page.waitForURL(/\/search\?/);
    expect(new URL(page.url()).searchParams.get('q')).toBe('visited:game since:1h');
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('is walked by keys', async () => {
    const visit = await open();
    const { page } = visit;
    await box(visit, 'service:gateway').waitFor();
    await page.locator('.map-node[tabindex="0"]').focus();
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-node') ?? '');
    const seen = new Set([await focused()]);
    for (const key of ['ArrowLeft', 'ArrowLeft', 'ArrowRight', 'ArrowDown', 'ArrowDown', 'ArrowRight']) {
      await page.keyboard.press(key);
      seen.add(await focused());
    }
    expect(seen.size).toBeGreaterThan(3);
    const id = await focused();
    await page.keyboard.press('Enter');
    await page.getByRole('complementary').waitFor();
    expect(new URL(page.url()).searchParams.get('at')).toBe(id);
    expect(await box(visit, id).getAttribute('aria-pressed')).toBe('true');
    await page.keyboard.press('Escape');
    await page.getByRole('complementary').waitFor({ state: 'detached' });
    await page.keyboard.press('m');
    await page.getByRole('table', { name: 'Ways between them' }).waitFor();
    await visit.close();
  });

  it('goes on by itself, and stops when asked to', async () => {
    const visit = await open();
    const { page } = visit;
    await box(visit, 'service:gateway').waitFor();
    await page.waitForResponse((response) => response.url().includes('/api/v1/map'));
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused: the map shows what was known then.').waitFor();
    await visit.close();
  });

  it('says what is wrong with a query, and where', async () => {
    const visit = await open('?q=visited%3A', { tolerated: /status of 400/ });
    await visit.page.locator('.query-fault', { hasText: 'a value is missing' }).waitFor();
    await visit.close();
  });

  it('says that there is nothing', async () => {
    const visit = await open('?q=visited%3Anowhere');
    await visit.page.getByText('No journey began in this time that the query asks for.').waitFor();
    await visit.close();
  });

  it('is a table at 360 pixels', async () => {
    const visit = await open('', { viewport: { width: 360, height: 740 } });
    const { page } = visit;
    const row = page.getByRole('row').filter({ has: page.getByRole('button', { name: 'gateway' }) }).first();
    expect(await row.innerText()).toMatch(/Service\s+\d+/);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await visit.shoot('map-360');
    await visit.close();
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const locale of ['en-GB', 'zh-TW']) {
      it(`has no serious fault for whoever cannot see it: ${colorScheme}, ${locale}`, async () => {
        for (const view of ['map', 'table']) {
          const visit = await open(`?view=${view}&at=service%3Abank`, { colorScheme, locale, bypassCSP: true });
          await visit.page.locator('.map-sheet').waitFor();
          await visit.page.addScriptTag({ content: axe.source });
          const faults = await visit.page.evaluate(async () => {
            const { axe } = window as unknown as { axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> } };
            return (await axe.run()).violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
          });
          expect(faults).toEqual([]);
          await visit.close();
        }
      });
    }
  }
});
