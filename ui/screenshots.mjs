// Takes the README's pictures: of a demo under load, with the binary that WAYBILL_BIN names, into docs/images.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { chromium } from 'playwright-core';

const data = mkdtempSync(join(tmpdir(), 'waybill-pictures-'));
const listeners = ['query', 'gateway', 'registry', 'bank', 'game', 'kafka', 'collector', 'otlp-http', 'otlp-grpc'];
const addresses = listeners.flatMap((name) => [`--${name}-addr`, '127.0.0.1:0']);
const demo = spawn(process.env.WAYBILL_BIN ?? '../bin/waybill', ['demo', '-o', 'json', '--load', '10/s', '--data', data, ...addresses], { stdio: ['ignore', 'pipe', 'ignore'] });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const line = await new Promise((resolve, reject) => {
    let printed = '';
    demo.once('exit', () => reject(new Error('the demo has ended')));
    demo.stdout.on('data', (chunk) => {
      printed += chunk;
      if (printed.includes('\n')) resolve(printed.split('\n')[0]);
    });
  });
  const look = JSON.parse(line);
  await wait(20_000); // so that there is something to see
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1.5 });
  const pictures = [
    ['journey', `/?id=${look.correlation_id}&view=timeline`, 'canvas'],
    ['map', '/map', 'main svg'],
    ['tail', '/tail?q=service%3A(bank+OR+game)', '.record-row'],
  ];
  for (const [name, path, ready] of pictures) {
    await page.goto(new URL(path, look.url).href);
    await page.locator(ready).first().waitFor();
    await wait(2500);
    await page.screenshot({ path: new URL(`../docs/images/${name}.png`, import.meta.url).pathname });
  }
} finally {
  await browser.close();
  demo.kill('SIGTERM');
  await new Promise((resolve) => {
    demo.once('exit', resolve);
  });
  rmSync(data, { recursive: true, force: true });
}
