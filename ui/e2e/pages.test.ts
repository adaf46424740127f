import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { available, chromiumPath, launch, openPage } from './browser';
import { binary, startProcess } from './server';
import type { Process } from './server';

const possible = [available('Chromium', chromiumPath() !== null), available('waybill binary (WAYBILL_BIN names none)', binary !== '')].every(Boolean);

// The pages beside the journey's, over a demo in which people keep coming.
describe.runIf(possible)('the pages over a demo under load', () => {
  let browser: Browser;
  let demo: Process;
  let url: string;

  beforeAll(async () => {
    demo = startProcess('demo', ['-o', 'json', '--load', '10/s'], ['gateway', 'registry', 'bank', 'game']);
    url = new URL('/', (JSON.parse(await demo.firstLine()) as { url: string }).url).href;
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
    await demo?.stop();
  });

  const open = async (path: string, options: Parameters<typeof openPage>[1] = {}) => {
    const visit = await openPage(browser, options);
    await visit.page.goto(new URL(path, url).href);
    return visit;
  };

  it('search: a query leads to a stretch of time, a record, and what was written around it', async () => {
    const visit = await open('/search');
    const { page } = visit;
    const query = page.getByRole('combobox', { name: 'Query' });
    await query.fill('serv');
    await page.getByRole('option', { name: /^service / }).waitFor();
    await query.press('ArrowDown');
    await query.press('Enter');
    await query.pressSequentially('ba');
    await page.getByRole('option', { name: 'bank' }).waitFor();
    await query.press('ArrowDown');
    await query.press('Tab');
    expect(await query.inputValue()).toBe('service:bank ');
    await query.press('Enter');
    await page.getByRole('button', { name: 'Records' }).click();
    await page.locator('.record-row', { hasText: 'bank' }).first().waitFor();
    expect(new Set(await page.locator('.record-row .service').allTextContents())).toEqual(new Set(['bank']));

    // Brush: the second half of what the chart shows.
    const plot = page.locator('.chart .u-over');
    const box = await plot.boundingBox();
    if (box === null) throw new Error('there is no chart');
    await page.mouse.move(box.x + box.width * 0.5, box.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width - 2, box.y + 30, { steps: 6 });
    await page.mouse.up();
    await page.waitForURL(/since%3A20.*until%3A20/);
    await page.locator('.record-row').first().click();

    const panel = page.getByRole('dialog', { name: /bank/ });
    await panel.getByText('service.node.name').waitFor();
    expect(new URL(page.url()).searchParams.get('record')).toMatch(/-\d+$/);
    await visit.shoot('search-record');
    await panel.locator('.record-context .record-row').first().waitFor();
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'hidden' });
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('search: journeys go on as long as somebody scrolls', async () => {
    const visit = await open('/search?q=since:24h');
    const { page } = visit;
    // There is more than one page of them once people have come for a while.
    await expect.poll(async () => {
      await page.getByRole('button', { name: 'Ask anew' }).click();
      await page.locator('.results-foot').waitFor();
      return count(page);
    }, { timeout: 50_000, interval: 2000 }).toBeGreaterThanOrEqual(100);
    const list = page.getByRole('list', { name: 'Results, the newest first' });
    await list.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await expect.poll(() => count(page)).toBeGreaterThan(100);
    expect(await page.locator('.virtual-row').count()).toBeLessThan(80);
    await page.keyboard.press('j');
    await page.keyboard.press('o');
    await page.locator('#verdict').waitFor();
    await page.goBack();
    await page.locator('.journey-result').nth(1).waitFor();
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('search: a query that cannot be read is marked where that is so', async () => {
    const visit = await open('/search?q=level%3Aerror+%E8%A8%82%E5%96%AE+colour%3Ared', { tolerated: /status of 400/ });
    const { page } = visit;
    await page.getByText('no field "colour"').waitFor();
    expect(await page.locator('.query-fault mark').textContent()).toBe('c');
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('search: facets narrow, and searches are kept', async () => {
    const visit = await open('/search?as=records');
    const { page } = visit;
    await page.getByRole('button', { name: /^bank/ }).click();
    await page.waitForURL(/service%3Abank/);
    await page.getByRole('button', { name: 'Without info' }).click();
    await page.waitForURL(/-level%3Ainfo/);
    await page.getByRole('button', { name: 'Saved searches' }).click();
    await page.getByRole('textbox', { name: 'Save this search' }).fill('Bank at its worst');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.goto(new URL('/search', url).href);
    await page.getByRole('button', { name: 'Saved searches' }).click();
    await page.getByRole('button', { name: /^Bank at its worst/ }).click();
    await page.waitForURL(/-level%3Ainfo/);
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('tail: shows what comes, stands still for whoever reads, and goes on', async () => {
    const visit = await open('/tail');
    const { page } = visit;
    await page.getByText('Live', { exact: true }).waitFor();
    const list = page.getByRole('list', { name: 'Records as they come, the newest last' });
    await expect.poll(() => list.locator('.virtual-row').count()).toBeGreaterThan(10);
    await list.hover();
    await page.mouse.wheel(0, -400);
    const fresh = page.getByRole('button', { name: /new$/ });
    await fresh.waitFor();
    const top = list.locator('.virtual-row').first();
    const [before, still] = [await top.textContent(), await list.evaluate((element) => element.scrollTop)];
    await page.waitForTimeout(1000);
    expect([await top.textContent(), await list.evaluate((element) => element.scrollTop)]).toEqual([before, still]);
    await visit.shoot('tail-paused');
    await fresh.click();
    await fresh.waitFor({ state: 'hidden' });
    await expect.poll(() => list.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight)).toBeLessThan(40);
    await page.getByText(/^shown [\d,]{2,}, skipped 0$/).waitFor();

    await page.getByRole('combobox', { name: 'Level' }).selectOption('error');
    await page.waitForURL(/level%3E%3Derror/);
    await page.getByText('Waiting for records').waitFor();
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('health: says how far all is stored, and that nothing is lost', async () => {
    const visit = await open('/health');
    const { page } = visit;
    await page.getByRole('heading', { name: /^Stored through/ }).waitFor();
    await page.getByRole('row', { name: /waybill-collector/ }).first().waitFor();
    await page.getByText('None. Everything that came could be stored.').waitFor();
    await page.getByRole('row', { name: /^bank/ }).first().waitFor();
    await visit.shoot('health');
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('goes everywhere by keyboard alone', async () => {
    const visit = await open('/');
    const { page } = visit;
    await page.getByRole('heading', { name: 'Where did it go?' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('main').focus();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await visit.shoot('keys');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'hidden' });
    for (const [key, path] of [['s', '/search'], ['t', '/tail'], ['m', '/map'], ['h', '/health'], ['a', '/alerts']] as const) {
      await page.keyboard.press('g');
      await page.keyboard.press(key);
      await page.waitForURL((address) => address.pathname === path);
    }
    await page.keyboard.press('/');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('tracking-number');
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('speaks Traditional Chinese to whoever wants it', async () => {
    const visit = await open('/search', { locale: 'zh-TW' });
    const { page } = visit;
    await page.getByRole('link', { name: '即時' }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-TW');
    await page.getByRole('button', { name: '設定' }).click();
    await page.getByRole('combobox', { name: '語言' }).selectOption('en');
    await page.getByRole('link', { name: 'Tail' }).waitFor();
    await page.reload();
    await page.getByRole('link', { name: 'Tail' }).waitFor();
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  const narrow = [
    ['/search', '.journey-result'], ['/search?as=records', '.record-row'], ['/tail', '.record-row'], ['/map', 'main h1'], ['/health', '.table'], ['/alerts', '.alert-stamp'],
  ] as const;
  for (const [path, ready] of narrow) {
    it(`fits 360 pixels: ${path}`, async () => {
      const visit = await open(path, { viewport: { width: 360, height: 740 } });
      const { page } = visit;
      await page.getByRole('heading', { level: 1 }).first().waitFor({ state: 'attached' });
      await page.locator(ready).first().waitFor({ state: 'attached' });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
      await visit.shoot(`narrow${path.replaceAll(/\W/g, '-')}`);
      expect(visit.complaints).toEqual([]);
      await visit.close();
    });
  }
});

/** How many results the list says it has. */
async function count(page: Page): Promise<number> {
  const foot = (await page.locator('.results-foot').textContent().catch(() => '')) ?? '';
  return Number(/([\d,]+) journeys? shown/.exec(foot)?.[1]?.replaceAll(',', '') ?? 0);
}
