/**
 * Measures the page in Chromium, one thing at a time, and prints what came out as a line of JSON.
 *
 *   node measure.js size URL ID | quick URL ID | large URL ID | tail URL
 *
 * The page sets the marks waybill:verdict and waybill:timeline once each is painted.
 */
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { chromiumPath, launch } from '../e2e/browser';
import { calibrate, forgetTasks, heapOf, markOf, median, openTab, tasksOf } from './chromium';

const runs = 7;

type Measure = (browser: Browser, url: string, id: string) => Promise<unknown>;

/** What is loaded to show a journey for the first time, compressed, in bytes. */
const size: Measure = async (browser, url, id) => {
  const loaded: Record<string, number> = {};
  const { page, close } = await openTab(browser);
  const bodies: Promise<void>[] = [];
  page.on('response', (response) => {
    const path = new URL(response.url()).pathname;
    if (/\.(?:js|css)$/.test(path)) bodies.push(response.body().then((body) => void (loaded[path] = gzipSync(body).length)));
  });
  await page.goto(`${url}/?id=${id}`);
  await markOf(page, 'waybill:verdict');
  await page.waitForLoadState('networkidle');
  await Promise.all(bodies);
  await close();
  return { bytes: Object.values(loaded).reduce((sum, n) => sum + n, 0), loaded };
};

/** From the navigation to the verdict, and to a timeline that can be used, with nothing cached; the machine beside it. */
const quick: Measure = async (browser, url, id) => {
  const verdict: number[] = [];
  const timeline: number[] = [];
  const empty: number[] = [];
  const loop: number[] = [];
  for (let run = 0; run <= runs; run++) {
    const times: number[] = [];
    for (const [view, mark] of [['parcel', 'waybill:verdict'], ['timeline', 'waybill:timeline']] as const) {
      const { page, close } = await openTab(browser, false);
      await page.goto(`${url}/?id=${id}&view=${view}`, { waitUntil: 'commit' });
      times.push(await markOf(page, mark, 1500));
      await close();
    }
    const machine = await calibrate(browser, url);
    if (run === 0) continue; // which warms the server and the browser
    verdict.push(times[0] ?? Number.NaN);
    timeline.push(times[1] ?? Number.NaN);
    empty.push(machine.empty);
    loop.push(machine.loop);
  }
  return { verdict: median(verdict), timeline: median(timeline), empty: median(empty), loop: median(loop) };
};

/** The longest task while a large journey is used, once it is there. */
const large: Measure = async (browser, url, id) => {
  const { page, close } = await openTab(browser);
  await page.goto(`${url}/?id=${id}&view=timeline`, { waitUntil: 'commit' });
  const ready = await markOf(page, 'waybill:timeline');
  const opening = await tasksOf(page);
  const longest: Record<string, number> = {};
  const gaps: Record<string, number> = {};
  for (const [name, use] of Object.entries(uses)) {
    await page.waitForTimeout(1000); // what was begun before is not its own
    await forgetTasks(page);
    await use(page);
    await page.waitForTimeout(500); // tasks that it left
    const tasks = await tasksOf(page);
    longest[name] = tasks.longest;
    gaps[name] = Math.round(tasks.gap);
  }
  const { loop } = await calibrate(browser, url);
  await close();
  return { ready, opening: opening.longest, longest, gaps, loop };
};

async function keys(page: Page, ...pressed: readonly string[]): Promise<void> {
  for (const key of pressed) {
    await page.keyboard.press(key);
    await page.waitForTimeout(60);
  }
}

async function wheel(page: Page): Promise<void> {
  await page.mouse.move(640, 600);
  for (let turn = 0; turn < 60; turn++) {
    await page.mouse.wheel(0, turn < 40 ? 400 : -400);
    await page.waitForTimeout(30);
  }
}

/** What a person does with a journey, beginning at its timeline. */
const uses: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  scroll: wheel,
  zoom: (page) => keys(page, ...Array<string>(8).fill('+'), ...Array<string>(8).fill('-'), '0'),
  pan: (page) => keys(page, '+', '+', '+', ...Array<string>(10).fill('Shift+ArrowRight'), ...Array<string>(10).fill('Shift+ArrowLeft'), '0'),
  choose: (page) => keys(page, 'Home', ...Array<string>(20).fill('ArrowDown'), 'PageDown', 'PageDown', 'End', 'Home'),
  records: (page) => keys(page, '3'),
  'scroll records': wheel,
  parcel: (page) => keys(page, '1'),
  'scroll parcel': wheel,
  timeline: (page) => keys(page, '2'),
};

/** How the tail bears what comes between two lines of stdin: its heap, and its longest task. */
const tail: Measure = async (browser, url) => {
  const tab = await openTab(browser);
  await tab.page.goto(`${url}/tail`);
  await say('open');
  const before = await heapOf(tab);
  await forgetTasks(tab.page);
  await say('measuring');
  const { longest, gap, count } = await tasksOf(tab.page);
  await tab.page.locator('main').getByText('gateway').first().waitFor(); // else nothing came, and that takes nothing
  const grown = (await heapOf(tab)) - before;
  const { loop } = await calibrate(browser, url);
  await tab.close();
  return { before, grown, longest, gap, count, loop };
};

/** Says how far it is, and waits for a line. */
async function say(what: string): Promise<void> {
  process.stdout.write(`${JSON.stringify(what)}\n`);
  await new Promise((resolve) => {
    process.stdin.once('data', resolve);
  });
}

const measures: Readonly<Record<string, Measure>> = { size, quick, large, tail };
const [name = '', url = '', id = ''] = process.argv.slice(2);
const measure = measures[name];
if (measure === undefined || url === '') throw new Error(`want one of ${Object.keys(measures).join(', ')}, and a URL`);
if (chromiumPath() === null) throw new Error('there is no Chromium: run "make tools", or name one in CHROMIUM');
const browser = await launch('--disable-background-timer-throttling', '--disable-renderer-backgrounding'); // nobody looks at it
try {
  process.stdout.write(`${JSON.stringify(await measure(browser, url, id))}\n`);
} finally {
  await browser.close();
  process.stdin.destroy();
}
