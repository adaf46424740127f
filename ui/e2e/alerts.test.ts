import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serious } from './axe';
import { available, chromiumPath, launch, openPage } from './browser';
import { startReceiver } from './receiver';
import type { Receiver } from './receiver';
import { binary, startProcess } from './server';
import type { Process } from './server';

const possible = [available('Chromium', chromiumPath() !== null), available('waybill binary (WAYBILL_BIN names none)', binary !== '')].every(Boolean);

const rules = (receiver: string): string => `
rules:
  - name: order-failed
    journey: verdict == "exception" && visited("bank")
    severity: critical
    labels: {team: payments}
    runbook: "https://wiki.example.com/order-failed?id={{.correlation_id}}"
    title: "{{.correlation_id}} failed"
    text: "{{.reason}}"
  - name: bank-speaks
    record: service == "bank"
    by: [service]
    keep: 10m
    severity: info
    runbook: "javascript:alert(1)"
    title: "<b>{{.service}}</b> speaks"
receivers:
  - name: ops
    webhook: {url: "${receiver}/ops"}
    allow_private: true
  - name: gone
    webhook: {url: "${receiver}/gone"}
    allow_private: true
route:
  receiver: ops
  group_by: [rule]
  group_wait: 0s
  routes:
    - {match: [severity = critical], receiver: gone, continue: true}
    - {match: [severity = critical], receiver: ops}
`;

