import type { Browser, CDPSession, Page } from 'playwright-core';

export interface Tab {
  readonly page: Page;
  readonly session: CDPSession;
  close(): Promise<void>;
}

/** How long a browser has been at rest when somebody asks something of it, in ms: starting one, and ending another tab, takes it a while. */
const REST = 1000;

/** A page with nothing in its caches. `counted`: it counts tasks from its first moment. */
export async function openTab(browser: Browser, counted = true): Promise<Tab> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  if (counted) await page.addInitScript(countTasks);
  await page.waitForTimeout(REST);
  return { page, session: await context.newCDPSession(page), close: () => context.close() };
}

export interface Tasks {
  /** Of the long tasks that Chromium reports, which are those of 50 ms and more. */
  readonly longest: number;
  readonly count: number;
  /** The longest time that the event loop did not come round, and what it was at. */
  readonly gap: number;
}

interface Counting {
  tasks: { longest: number; count: number; gap: number };
}

/** Runs in the page. */
function countTasks(): void {
  const global = window as unknown as Counting;
  global.tasks = { longest: 0, count: 0, gap: 0 };
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      global.tasks.count++;
      global.tasks.longest = Math.max(global.tasks.longest, duration);
    }
  }).observe({ type: 'longtask', buffered: true });
  const { port1, port2 } = new MessageChannel();
  let last = performance.now();
  port1.addEventListener('message', () => {
    const now = performance.now();
    global.tasks.gap = Math.max(global.tasks.gap, now - last);
    last = now;
    setTimeout(() => port2.postMessage(null), 5);
  });
  port1.start();
  port2.postMessage(null);
}

export function tasksOf(page: Page): Promise<Tasks> {
  return page.evaluate(() => (window as unknown as Counting).tasks);
}

/** Forgets the tasks so far. */
export async function forgetTasks(page: Page): Promise<void> {
  await page.evaluate(() => {
    (window as unknown as Counting).tasks = { longest: 0, count: 0, gap: 0 };
  });
}

/** When the page set a mark, in ms since the navigation began. It is not asked before `quiet` ms: to answer takes the page's time too. */
export async function markOf(page: Page, name: string, quiet = 0): Promise<number> {
  await page.waitForTimeout(quiet);
  const mark = await page.waitForFunction((wanted) => performance.getEntriesByName(wanted, 'mark')[0]?.startTime, name, { polling: 50, timeout: 120_000 });
  return Number(await mark.jsonValue());
}

/** Bytes of the heap that something still refers to. */
export async function heapOf({ session }: Tab): Promise<number> {
  await session.send('HeapProfiler.enable');
  for (let round = 0; round < 3; round++) await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return usedSize;
}

/** Figures of the machine as it is now: a page without anything, and a loop that takes as long as the processor is busy. */
export async function calibrate(browser: Browser, url: string): Promise<{ readonly empty: number; readonly loop: number }> {
  const { page, close } = await openTab(browser, false);
  await page.goto(`${url}/favicon.svg`);
  const empty = await page.evaluate(() => performance.getEntriesByType('navigation')[0]?.duration ?? 0);
  const loop = await page.evaluate(() => {
    const began = performance.now();
    let x = 1;
    for (let i = 0; i < 50_000_000; i++) x = (x * 48_271) % 2_147_483_647;
    return performance.now() - began + (x === 0 ? 1 : 0);
  });
  await close();
  return { empty, loop };
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
