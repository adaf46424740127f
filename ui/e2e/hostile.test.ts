import type { Browser, Page, Request } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { printable } from '../src/lib/printable';
import { paths } from '../src/lib/route';
import { available, chromiumPath, launch, openPage } from './browser';
import type { Visit } from './browser';
import { deadLetter, hostileJourneys, largeJourney } from './hostile-journey';
import { classes } from './payloads';
import { binary, startServer } from './server';
import type { Server } from './server';

const possible = [available('Chromium', chromiumPath() !== null), available('waybill binary (WAYBILL_BIN names none)', binary !== '')].every(Boolean);

/** The console error that Chromium writes where the API refuses a question that is none, or knows nothing. */
const refused = /^Failed to load resource: the server responded with a status of 40[049] .*\/api\/v1\//;

// What services write is not to be trusted, and comes in as it is: every page shows it as text, and runs nothing of it.
describe.runIf(possible)('hostile records', () => {
  const journeys = hostileJourneys();
  const large = largeJourney();
  let browser: Browser;
  let server: Server;
  let visit: Visit;
  const asking = new Set<Request>(); // what has not been answered; the tail never ends

  beforeAll(async () => {
    server = await startServer();
    await server.take([...journeys, large].flatMap((one) => one.lines));
    await server.take(classes.flatMap(({ payloads }) => deadLetter(payloads[0] ?? '')));
    for (const one of [...journeys, large]) await server.stored(one.id, one.records);
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });
  afterEach(async () => {
    await visit?.close();
  });

  async function open(width: number): Promise<Page> {
    visit = await openPage(browser, { viewport: { width, height: 900 }, tolerated: refused });
    const { page, complaints } = visit;
    asking.clear();
    page.on('request', (request) => {
      if (!request.url().includes('/api/v1/tail')) asking.add(request);
    });
    page.on('requestfinished', (request) => asking.delete(request));
    page.on('requestfailed', (request) => asking.delete(request));
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.origin !== server.url && url.protocol !== 'data:') complaints.push(`request: ${request.url().slice(0, 200)}`);
    });
    page.on('frameattached', (frame) => complaints.push(`frame: ${frame.url()}`));
    page.on('popup', (popup) => complaints.push(`popup: ${popup.url()}`));
    await page.addInitScript(() => {
      const global = window as unknown as { pwned: () => void; complain: (what: string) => void };
      global.pwned = () => global.complain('a payload was run');
    });
    return page;
  }

  /** Waits until a page has said what it has to say. */
  async function settled(page: Page): Promise<void> {
    const busy = (): Promise<boolean> => page.evaluate(() => document.querySelector('#app > *') === null || document.querySelector('[aria-busy="true"]') !== null);
    await expect.poll(async () => asking.size > 0 || await busy(), { interval: 20, timeout: 20_000 }).toBe(false);
  }

  /** Opens an address, shows all there is to show, and looks for what no text may have made. */
  async function look(page: Page, path: string): Promise<string> {
    await page.goto(server.url + path);
    await settled(page);
    await unfold(page);
    await settled(page);
    const strays = await page.evaluate(strayParts, server.url);
    expect({ path, strays, wide: await page.evaluate(widest), complaints: visit.complaints }).toEqual({ path, strays: [], wide: [], complaints: [] });
    return bare(await page.evaluate(() => document.body.textContent ?? ''));
  }

  it('are of many kinds', () => {
    expect(new Set(classes.flatMap(({ payloads }) => payloads)).size).toBeGreaterThanOrEqual(200);
  });

  for (const width of [1280, 360]) {
    for (const journey of journeys) {
      it(`are text at ${width} px: ${journey.id}`, { timeout: 120_000 }, async () => {
        const page = await open(width);
        const of = encodeURIComponent(journey.id);
        const shown = await look(page, `/?id=${of}`);
        expect(shown).toContain(excerpt(journey.payloads[0] ?? ''));
        expect(journey.payloads.filter((text) => shown.includes(excerpt(text))).length).toBeGreaterThanOrEqual(Math.min(5, journey.payloads.length));
        for (const view of ['timeline', 'records']) await look(page, `/?id=${of}&view=${view}`);
        await look(page, `/?id=${of}%22%3E`); // of which nothing is known
      });
    }

    it(`are text at ${width} px in every page`, { timeout: 300_000 }, async () => {
      const page = await open(width);
      const asked = [...classes.flatMap(({ payloads }) => payloads.slice(0, 1)), ...journeys.map(({ id }) => `id:${JSON.stringify(id)}`)];
      for (const [name, path] of Object.entries(paths)) {
        if (name === 'journey') continue;
        await look(page, path);
        if (name === 'search') for (const q of asked) await look(page, `${path}?${new URLSearchParams({ q, as: 'records' })}`);
        if (name === 'tail') for (const q of asked.slice(0, 3)) await look(page, `${path}?${new URLSearchParams({ q })}`);
      }
    });
  }

  it('are text while they come', async () => {
    const page = await open(1280);
    await page.goto(server.url + paths.tail);
    await expect.poll(async () => {
      await server.take(journeys.flatMap(({ id, payloads }) => payloads.slice(0, 3).map((msg) => JSON.stringify({ msg, service: msg, level: msg, correlation_id: id }))));
      const shown = bare(await page.evaluate(() => document.body.textContent ?? ''));
      return journeys.filter(({ payloads }) => shown.includes(excerpt(payloads[0] ?? ''))).length;
    }, { interval: 500, timeout: 30_000 }).toBeGreaterThanOrEqual(5);
    expect(await page.evaluate(strayParts, server.url)).toEqual([]);
    expect(visit.complaints).toEqual([]);
  });

  it('are cut where they are a megabyte long, and whole when asked for', async () => {
    const page = await open(1280);
    const length = (): Promise<number> => page.evaluate(() => document.body.textContent?.length ?? 0);
    await look(page, '/?id=hostile-large');
    expect(await length()).toBeLessThan(100_000);
    await page.locator('main button', { hasText: '<b>megabyte</b> <b>megabyte</b>' }).first().click();
    await page.getByRole('button', { name: /^Show all 976,?000/ }).first().click();
    await expect.poll(length).toBeGreaterThan(976_000);
    expect(await page.evaluate(strayParts, server.url)).toEqual([]);
    expect(visit.complaints).toEqual([]);
  });

  // It leaves the page's policy behind, so that it needs one of its own, and no script.
  it('are text in an exported page', async () => {
    const page = await open(1280);
    for (const { id, payloads } of journeys) {
      const answer = await fetch(`${server.url}/api/v1/journeys/${encodeURIComponent(id)}/export?format=html`);
      expect(answer.status).toBe(200);
      await page.setContent(await answer.text());
      expect(await page.evaluate(() => document.querySelectorAll('script, img, iframe, svg, math, [id=pwned], [onerror], [onload]').length)).toBe(0);
      expect(bare(await page.evaluate(() => document.body.textContent ?? ''))).toContain(bare(payloads[0] ?? '').slice(0, 60).replaceAll('\0', '\ufffd'));
    }
    expect(visit.complaints).toEqual([]);
  });
});