// A demo whose order fails, rules that wait for that, and receivers that are really told.
describe.runIf(possible)('alerts of a demo that goes wrong', () => {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-rules-'));
  let browser: Browser;
  let receiver: Receiver;
  let demo: Process;
  let url: string;
  let order: string;

  beforeAll(async () => {
    receiver = await startReceiver();
    receiver.answers.set('/gone', 410);
    const file = join(folder, 'alerts.yaml');
    writeFileSync(file, rules(receiver.url));
    demo = startProcess('demo', ['-o', 'json', '--scenario', 'refused', '--alerts', file], ['gateway', 'registry', 'bank', 'game']);
    const look = JSON.parse(await demo.firstLine()) as { url: string; correlation_id: string };
    [url, order] = [new URL('/', look.url).href, look.correlation_id];
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
    await demo?.stop();
    await receiver?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = async (path: string, options: Parameters<typeof openPage>[1] = {}) => {
    const visit = await openPage(browser, options);
    await visit.page.goto(new URL(path, url).href);
    return visit;
  };

  it('shows what fires, the worst first, with ways to its journey and its runbook', async () => {
    const visit = await open('/alerts');
    const { page } = visit;
    const group = page.getByRole('region', { name: 'order-failed, 1 alert' });
    await group.getByRole('heading', { name: `${order} failed` }).waitFor();
    await page.getByRole('heading', { name: '2 alerts fire' }).waitFor();
    expect(await page.locator('.alert-group h2').allTextContents()).toEqual(['order-failed', 'bank-speaks']);
    expect(await group.locator('.alert-labels').textContent()).toBe('team payments');
    const runbook = group.getByRole('link', { name: 'Runbook' });
    expect([await runbook.getAttribute('href'), await runbook.getAttribute('rel')]).toEqual([`https://wiki.example.com/order-failed?id=${order}`, 'noopener noreferrer']);
    const other = page.getByRole('region', { name: 'bank-speaks, 1 alert' });
    await other.getByRole('heading', { name: '<b>bank</b> speaks' }).waitFor();
    await other.getByText('javascript:alert(1)').waitFor();
    expect(await other.getByRole('link').count()).toBe(0);
    await visit.shoot('alerts-firing');
    await group.getByRole('link', { name: /^Journey/ }).click();
    await page.locator('#verdict', { hasText: 'Failed' }).waitFor();
    await page.goBack();
    await group.waitFor();
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('shows the rules, and those that are always there', async () => {
    const visit = await open('/alerts?tab=rules');
    const { page } = visit;
    const row = page.getByRole('row', { name: /^order-failed/ });
    await row.getByText('1 firing').waitFor();
    await row.getByText('1 ×').waitFor();
    expect(await row.textContent()).toContain('verdict == "exception" && visited("bank")');
    await page.getByRole('row', { name: /^waybill-lag always there .* as it should be never$/ }).waitFor();
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('a test arrives at the receiver, and stands in the history with its own journey', async () => {
    const visit = await open('/alerts');
    const { page } = visit;
    await page.getByRole('heading', { name: '2 alerts fire' }).waitFor();
    await page.keyboard.press('4');
    await page.getByRole('button', { name: 'Send a test to ops' }).click();
    await page.getByText(/^The test arrived, in /).waitFor();
    const told = receiver.told.filter(({ type }) => type === 'alert.test');
    expect(told.map(({ path }) => path)).toEqual(['/ops']);

    await page.getByRole('button', { name: /Delivered.*Test of receiver ops/ }).click();
    const body = page.locator('.delivery-body:not(:empty)');
    await body.getByLabel('Request').getByText('alert.test').waitFor();
    expect(await body.getByLabel('Request').textContent()).toContain(`Webhook-Id: ${told[0]?.id}`);
    expect(await body.getByLabel('Answer').textContent()).toMatch(/^HTTP\/1\.1 200 OK[^]*taken, thank you$/);
    expect(new URL(page.url()).searchParams.get('delivery')).toContain(`ops ${told[0]?.id} `);
    await visit.shoot('alerts-deliveries');
    await body.getByRole('link', { name: 'Follow its own journey' }).click();
    await page.locator('#verdict', { hasText: 'Delivered' }).waitFor();
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('what was given up is sent again under its ID', async () => {
    const visit = await open('/alerts?tab=deliveries&receiver=gone&outcome=failed');
    const { page } = visit;
    await page.getByRole('button', { name: /Given up.*failed/ }).click();
    const body = page.locator('.delivery-body:not(:empty)');
    await body.getByText('<b>nobody</b> lives here').waitFor();
    await body.getByText('it answered 410 Gone').first().waitFor();
    receiver.answers.delete('/gone');
    await body.getByRole('button', { name: 'Send again' }).click();
    await page.getByRole('combobox', { name: 'Outcome' }).selectOption('');
    await page.getByRole('button', { name: /Delivered.*failed.*sent again 1 time/ }).waitFor();
    await body.getByRole('button', { name: 'Send again' }).waitFor({ state: 'hidden' });
    const ids = receiver.told.filter(({ path }) => path === '/gone').map(({ id }) => id);
    expect(ids.length).toBeGreaterThanOrEqual(2);
    expect(new Set(ids).size).toBe(1);
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('an alert is silenced, stays visible, and fires again once that ends', async () => {
    const visit = await open('/alerts', { tolerated: /status of 400/ });
    const { page } = visit;
    await page.getByRole('heading', { name: '2 alerts fire' }).waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('s');
    const dialog = page.getByRole('dialog', { name: 'Silence alerts' });
    const matchers = dialog.getByRole('textbox', { name: 'Matchers' });
    expect(await matchers.inputValue()).toBe(`alert = "order-failed/${order}"`);
    await dialog.getByText('Keeps 1 of the alerts now quiet.').waitFor();
    await matchers.fill('nonsense');
    await dialog.getByRole('button', { name: 'Silence' }).click();
    await dialog.getByText('No matcher: nonsense').waitFor();
    await matchers.fill('rule =~ "((a{100}){100}){100}"');
    await dialog.getByRole('button', { name: 'Silence' }).click();
    await dialog.getByText(/That was not done: .*the pattern/).waitFor();
    await matchers.fill('team = payments\nseverity != info');
    await dialog.getByText('Keeps 1 of the alerts now quiet.').waitFor();
    await dialog.getByText('8 hours').click();
    await dialog.getByRole('textbox', { name: /^Why/ }).fill('<i>known</i>');
    expect(await serious(page)).toEqual([]);
    await visit.shoot('alerts-silence');
    await dialog.getByRole('button', { name: 'Silence' }).click();
    await dialog.waitFor({ state: 'hidden' });

    await page.getByRole('heading', { name: '1 alert fires' }).waitFor();
    await page.getByText('Kept quiet').click();
    await page.getByText('Silenced until').waitFor();
    expect(await serious(page)).toEqual([]);
    await page.keyboard.press('3');
    const row = page.getByRole('row', { name: /^team="payments"/ });
    await row.getByText('<i>known</i>').waitFor();
    await row.getByText('8 h left').waitFor();
    expect(await serious(page)).toEqual([]);
    await row.getByRole('button', { name: /^End it now/ }).click();
    await page.getByText('No alert is silenced.').waitFor();
    await page.getByText(`New alert: ${order} failed`).waitFor({ state: 'attached' });
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('says who may not write why', async () => {
    const visit = await openPage(browser);
    const { page } = visit;
    await page.route('**/api/v1/me', (route) => route.fulfill({ json: { name: 'guest', role: 'read', services: [] } }));
    await page.goto(new URL('/alerts', url).href);
    await page.getByText('Your token may read. Silences need one that may write.').waitFor();
    expect(await page.getByRole('button', { name: /^Silence/ }).evaluateAll((buttons) => buttons.every((button) => (button as HTMLButtonElement).disabled))).toBe(true);
    await page.keyboard.press('4');
    await page.getByText('Your token may read. Tests and sending again need one of an administrator.').waitFor();
    expect(await page.getByRole('button', { name: 'Send a test to ops' }).isDisabled()).toBe(true);
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('says how to begin where nobody watches', async () => {
    const visit = await openPage(browser, { tolerated: /status of 404/ });
    const { page } = visit;
    await page.route('**/api/v1/alerts/rules', (route) => route.fulfill({ status: 404, json: { status: 404, detail: 'this server knows of no alerts' } }));
    await page.goto(new URL('/alerts', url).href);
    await page.getByRole('heading', { name: 'Nobody watches here yet' }).waitFor();
    await page.getByText('waybill up --alerts alerts.yaml').waitFor();
    expect(await serious(page)).toEqual([]);
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  it('says that the file is wrong, and that the rules hold as before', async () => {
    const visit = await open('/alerts');
    const { page } = visit;
    await page.getByRole('heading', { name: /alerts? fires?$/ }).waitFor();
    writeFileSync(join(folder, 'alerts.yaml'), `${rules(receiver.url)}colour: red\n`);
    await page.getByText(/colour/).waitFor();
    await page.getByRole('region', { name: 'order-failed, 1 alert' }).waitFor();
    writeFileSync(join(folder, 'alerts.yaml'), rules(receiver.url));
    await page.getByText(/colour/).waitFor({ state: 'hidden' });
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  const parts = [['/alerts?show=past', '.alert-group'], ['/alerts?tab=rules', '.table'], ['/alerts?tab=silences', '.nobody'], ['/alerts?tab=deliveries', '.delivery']] as const;
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const locale of ['en-US', 'zh-TW']) {
      it(`is accessible and fits 360 pixels, ${colorScheme}, ${locale}`, async () => {
        const visit = await openPage(browser, { colorScheme, locale, viewport: { width: 360, height: 740 } });
        const { page } = visit;
        for (const [path, ready] of parts) {
          await page.goto(new URL(path, url).href);
          await page.locator(ready).first().waitFor();
          if (ready === '.delivery') await page.locator('.delivery-head').first().click();
          expect(await serious(page), path).toEqual([]);
          expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBe(360);
          await visit.shoot(`alerts-narrow-${ready.slice(1)}-${colorScheme}-${locale}`);
        }
        expect(visit.complaints).toEqual([]);
        await visit.close();
      });
    }
  }
});
