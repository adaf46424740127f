import { describe, expect, it } from 'vitest';
import { codes } from '../finding';
import type { Code, Finding } from '../finding';
import { markedParts, unmarked } from '../marked';
import { sayFinding } from './finding';

const finding = (code: Code | null, more: Partial<Finding> = {}): Finding => ({
  code, service: 'bank', also: [], hop: 'h', operation: 'POST /buy', awaited: 'game', topic: 'orders', group: 'game', partition: 2, offset: 9, committed: 5,
  deserted: false, at: 0n, within: 30e9, status: 402, declared: 'delivered', saga: 'saga-1', count: 3, here: 1, number: 7, why: 'no money', because: null, ...more,
});
const clock = (): string => '12:00:00.000';
const backticks = (said: string | null): string | null =>
  said === null ? null : markedParts(said).map((part, i) => (i % 2 === 0 ? part : `\`${part}\``)).join('');

describe.each(['en', 'zh-TW'] as const)('findings in %s', (language) => {
  it('are said for every code', () => {
    const said = codes.map((code) => `${code}: ${backticks(sayFinding(finding(code), language, clock))}`);
    expect(said.join('\n')).toMatchSnapshot();
  });

  it('say little where little is known', () => {
    const bare = { service: '', topic: '', operation: '', awaited: '', partition: null, why: '', count: 0, because: null };
    const said = codes.map((code) => `${code}: ${backticks(sayFinding(finding(code, bare), language, clock))}`);
    expect(said.filter((line, i) => line !== `${codes[i]}: ${backticks(sayFinding(finding(codes[i] ?? null), language, clock))}`).join('\n')).toMatchSnapshot();
  });
});

it('says why', () =>
  expect(backticks(sayFinding(finding('undeclared', { because: finding('not_counted') }), 'en', clock)))
    .toBe('Every hop has ended, and nobody declared it delivered; `bank` writes records that no hop counts'));

it('has no words for a code to come', () => expect(sayFinding(finding(null), 'en', clock)).toBeNull());

it('keeps what is hostile a name', () => {
  const said = sayFinding(finding('not_picked_up', { service: 'a\u0002b\u0001<b>' }), 'en', clock) ?? '';
  expect(markedParts(said)[1]).toBe(String.raw`a\x02b\x01<b>`);
  expect(unmarked(said)).toContain('nobody has picked it up');
});