/** Opens all that is folded, as far as a person can. */
async function unfold(page: Page): Promise<void> {
  for (let round = 0; round < 4; round++) {
    const more = await page.evaluate(async () => {
      const folded = [...document.querySelectorAll<HTMLDetailsElement>('details:not([open])')].filter((each) => each.closest('header, [popover]') === null);
      for (const each of folded) each.open = true;
      const buttons = [...document.querySelectorAll<HTMLButtonElement>('main button')].filter((button) => /^show (all|[\d,]+)/i.test(button.textContent ?? ''));
      for (const button of buttons.slice(0, 50)) button.click();
      await new Promise((resolve) => {
        requestAnimationFrame(() => setTimeout(resolve));
      });
      return folded.length + buttons.length;
    });
    if (more === 0) return;
  }
}

/** What is in the page that the page itself never has. Runs in the page. */
function strayParts(origin: string): string[] {
  const strays: string[] = [];
  const own = (url: string): boolean => url.startsWith('data:image/') || new URL(url, document.baseURI).origin === origin;
  for (const element of document.querySelectorAll('*')) {
    const name = element.localName;
    const tag = `<${name} ${[...element.attributes].map((each) => `${each.name}="${each.value.slice(0, 80)}"`).join(' ')}>`;
    if (/^(?:iframe|frame|frameset|object|embed|applet|base|marquee|portal|audio|video|source|math|foreignobject|animate|set|plaintext|xmp|listing|slot|template|style)$/i.test(name) || name.startsWith('x-')) strays.push(tag);
    if (name === 'script' && (element.textContent !== '' || !own((element as HTMLScriptElement).src))) strays.push(tag);
    if (name === 'meta' && element.hasAttribute('http-equiv')) strays.push(tag);
    for (const { name: attribute, value } of element.attributes) {
      if (attribute.startsWith('on') || attribute === 'srcdoc' || attribute === 'ping' || value === 'pwned') strays.push(tag);
      if (['href', 'src', 'action', 'formaction', 'xlink:href', 'data', 'poster'].includes(attribute) && !own(value)) strays.push(tag);
    }
  }
  for (const key in Object.prototype) strays.push(`Object.prototype.${key}`);
  if ('polluted' in {}) strays.push('Object.prototype.polluted');
  if (/pwned\(\)/.test(document.title) && document.title.length > 200) strays.push(document.title);
  return strays;
}

/** What makes a page wider than its window, the innermost first. Runs in the page. */
function widest(): string[] {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const clipped = (element: Element | null): boolean => element !== null && element !== document.body && (getComputedStyle(element).overflowX !== 'visible' || clipped(element.parentElement));
  const wide = [...document.querySelectorAll('body *')].filter((element) => element.getBoundingClientRect().right > clientWidth + 1 && !clipped(element.parentElement));
  return [`${scrollWidth - clientWidth} px too wide`, ...wide.toReversed().slice(0, 5).map((element) => `${element.localName}.${element.className} ends at ${Math.round(element.getBoundingClientRect().right)}`)];
}

/** Text without what layout may change. */
function bare(text: string): string {
  return text.replaceAll(/\s+/g, '');
}

/** How the beginning of a hostile text is to be seen. */
function excerpt(text: string): string {
  return bare(printable(text)).slice(0, 60);
}
