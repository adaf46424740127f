import { describe, expect, it } from 'vitest';
import { matched, matcherFor, matcherLines, parseMatcher } from './matcher';
import type { Labelled, Matcher } from './matcher';

describe('a matcher', () => {
  it('is read as the server reads it', () => {
    const read = (text: string): unknown => {
      const one = parseMatcher(text);
      return one === null ? null : [one.label, one.operator, one.value];
    };
    expect(read('severity = critical')).toEqual(['severity', '=', 'critical']);
    expect(read('team!=web')).toEqual(['team', '!=', 'web']);
    expect(read('rule =~ "bank-.*"')).toEqual(['rule', '=~', 'bank-.*']);
    expect(read('rule !~ a=b')).toEqual(['rule', '!~', 'a=b']);
    expect(read('service.name = "a \\"b\\""')).toEqual(['service.name', '=', 'a "b"']);
    expect(read('team =')).toEqual(['team', '=', '']);
    for (const bad of ['', 'nonsense', '= x', '1a = x', 'a ! b', 'a = "x', 'a = "x" y', 'a b = c']) expect(read(bad), bad).toBeNull();
  });

  it('for a value is read as that value, whatever is in it', () => {
    for (const value of ['x', 'rule/01a2', 'a "b" \\ c', 'line\nbreak', '鍵 ≠ =~', ' padded ']) {
      const text = matcherFor('alert', value);
      expect(matcherLines(text)).toEqual([text]);
      expect(parseMatcher(text)).toEqual({ label: 'alert', operator: '=', value });
    }
  });
});

describe('matchers', () => {
  const alert: Labelled = { key: 'r/1', rule: 'r', severity: 'critical', correlation_id: 'c', labels: { team: 'payments' } };
  const ask = (...texts: readonly string[]): number | null => matched([alert], texts.map((text) => parseMatcher(text)).filter((one): one is Matcher => one !== null))?.length ?? null;

  it('all have to match', () => {
    expect(ask('rule = r', 'severity = critical', 'alert = r/1', 'correlation_id = c', 'team = payments')).toBe(1);
    expect(ask('rule = r', 'team = web')).toBe(0);
    expect(ask('team != web')).toBe(1);
    expect(ask('team != payments')).toBe(0);
  });

  it('find a label that is not there empty', () => {
    expect(ask('stage = ""')).toBe(1);
    expect(ask('stage != x')).toBe(1);
    expect(ask('constructor = ""')).toBe(1);
  });

  it('with patterns are the server’s to say', () => expect(ask('rule =~ "r.*"')).toBeNull());
});
