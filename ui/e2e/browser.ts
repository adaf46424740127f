import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Where Debian's Chromium is; null where there is none. */
export function chromiumPath(): string | null {
  const named = process.env['CHROMIUM'];
  if (named !== undefined && named !== '') return named;
  return ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path)) ?? null;
}

/** True where the test may run. Where something is missing: an error in CI, a loud skip elsewhere. */
export function available(what: string, present: boolean): boolean {
  if (present) return true;
  if (process.env['CI']) throw new Error(`CI is set, and there is no ${what}`);
  console.warn(`\n!!! SKIPPED: there is no ${what}\n`);
  return false;
}

/** Playwright gives every launch a new, empty user data directory and removes it. */
export function launch(...more: readonly string[]): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath() ?? '', args: [...flags, ...more] });
}

export interface Visit {
  readonly page: Page;
  /** Console errors, errors of the page, and what the content security policy stopped. */
  readonly complaints: string[];
  shoot(name: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * A page in a context of its own. `tolerated` says which console errors are no complaint: Chromium itself writes one
 * for every response of 400 and above, and no page can keep it from doing so.
 */
export async function openPage(browser: Browser, options: BrowserContextOptions & { readonly tolerated?: RegExp } = {}): Promise<Visit> {
  const { tolerated, ...rest } = options;
  const context = await browser.newContext({ timezoneId: 'Europe/Berlin', viewport: { width: 1200, height: 900 }, ...rest });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    const line = `${message.text()} (${message.location().url})`;
    if (message.type() === 'error' && tolerated?.test(line) !== true) complaints.push(`console: ${line}`);
  });
  page.on('pageerror', (error) => complaints.push(`page: ${error.stack ?? error.message}`));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.exposeFunction('complain', (what: string) => complaints.push(what));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const { complain } = window as unknown as { complain: (what: string) => void };
      complain(`policy: ${event.violatedDirective} stopped ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`);
    });
  });
  return {
    page,
    complaints,
    async shoot(name) {
      const folder = process.env['SCREENSHOT_DIR'];
      if (folder === undefined || folder === '') return;
      mkdirSync(folder, { recursive: true });
      await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
    },
    close: () => context.close(),
  };
}

/** The console error that Chromium writes for a response with this status. */
export function statusNoise(status: number): RegExp {
  return new RegExp(`^Failed to load resource: the server responded with a status of ${status} .*/api/v1/journeys/`);
}

/** The console error that Chromium writes for a server that is not there. */
export const awayNoise = /^Failed to load resource: net::ERR_/;
