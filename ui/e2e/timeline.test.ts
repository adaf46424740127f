import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { worst } from '../testdata/worst';
import { available, chromiumPath, launch, openPage } from './browser';
import type { Visit } from './browser';
import { found, golden, problem, startFixtureServer } from './fixture-server';
import type { FixtureServer, Journeys } from './fixture-server';

const journeys: Readonly<Record<string, unknown>> = {
  worst: worst({ hops: 60, records: 300 }),
  many: worst({ hops: 3000, records: 1000 }),
  delivered: golden('delivered'),
  transit: golden('in-transit'),
  hostile: golden('hostile'),
};
const store: Journeys = ({ id }) => (journeys[id] === undefined ? problem(404, `no journey ${id}`) : found(journeys[id]));

describe.runIf(available('Chromium', chromiumPath() !== null))('the timeline', () => {
  let browser: Browser;
  let server: FixtureServer;
  let visit: Visit;

  beforeAll(async () => {
    browser = await launch();
    server = await startFixtureServer(store);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  afterEach(async () => visit?.close());

  async function open(id: string, options: BrowserContextOptions = {}, more = ''): Promise<Page> {
    visit = await openPage(browser, options);
    await visit.page.goto(`${server.url}/?id=${id}&view=timeline${more}`);
    await visit.page.waitForFunction(() => performance.getEntriesByName('waybill:timeline').length === 1);
    await visit.page.locator('.timeline').scrollIntoViewIfNeeded();
    return visit.page;
  }
  const field = (page: Page) => page.getByRole('grid');
  /** Keys are bound once the page has been painted with the focus. */
  async function focus(page: Page): Promise<void> {
    await field(page).focus();
    await page.evaluate(() => new Promise((resolve) => {
      const after = (frames: number): void => void (frames === 0 ? setTimeout(resolve, 50) : requestAnimationFrame(() => after(frames - 1)));
      after(3);
    }));
  }
  const chosen = (page: Page) => page.locator('[role="row"][aria-selected="true"]');
  /** What is drawn, once the picture rests. */
  async function picture(page: Page): Promise<string> {
    return page.evaluate(async () => {
      const draw = (): string => document.querySelector<HTMLCanvasElement>('.timeline-field canvas')?.toDataURL() ?? '';
      let before = '';
      for (let now = draw(); now !== before; now = draw()) {
        before = now;
        await new Promise((resolve) => {
          setTimeout(resolve, 250);
        });
      }
      return before;
    });
  }
  const address = (page: Page, name: string) => page.waitForFunction((name) => new URL(location.href).searchParams.get(name), name).then((value) => value.jsonValue());

  it('is walked by keys along causes, and reads out what is chosen', async () => {
    const page = await open('worst');
    await focus(page);
    await page.keyboard.press('Home'); // the first key chooses what the verdict rests on
    await expect.poll(() => chosen(page).textContent()).toContain('the verdict rests on it');
    expect(await field(page).getAttribute('aria-activedescendant')).toBe(await chosen(page).getAttribute('id'));
    await page.keyboard.press('Home');
    await expect.poll(() => chosen(page).getAttribute('aria-rowindex')).toBe('1');
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => chosen(page).getAttribute('aria-rowindex')).toBe('2');
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => chosen(page).getAttribute('aria-rowindex')).toBe('1');
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => chosen(page).getAttribute('aria-rowindex')).toBe('2');
    await page.waitForURL(/hop=0000000000000001/);
    await expect.poll(() => page.locator('.timeline-chosen [role="status"]').innerText()).toContain('2 of 60');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).getByText('Hop before, by cause').waitFor();
    await page.keyboard.press('Escape');
    expect(visit.complaints).toEqual([]);
    await page.keyboard.press('Enter');
    await expect.poll(() => address(page, 'record')).toMatch(/^gateway-\d/);
  });

  it('shows the hop that the address names', async () => {
    const page = await open('worst', {}, '&hop=0000000000000007');
    expect(await chosen(page).getAttribute('aria-rowindex')).toBe('8');
  });

  it('folds idle time and moves clocks at a key, and keeps both in the address', async () => {
    const page = await open('worst');
    const first = await picture(page);
    await page.keyboard.press('f');
    expect(await address(page, 'idle')).toBe('shown');
    const unfolded = await picture(page);
    expect(unfolded).not.toBe(first);
    await page.keyboard.press('f');
    expect(await picture(page)).toBe(first);
    await page.keyboard.press('a');
    expect(await address(page, 'clocks')).toBe('raw');
    expect(await picture(page)).not.toBe(first);
    await visit.shoot('timeline-raw');
  });

  it('zooms, moves and comes back', async () => {
    const page = await open('worst');
    const first = await picture(page);
    await field(page).hover({ position: { x: 200, y: 100 } });
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, -300);
    await page.keyboard.up('Control');
    const near = await picture(page);
    expect(near).not.toBe(first);
    await page.keyboard.down('Shift');
    await page.mouse.wheel(0, 100);
    await page.keyboard.up('Shift');
    const along = await picture(page);
    expect(along).not.toBe(near);
    const box = await field(page).boundingBox();
    if (box === null) throw new Error('no field');
    await page.mouse.move(box.x + 300, box.y + 100);
    await page.mouse.down();
    await page.mouse.move(box.x + 200, box.y + 100, { steps: 4 });
    await page.mouse.up();
    expect(await picture(page)).not.toBe(along);
    await page.keyboard.press('0');
    await page.mouse.move(box.x + 300, box.y - 200);
    expect(await picture(page)).toBe(first);
    // Along the axis, a hand selects what to see.
    await page.mouse.move(box.x + 100, box.y - 10);
    await page.mouse.down();
    await page.mouse.move(box.x + 260, box.y - 10, { steps: 4 });
    await page.mouse.up();
    expect(await picture(page)).not.toBe(first);
  });

  it('says what is under the pointer, and a click chooses it', async () => {
    const page = await open('delivered');
    await field(page).hover({ position: { x: 60, y: 12 } });
    await page.locator('.timeline-tip', { hasText: 'POST /purchases' }).waitFor();
    await field(page).click({ position: { x: 60, y: 12 } });
    expect(await chosen(page).textContent()).toContain('gateway');
    expect(await address(page, 'hop')).toBe(String((golden('delivered')['hops'] as { id: string }[])[0]?.id));
    await visit.shoot('timeline-delivered');
  });

  it('folds a lane into one row', async () => {
    const page = await open('worst');
    const first = await picture(page);
    const lane = page.getByRole('button', { name: 'gateway', expanded: true });
    await lane.click();
    await page.getByRole('button', { name: 'gateway', expanded: false }).click();
    expect(await picture(page)).toBe(first);
    await page.keyboard.press('C');
    await page.getByRole('button', { name: 'mailer', exact: false, expanded: false }).first().waitFor();
    expect(await picture(page)).not.toBe(first);
  });

  it('is drawn anew in other colours', async () => {
    const page = await open('worst', { colorScheme: 'light' });
    const light = await picture(page);
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await picture(page);
    expect(dark).not.toBe(light);
    await page.emulateMedia({ forcedColors: 'active' });
    expect(await picture(page)).not.toBe(dark);
  });

  it('is printed whole, on white', async () => {
    const page = await open('worst', { colorScheme: 'dark' });
    const screen = await picture(page);
    await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
    const paper = await page.locator('.timeline-field canvas').evaluate((canvas: HTMLCanvasElement) => [canvas.width, canvas.height]);
    expect(paper[0]).toBe(1040);
    expect(paper[1]).toBeGreaterThan(2 * 1200);
    await page.evaluate(() => window.dispatchEvent(new Event('afterprint')));
    expect(await picture(page)).toBe(screen);
  });

  it('serves a finger at 360 pixels', async () => {
    const page = await open('delivered', { viewport: { width: 360, height: 740 }, hasTouch: true });
    await field(page).tap({ position: { x: 60, y: 34 } });
    expect(await chosen(page).textContent()).toContain('gateway');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await visit.shoot('timeline-360');
  });

  it('lays out thousands of hops', async () => {
    const page = await open('many');
    await page.getByRole('button', { name: 'gateway', expanded: false }).first().waitFor();
    await focus(page);
    await page.keyboard.press('End');
    await page.keyboard.press('End');
    expect(await chosen(page).getAttribute('aria-rowindex')).toBe('3000');
    await visit.shoot('timeline-many');
  });

  it('draws hostile names as text', async () => {
    const page = await open('hostile');
    await focus(page);
    await page.keyboard.press('ArrowDown');
    await chosen(page).waitFor({ state: 'attached' });
    expect(visit.complaints).toEqual([]);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const locale of ['en-GB', 'zh-TW']) {
      it(`has no serious fault for whoever cannot see it: ${colorScheme}, ${locale}`, async () => {
        const page = await open('worst', { colorScheme, locale, bypassCSP: true });
        await focus(page);
        await page.keyboard.press('ArrowDown');
        await page.addScriptTag({ content: axe.source });
        const faults = await page.evaluate(async () => {
          const { axe } = window as unknown as { axe: { run(what: string): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> } };
          return (await axe.run('.timeline')).violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
        });
        expect(faults).toEqual([]);
      });
    }
  }
});
