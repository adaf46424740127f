import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serious } from './axe';
import { available, chromiumPath, launch, openPage } from './browser';
import { binary, shipper, startServer } from './server';
import type { Server, Shipped } from './server';

const possible = [
  available('Chromium', chromiumPath() !== null),
  available('waybill binary (WAYBILL_BIN names none)', binary !== ''),
  available('shipper of hard journeys (SHIP_BIN names none)', shipper !== ''),
].every(Boolean);

// The page of the worst journey, as the real binary answers for it.
describe.runIf(possible)('the worst journey', () => {
  let browser: Browser;
  let server: Server;
  let worst: Shipped;
  let twins: readonly Shipped[];

  beforeAll(async () => {
    server = await startServer();
    const [shipped] = await server.ship('--records', '10000', 'worst');
    if (shipped === undefined) throw new Error('nothing was shipped');
    worst = shipped;
    twins = await server.ship('equal-keys');
    await server.stored(worst.correlation_id, worst.records);
    for (const twin of twins) await server.stored(twin.correlation_id, twin.records);
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  async function open(params: string, options: Parameters<typeof openPage>[1] = {}) {
    const visit = await openPage(browser, { timezoneId: 'UTC', ...options });
    await visit.page.goto(`${server.url}/?id=${worst.correlation_id}${params}`);
    await visit.page.locator('#verdict').waitFor();
    return visit;
  }
  const param = (page: Page, name: string): string | null => new URL(page.url()).searchParams.get(name);
  const active = (page: Page) => page.locator('.virtual-row[data-active="true"]');

  it('says its verdict in words, how sure that is, and until when', async () => {
    const visit = await open('');
    const { page } = visit;
    expect(await page.locator('#verdict').textContent()).toMatch(/^Stalled for \d/);
    expect(await page.locator('.reason').innerText()).toMatch(/^\w+ (?:asked \w+ over [\w.]+ at .*, nobody has picked it up|expected \w+ within .*, and it has not come)/);
    expect(await page.locator('.proof .badge').textContent()).toBe('Records missing');
    expect(await page.locator('.fact-amount').innerText()).toContain('10,000 records');
    await page.waitForFunction(() => performance.getEntriesByName('waybill:verdict').length === 1);
    await visit.shoot('journey-worst');
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('says it in Traditional Chinese', async () => {
    const visit = await open('', { locale: 'zh-TW' });
    const { page } = visit;
    expect(await page.locator('#verdict').textContent()).toMatch(/^停滯 已 /);
    expect(await page.locator('.reason').innerText()).toMatch(/經由 [\w.]+ 請求 \w+，無人取走|預期 \w+ 在 .*內接手，但它沒有出現/);
    await visit.shoot('journey-worst-zh-TW');
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('is walked by keys alone: views, records, errors, services', async () => {
    const visit = await open('');
    const { page } = visit;
    await page.keyboard.press('2');
    await page.locator('canvas').first().waitFor();
    await page.keyboard.press('3');
    await page.locator('.record-row').first().waitFor();
    expect(param(page, 'view')).toBe('records');

    await page.keyboard.press('j');
    await active(page).waitFor();
    await page.keyboard.press('e');
    await expect.poll(() => active(page).locator('.record-row').getAttribute('data-tone')).toBe('error');
    await page.keyboard.press('Enter');
    const panel = page.getByRole('dialog');
    await panel.waitFor();
    const first = param(page, 'record');
    expect(first).toMatch(/-\d+$/);
    expect(await panel.locator('.record-fields').innerText()).toContain('event.id');

    // The panel follows whoever goes on.
    const service = await active(page).locator('.service').textContent();
    await page.keyboard.press('s');
    await expect.poll(() => active(page).locator('.service').textContent()).not.toBe(service);
    await expect.poll(() => param(page, 'record')).not.toBe(first);
    await visit.shoot('journey-record');
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'detached' });
    expect(param(page, 'record')).toBeNull();
    expect(await page.evaluate(() => document.activeElement?.className)).toContain('virtual-list');
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('keeps the server’s order, whatever is scrolled to and filtered', async () => {
    const answer = await fetch(`${server.url}/api/v1/journeys/${worst.correlation_id}/records?from=7000&limit=1000`);
    const { records } = (await answer.json()) as { records: Record<string, string>[] };
    const visit = await open('&view=records');
    const { page } = visit;
    await page.locator('.record-row').first().waitFor();
    await page.locator('.virtual-list').evaluate((list) => list.scrollTo(0, 7100 * 32));
    await page.locator('[aria-posinset="7110"] .record-row:not(.record-coming)').waitFor();
    const shown = await page.locator('.virtual-row').evaluateAll((rows) => rows.map((row) => [Number(row.ariaPosInSet), row.querySelector('.service')?.textContent, row.querySelector('time')?.title.slice(0, 19)]));
    expect(shown.length).toBeGreaterThan(20);
    for (const [place, service, time] of shown) {
      const record = records[Number(place) - 1 - 7000];
      expect([service, time]).toEqual([record?.['service.name'], record?.['@timestamp']?.slice(0, 19)]);
    }

    await page.getByRole('button', { name: 'Errors', exact: true }).click();
    await page.getByText(/^\d+ of 10,000 records/).waitFor();
    expect(param(page, 'level')).toBe('error');
    expect(new Set(await page.locator('.record-row').evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset['tone'])))).toEqual(new Set(['error']));
    await page.getByRole('button', { name: /^bank/ }).last().click();
    await expect.poll(async () => new Set(await page.locator('.record-row .service').allTextContents())).toEqual(new Set(['bank']));
    await page.getByRole('searchbox').fill('colour:red');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'no field' }).waitFor();
    await page.getByRole('searchbox').fill('');
    await page.getByRole('button', { name: 'All levels' }).click();
    await page.getByRole('button', { name: 'All services' }).click();
    await page.locator('.records-bar', { hasText: /^10,000 records/ }).waitFor();
    expect(visit.complaints.filter((line) => !line.includes('400'))).toEqual([]);
    await visit.close();
  });

  it('opens at the record that a link names', async () => {
    const answer = await fetch(`${server.url}/api/v1/journeys/${worst.correlation_id}/records?from=8123&limit=1`);
    const { records } = (await answer.json()) as { records: Record<string, string>[] };
    const id = records[0]?.['event.id'] ?? '';
    const visit = await open(`&record=${encodeURIComponent(id)}`);
    const { page } = visit;
    await page.getByRole('dialog').getByText(id).first().waitFor();
    await expect.poll(() => active(page).getAttribute('aria-posinset')).toBe('8124');
    await page.getByText('Record 8,124').waitFor();

    const context = page.locator('.record-context');
    await context.getByRole('radio', { name: 'Same journey' }).check();
    await context.locator('.record-row').nth(3).waitFor();
    await page.keyboard.press(']');
    await expect.poll(() => param(page, 'record')).not.toBe(id);
    const only = page.locator('.record-field', { hasText: 'service.name' }).getByRole('link', { name: 'Only these: service:' });
    expect(await only.getAttribute('href')).toMatch(/^\/search\?as=records&q=service%3A\w+$/);
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('shows the parcel in part, and leaps to what failed', async () => {
    const visit = await open('');
    const { page } = visit;
    await page.locator('.hop').first().waitFor();
    expect(await page.locator('.hop').count()).toBe(30);
    await page.keyboard.press('e');
    const marked = page.locator('.hop[data-selected="true"]');
    await marked.waitFor();
    expect(await marked.getAttribute('data-outcome')).toBe('failure');
    await page.keyboard.press('Enter');
    await marked.locator('.record-row').first().click();
    await page.getByRole('dialog').waitFor();
    expect(param(page, 'view')).toBe('parcel');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Show where' }).click();
    await page.locator('.hop[data-selected="true"] .rests').waitFor();
    expect(await page.locator('.hop').count()).toBeLessThanOrEqual(180);
    await visit.shoot('journey-parcel');
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('has its sagas, its clocks, what is missing, and how it differs from another', async () => {
    const visit = await open('');
    const { page } = visit;
    for (const paper of await page.locator('.paper > summary').all()) await paper.click();
    await page.getByRole('heading', { name: /^Saga / }).nth(1).waitFor();
    expect(await page.locator('.ledger tbody tr').count()).toBe(6);
    expect(await page.locator('.ledger tr[data-undone="true"]').count()).toBe(3);
    expect(await page.locator('.paper', { hasText: 'Missing records' }).locator('summary').innerText()).toContain(`${worst.lost} records`);
    expect(await page.locator('.paper', { hasText: 'Clocks' }).locator('tbody tr').count()).toBeGreaterThan(2);

    await page.keyboard.press('d');
    await page.getByText(/no journey of kind|Too few journeys/).waitFor();
    await page.getByRole('textbox', { name: 'Tracking number of the other' }).fill(twins[0]?.correlation_id ?? '');
    await page.keyboard.press('Enter');
    await page.locator('.divergences li').first().waitFor();
    expect(param(page, 'with')).toBe(twins[0]?.correlation_id);
    await visit.shoot('journey-papers');
    await page.locator('.divergences button').first().click();
    await page.locator('.hop[data-selected="true"]').waitFor();
    expect(visit.complaints.filter((line) => !line.includes('/diff?'))).toEqual([]);
    await visit.close();
  });

  it('can be taken along, byte for byte', async () => {
    const visit = await open('', { acceptDownloads: true });
    const { page } = visit;
    await page.keyboard.press('x');
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: /^Records NDJSON/ }).click();
    const file = await download;
    expect(file.suggestedFilename()).toBe(`waybill-${worst.correlation_id.slice(-8)}.ndjson`);
    const lines = readFileSync(await file.path(), 'utf8').trim().split('\n');
    expect(lines).toHaveLength(worst.records);
    await page.getByText(/^Saved as waybill-/).waitFor();
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('lets choose between journeys whose IDs differ in spelling alone', async () => {
    const visit = await openPage(browser, { tolerated: /status of 409/ });
    const { page } = visit;
    const [first, second] = twins.map((twin) => twin.correlation_id);
    await page.goto(`${server.url}/?id=${(first ?? '').toUpperCase()}`);
    await page.getByRole('heading', { name: 'Which of these?' }).waitFor();
    await page.locator('.choices .verdict-badge').nth(1).waitFor();
    expect(await page.locator('.choices code').allTextContents()).toEqual(expect.arrayContaining([first, second]));
    await page.locator('.choices code').getByText(first ?? '', { exact: true }).click();
    await page.locator('#correlation-id', { hasText: first ?? '' }).waitFor();
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('says as what an ID was looked for that names nothing', async () => {
    const visit = await openPage(browser, { tolerated: /status of 404/ });
    const { page } = visit;
    await page.goto(`${server.url}/?id=01a219e4ae9702561892fbcf075ac10`);
    await page.getByRole('heading', { name: 'No journey found' }).waitFor();
    expect(await page.locator('.reasons').first().innerText()).toContain('the beginning of an ID');
    expect(await page.locator('.reasons').last().innerText()).toMatch(/^.{0,4}A correlation ID of 32 digits is usual/);
    await page.getByText('This page keeps looking for a while.').waitFor();
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  for (const [theme, locale] of [['light', 'en-US'], ['dark', 'zh-TW']] as const) {
    it(`is accessible, and fits 360 pixels: ${theme}, ${locale}`, { timeout: 240_000 }, async () => {
      for (const width of [1280, 360]) {
        for (const view of ['parcel', 'records', 'timeline']) {
          const visit = await open(`&view=${view}`, { colorScheme: theme, locale, viewport: { width, height: 900 }, reducedMotion: 'reduce' });
          const { page } = visit;
          await page.locator('.hop, .record-row:not(.record-coming), canvas').first().waitFor();
          if (view === 'records') {
            await page.locator('.record-row').nth(2).click();
            await page.locator('.record-context .record-row').first().waitFor();
          }
          await visit.shoot(`journey-${view}-${width}-${theme}`);
          expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
          expect({ view, width, found: await serious(page) }).toEqual({ view, width, found: [] });
          await visit.close();
        }
      }
    });
  }
});
