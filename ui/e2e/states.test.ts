import type { Browser, BrowserContextOptions, Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { available, awayNoise, chromiumPath, launch, openPage, statusNoise } from './browser';
import type { Visit } from './browser';
import { found, golden, problem, startFixtureServer } from './fixture-server';
import type { FixtureServer, Journeys } from './fixture-server';

const names = ['delivered', 'demo', 'in-transit', 'failed', 'lossy', 'hostile'] as const;
const ids = Object.fromEntries(names.map((name) => [name, String(golden(name)['correlation_id'])])) as Record<(typeof names)[number], string>;

const store: Journeys = ({ id }) => {
  const name = names.find((known) => ids[known] === id);
  return name === undefined ? problem(404, `no journey ${id}`) : found(golden(name));
};

// The states that a live demo does not show, against a server that answers as each test says.
describe.runIf(available('Chromium', chromiumPath() !== null))('the page', () => {
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
  afterEach(async () => {
    await visit?.close();
    server.journeys = store;
    server.asked.length = 0;
  });

  async function open(path: string, options: BrowserContextOptions & { readonly tolerated?: RegExp } = {}): Promise<Visit['page']> {
    visit = await openPage(browser, options);
    await visit.page.goto(server.url + path);
    await visit.page.locator('main').waitFor();
    return visit.page;
  }
  const pathOf = (name: (typeof names)[number]) => `/?id=${encodeURIComponent(ids[name])}`;
  const verdict = () => visit.page.locator('#verdict').textContent();
  const hop = (n: number) => visit.page.locator(`#hop-${n}`);

  // Records are drawn once their list is open.
  async function unfold(stop: Locator): Promise<void> {
    await stop.locator('.records > summary').click();
    await stop.locator('.record-row').first().waitFor();
  }

  it('takes an ID by keyboard alone and keeps it in the address', async () => {
    const page = await open('/');
    await page.locator('#tracking-number:focus').waitFor();
    await visit.shoot('start');
    await page.keyboard.type(`  x-correlation-id: ${ids.delivered} `);
    await page.keyboard.press('Enter');
    await page.waitForSelector('#verdict');
    expect(await verdict()).toBe('Delivered');
    expect(new URL(page.url()).search).toBe(`?id=${ids.delivered}`);
    expect(await page.title()).toBe('Delivered · f19e03b7 · Waybill');
    await visit.shoot('delivered');

    await page.goBack();
    await page.getByRole('heading', { name: 'Where did it go?' }).waitFor();
    await page.goForward();
    await page.waitForSelector('#verdict');
    expect(visit.complaints).toEqual([]);
  });

  it('draws a delivered journey in the order it was given, hop by hop', async () => {
    const page = await open(pathOf('delivered'), { tolerated: /status of 404 .*\/records\/context/ });
    await page.waitForSelector('#verdict');
    expect(await page.locator('.hop h3 .service bdi').allTextContents()).toEqual(['gateway', 'bank', 'game', 'gateway']);
    expect(await hop(4).locator('h3').textContent()).toContain('2nd visit');
    const legs = (await page.locator('.leg-words').allInnerTexts()).map((words) => words.replaceAll(/\s+/g, ' '));
    expect(legs).toEqual([
      'HTTP · 1.2 ms',
      'Kafka payments.accepted · partition 2 · offset 15 · waited 7.4 ms in the queue · group game',
      'Kafka items.granted · partition 0 · offset 9 · waited 7.9 ms in the queue · group gateway',
    ]);
    expect(await page.locator('.proof .badge').textContent()).toBe('Proved complete');
    expect(await page.locator('.late').textContent()).toMatch(/ago: what happened since may be missing here$/); // this answer is of another day
    expect(await page.locator('#correlation-id').textContent()).toBe(ids.delivered);

    const first = hop(1).locator('time').first();
    expect(await first.textContent()).toBe('14:05:09.042'); // Berlin
    expect(await first.getAttribute('title')).toBe('2026-11-23T13:05:09.042000000Z');

    expect(await hop(2).locator('.record-row').count()).toBe(0);
    await unfold(hop(2));
    expect(await hop(2).locator('.record-says > bdi:first-of-type').allTextContents()).toEqual(['POST /payments', 'account locked for update', 'payment accepted', 'POST /payments']);
    await hop(2).getByText('payment accepted').click();
    expect(await page.locator('.record-panel .record-field', { hasText: 'payment.id' }).count()).toBe(1);
    expect(await page.locator('.record-carrier').count()).toBe(0); // it came over HTTP
    await page.keyboard.press('Escape');
    await page.locator('.record-panel').waitFor({ state: 'detached' });
    await unfold(hop(3));
    await hop(3).locator('.record-row').first().click();
    expect(await page.locator('.record-carrier dl').innerText()).toMatch(/payments\.accepted\s+Partition\s+2\s+Offset\s+15\s+Group\s+game/);
    expect(visit.complaints).toEqual([]);
  });

  it('takes what one process did at a visit for one visit', async () => {
    const page = await open(pathOf('demo'));
    await page.waitForSelector('#verdict');
    expect(await page.locator('.track-head > p').textContent()).toContain('4 visits at 3 stations');
    expect(await page.locator('.hop').evaluateAll((hops) => hops.map((one) => one.dataset['inside']))).toEqual(['false', 'false', 'true', 'false', 'true', 'false']);
    expect(await hop(6).locator('h3').textContent()).toContain('2nd visit');
    await unfold(hop(1));
    expect((await hop(1).locator('.record-kind').allInnerTexts()).map((words) => words.replaceAll(/[\s·]+/g, ' ').trim())).toEqual(['arrived', 'call sent', 'call answered', 'left']);
    await visit.shoot('recorded-demo');
    expect(visit.complaints).toEqual([]);
  });

  it('says why it is in this order', async () => {
    const page = await open(pathOf('delivered'));
    await page.getByText('How this was ordered').click();
    expect(await page.locator('.order p').textContent()).toContain('By cause, not by clock');
  });

  it('copies the tracking number', async () => {
    const page = await open(pathOf('delivered'), { permissions: ['clipboard-read', 'clipboard-write'] });
    await page.getByRole('button', { name: 'Copy the tracking number' }).click();
    await page.locator('.copy', { hasText: 'Copied' }).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(ids.delivered);
  });

  it('follows a journey in transit until it is delivered, without flicker', async () => {
    const page = await open(pathOf('in-transit'));
    await page.waitForSelector('#verdict');
    expect(await verdict()).toBe('In transit');
    expect(await page.locator('.following').isVisible()).toBe(true);
    expect(await hop(3).getAttribute('data-outcome')).toBe('open');
    expect(await hop(3).locator('.tag').textContent()).toBe('Still open');
    expect(await hop(3).locator('.leg').last().innerText()).toContain('nobody has picked it up yet');
    await visit.shoot('in-transit');

    // What a person opened stays open, and every element stays the same one, while answers come in.
    await unfold(hop(1));
    await page.evaluate(() => {
      const marked = window as unknown as { verdict: Element | null; removed: number };
      marked.verdict = document.querySelector('#verdict');
      marked.removed = 0;
      new MutationObserver((changes) => {
        for (const change of changes) marked.removed += change.removedNodes.length;
      }).observe(document.body, { childList: true, subtree: true });
    });
    const before = server.asked.length;
    await expect.poll(() => server.asked.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(before + 4);
    const times = server.asked.slice(before, before + 4).map((question) => question.at);
    expect((times[3] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(2900); // once a second, not oftener
    expect(await page.evaluate(() => (window as unknown as { removed: number }).removed)).toBe(0);
    expect(await hop(1).locator('details.records').getAttribute('open')).not.toBeNull();

    server.journeys = () => found({ ...golden('delivered'), correlation_id: ids['in-transit'] });
    await page.locator('#verdict', { hasText: 'Delivered' }).waitFor();
    // What is new is told to those who hear the page, and marked for those who see it.
    await page.getByRole('status').filter({ hasText: 'Delivered. 1 new hop, 6 new records' }).waitFor();
    expect(await hop(4).locator('.record-new').textContent()).toBe('New');
    expect(await page.locator('.record-new').count()).toBe(1);
    expect(await page.evaluate(() => (window as unknown as { verdict: Element }).verdict.textContent)).toBe('Delivered');
    expect(await hop(1).locator('details.records').getAttribute('open')).not.toBeNull();
    const after = server.asked.length;
    await page.waitForTimeout(1500);
    expect(server.asked.length).toBe(after);
    expect(visit.complaints).toEqual([]);
  });

  it('keeps what it knows while the server is away', async () => {
    const page = await open(pathOf('in-transit'), { tolerated: awayNoise });
    await page.waitForSelector('#verdict');
    server.journeys = () => null;
    await page.getByText('The server does not answer. This is what was known at').waitFor();
    expect(await verdict()).toBe('In transit');
    await visit.shoot('away');
    server.journeys = () => found(golden('delivered'));
    await page.locator('#verdict', { hasText: 'Delivered' }).waitFor();
    expect(await page.locator('.away').count()).toBe(0);
    expect(visit.complaints).toEqual([]);
  });

  it('shows at once what failed', async () => {
    const page = await open(pathOf('failed'), { colorScheme: 'dark' });
    await page.waitForSelector('#verdict');
    expect(await verdict()).toBe('Failed');
    expect(await hop(2).locator('.tag').textContent()).toBe('Failed');
    expect(await hop(2).locator('.operation').innerText()).toContain('HTTP 402');
    expect(await hop(2).locator('.hop-error').textContent()).toBe('account a-3391: balance 4.10 EUR, wanted 12.00 EUR');
    await hop(2).locator('.record-failed').getByText('*bank.BalanceError: account a-3391').first().waitFor();
    expect(await page.locator('.route strong').allTextContents()).toEqual(['2 errors', '2 errors']);
    await visit.shoot('failed-dark');
    expect(visit.complaints).toEqual([]);
  });

  it('says which records are missing, where clocks disagree, and what nothing leads to', async () => {
    const page = await open(pathOf('lossy'));
    await page.waitForSelector('#verdict');
    expect(await page.locator('.proof .badge').textContent()).toBe('Records missing');
    await page.locator('.paper', { hasText: 'Missing records' }).locator('summary').click();
    await page.getByRole('cell', { name: '42–44, 47' }).waitFor();
    expect(await hop(2).locator('.missing').textContent()).toBe('4 records proved missing: 42–44, 47');
    expect(await hop(2).locator('.leg').innerText()).toContain('the two clocks disagree');
    expect(await hop(4).locator('.unlinked').isVisible()).toBe(true);
    expect(await hop(4).locator('.day').textContent()).toBe('24 November 2026');
    await page.getByRole('heading', { name: 'At no known station' }).waitFor();
    await visit.shoot('lossy');
    expect(visit.complaints).toEqual([]);
  });

  it('shows hostile text as text', async () => {
    const page = await open(pathOf('hostile'));
    await page.waitForSelector('#verdict');
    const evil = `<img src=x onerror="document.title='pwned'">`;
    expect(await page.locator('.reason').textContent()).toBe(evil);
    expect(await hop(1).locator('.record-says > bdi').first().textContent()).toBe(evil);
    expect(await hop(1).locator('.record-row').nth(1).locator('.record-says > bdi').first().textContent()).toContain(String.raw`\x1b[31mred`);
    expect(await page.locator('img, iframe, script:not([src]), marquee, b, main a[href^="javascript"]').count()).toBe(0);
    expect(await page.title()).toBe('Failed · t>/?#%2e · Waybill');
    expect(await page.locator('#correlation-id').textContent()).toBe(ids.hostile);
    await visit.shoot('hostile');
    expect(visit.complaints).toEqual([]);
  });

  it('asks for a token, says when it is refused, and sends it', async () => {
    server.journeys = ({ authorization }) => (authorization === 'Bearer s3cret' ? found(golden('delivered')) : problem(401, 'a token is needed'));
    const page = await open(pathOf('delivered'), { tolerated: statusNoise(401) });
    await page.getByRole('heading', { name: 'This Waybill asks for a token' }).waitFor();
    await visit.shoot('token');
    await page.keyboard.type('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('The server did not accept that token.').waitFor();
    await page.getByLabel('Access token').fill('s3cret');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForSelector('#verdict');
    await page.reload();
    await page.waitForSelector('#verdict');
    expect(server.asked.at(-1)?.authorization).toBe('Bearer s3cret');
    expect(page.url()).not.toContain('s3cret');
    expect(visit.complaints).toEqual([]);
  });

  it('says when nothing is known, and finds what arrives later', async () => {
    let known = false;
    server.journeys = () => (known ? found(golden('delivered')) : problem(404, 'no such journey'));
    const page = await open('/?id=unknown', { tolerated: statusNoise(404) });
    await page.getByRole('heading', { name: 'No journey found' }).waitFor();
    await visit.shoot('not-found');
    known = true;
    await page.locator('#verdict', { hasText: 'Delivered' }).waitFor();
    expect(visit.complaints).toEqual([]);
  });

  it('lets choose where an ID means several journeys', async () => {
    server.journeys = (asked) =>
      asked.id === ids.delivered ? store(asked) : {
        status: 409,
        body: {
          detail: 'several journeys share this ID',
          choices: [{ correlation_id: 'AB/1', kind: '', start: null }, { correlation_id: ids.delivered, verdict: 'delivered', kind: 'POST /purchases', start: '2026-11-23T13:05:09.042Z' }],
        },
      };
    const page = await open('/?id=ab%2F1', { tolerated: statusNoise(409) });
    await page.getByRole('heading', { name: 'Which of these?' }).waitFor();
    expect(await page.getByRole('link', { name: 'AB/1' }).getAttribute('href')).toBe('/?id=AB%2F1');
    expect(await page.getByRole('link', { name: 'AB/1' }).textContent()).toContain('Nothing more is known of it yet');
    expect((await page.getByRole('link', { name: ids.delivered }).innerText()).split('\n')).toEqual([ids.delivered, 'Delivered', 'POST /purchases', expect.stringContaining('14:05:09.042')]);
    await visit.shoot('ambiguous');
    await page.getByRole('link', { name: ids.delivered }).click();
    await page.waitForSelector('#verdict');
    expect(visit.complaints).toEqual([]);
  });

  it('draws what else can go wrong', async () => {
    server.journeys = () => problem(400, 'ID has 200 characters');
    let page = await open('/?id=bad', { tolerated: statusNoise(400) });
    await page.getByRole('heading', { name: 'That cannot be asked' }).waitFor();
    expect(await page.locator('.detail').textContent()).toBe('ID has 200 characters');
    expect(visit.complaints).toEqual([]);
    await visit.close();

    server.journeys = () => problem(500, 'internal error');
    page = await open('/?id=ill', { tolerated: statusNoise(500) });
    await page.getByRole('heading', { name: 'The server could not answer' }).waitFor();
    await visit.shoot('server-error');
    server.journeys = store;
    await visit.close();

    server.journeys = () => null;
    page = await open('/?id=away', { tolerated: awayNoise });
    await page.getByRole('heading', { name: 'The server does not answer' }).waitFor();
    server.journeys = () => found('<html>');
    await page.getByRole('button', { name: 'Ask again' }).click();
    await page.getByRole('heading', { name: 'The answer made no sense' }).waitFor();
    expect(visit.complaints).toEqual([]);
  });

  it('says so when the box holds no ID, and asks nobody', async () => {
    const page = await open('/');
    await page.getByRole('button', { name: 'Track' }).click();
    expect(await page.getByRole('alert').textContent()).toBe('Enter a tracking number first.');
    await page.getByRole('textbox', { name: 'Tracking number' }).fill('..');
    await page.keyboard.press('Enter');
    await page.getByText('Dots alone are not a tracking number').waitFor();
    expect(server.asked).toEqual([]);
    expect(visit.complaints).toEqual([]);
  });

  it('draws waiting', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.journeys = async (asked) => {
      await held;
      return store(asked);
    };
    const page = await open(pathOf('delivered'));
    await page.getByText('Looking for f19e03b7').waitFor();
    release();
    await page.waitForSelector('#verdict');
  });

  for (const name of names) {
    it(`fits 360 pixels: ${name}`, async () => {
      const page = await open(pathOf(name), { viewport: { width: 360, height: 740 }, colorScheme: 'dark', reducedMotion: 'reduce' });
      await page.waitForSelector('#verdict');
      for (const details of await page.locator('.order, .records, .paper').all()) {
        if ((await details.getAttribute('open')) === null) await details.locator('> summary').click();
      }
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
      await visit.shoot(`${name}-360-dark`);
    });
  }

  it('stays quick with a thousand hops', async () => {
    const base = golden('delivered');
    const [first] = base['hops'] as Record<string, unknown>[];
    const [scan] = base['records'] as Record<string, unknown>[];
    const many = Array.from({ length: 1000 }, (_, i) => ({ ...first, id: `hop${i}`, service: `service-${i % 40}`, parent: i === 0 ? '' : `hop${i - 1}` }));
    const scans = many.flatMap((one) => Array.from({ length: 10 }, (_, i) => ({ ...scan, 'span.id': one.id, message: `record ${i}` })));
    server.journeys = () => found({ ...base, hops: many, legs: [], records: scans });
    const page = await open(pathOf('delivered'));
    await page.locator('#hop-30').waitFor();
    expect(await page.locator('.hop').count()).toBe(30);
    await page.getByRole('button', { name: 'Show 30 more' }).click();
    await page.locator('#hop-60').waitFor();
    expect(visit.complaints).toEqual([]);
  });
});
