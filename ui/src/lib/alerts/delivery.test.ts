import { describe, expect, it } from 'vitest';
import { headAndBody, lastSendings, newTest, outcomeOf, tallyOf } from './delivery';
import { firedByRule } from './fired';
import { parseGoDuration } from './go-duration';
import { runbookHref } from './runbook';
import { silenceWish } from './silence';

const delivery = (receiver: string, id: string, outcome: string, test = false) => ({ receiver, id, outcome, test, queued: '' });

describe('deliveries', () => {
  const list = [delivery('ops', '3', 'pending', true), delivery('mail', '2', 'failed'), delivery('ops', '1', 'delivered', true), delivery('old', '0', 'delivered')];

  it('are counted by receiver, in the order of the file, and those it no longer has last', () => {
    expect(tallyOf(['mail', 'ops', 'new'], list).map(({ receiver, delivered, failed, pending, last }) => [receiver, delivered, failed, pending, last?.id ?? null])).toEqual([
      ['mail', 0, 1, 0, '2'], ['ops', 1, 0, 1, '3'], ['new', 0, 0, 0, null], ['old', 1, 0, 0, '0'],
    ]);
  });

  it('have the test that was not there before', () => {
    expect(newTest(list, 'ops', new Set(['1']))?.id).toBe('3');
    expect(newTest(list, 'ops', new Set(['1', '3']))).toBeNull();
    expect(newTest(list, 'mail', new Set())).toBeNull();
  });

  it('are on their way where their outcome is none that is known', () => expect(outcomeOf('teleported')).toBe('pending'));

  it('that were sent again are not sent again once more', () => {
    const sent = (receiver: string, queued: string) => ({ ...delivery(receiver, '1', 'failed'), queued });
    expect([...lastSendings([sent('ops', 't3'), sent('mail', 't2'), sent('ops', 't1')])]).toEqual(['ops 1 t3', 'mail 1 t2']);
  });

  it('have heads that end at the first empty line', () => {
    expect(headAndBody('POST /x\r\nA: b\r\n\r\n{"c":\n\n1}')).toEqual({ head: 'POST /x\nA: b', body: '{"c":\n\n1}' });
    expect(headAndBody('EHLO x')).toEqual({ head: 'EHLO x', body: '' });
  });
});

describe('rules', () => {
  it('have fired as often as is known of now and before', () => {
    const fired = firedByRule([{ rule: 'a', status: 'firing' }, { rule: 'a', status: 'pending' }, { rule: 'b', status: 'pending' }], [{ rule: 'a' }, { rule: 'c' }]);
    expect([...fired]).toEqual([['a', { now: 1, past: 1 }], ['c', { now: 0, past: 1 }]]);
  });

  it('say durations as Go writes them', () => {
    expect(['0s', '1h0m0s', '1m30.5s', '250ms', '', '5', 'soon', '1m x'].map(parseGoDuration)).toEqual([0, 3600e9, 90.5e9, 0.25e9, null, null, null, null]);
  });
});

describe('a runbook', () => {
  it('leads to the web only', () => {
    expect(runbookHref(' https://wiki.example.com/a b ')).toBe('https://wiki.example.com/a%20b');
    expect(runbookHref('http://wiki')).toBe('http://wiki/');
    for (const bad of ['javascript:alert(1)', 'JAVASCRIPT:alert(1)', ' java\tscript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', '//wiki', '/wiki', 'see the wiki', '']) expect(runbookHref(bad), bad).toBeNull();
  });
});

describe('a silence', () => {
  const now = Date.parse('2026-11-26T12:00:00Z');
  it('is asked for with a span, or until a time', () => {
    expect(silenceWish(['rule = x'], '2h', '', ' moving ', now)).toEqual({ match: ['rule = x'], for: '2h', comment: 'moving' });
    expect(silenceWish(['rule = x'], '2h', '2026-11-27T12:00:00Z', '', now)).toEqual({ match: ['rule = x'], ends: '2026-11-27T12:00:00.000Z' });
  });
  it('is not asked for about nothing, nor until a time that is over', () => {
    expect(silenceWish([], '2h', '', '', now)).toBe('matchers');
    expect(silenceWish(['rule = x'], '2h', '2026-11-26T11:59:00Z', '', now)).toBe('ends');
    expect(silenceWish(['rule = x'], '2h', 'tomorrow', '', now)).toBe('ends');
  });
});
