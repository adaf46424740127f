import { describe, expect, it } from 'vitest';
import { bySeverity, distinct, groupByRule, standingOf } from './alert';
import type { AlertFacts } from './alert';
import { newsOfAlerts } from './news';

const alert = (key: string, more: Partial<AlertFacts> = {}): AlertFacts => ({
  key, rule: key.replace(/\/.*/, ''), status: 'firing', severity: 'warning', quiet: false, silenced_by: [], ...more,
});

describe('alerts', () => {
  it('fire only where receivers may be told', () => {
    expect(standingOf(alert('a'))).toBe('firing');
    expect(standingOf(alert('a', { status: 'pending', quiet: true }))).toBe('pending');
    expect(standingOf(alert('a', { quiet: true }))).toBe('quiet'); // by another alert
    expect(standingOf(alert('a', { silenced_by: ['s'] }))).toBe('quiet'); // somebody was told before
  });

  it('stand under their rule, the worst rule first, and in the order of the server', () => {
    const groups = groupByRule([alert('info/1', { severity: 'info' }), alert('b/2'), alert('a/1'), alert('worst/9', { severity: 'critical' }), alert('b/1')]);
    expect(groups.map(({ rule, severity, alerts }) => [rule, severity, ...alerts.map(({ key }) => key)])).toEqual([
      ['worst', 'critical', 'worst/9'], ['b', 'warning', 'b/2', 'b/1'], ['a', 'warning', 'a/1'], ['info', 'info', 'info/1'],
    ]);
  });

  it('stand there once, since the first began, and firing where one of the same key does', () => {
    const at = (key: string, starts: number, more: Partial<AlertFacts> = {}) => ({ ...alert(key, more), starts });
    const found = distinct([at('a', 9), at('b', 8), at('a', 7), at('b', 6, { status: 'pending' }), at('c', 5, { status: 'pending' }), at('c', 4)]);
    expect(found.map(({ key, starts, status }) => [key, starts, status])).toEqual([['a', 7, 'firing'], ['b', 8, 'firing'], ['c', 4, 'firing']]);
  });

  it('are counted by severity', () => {
    expect(bySeverity([alert('a', { severity: 'info' }), alert('b', { severity: 'critical' }), alert('c', { severity: 'info' })])).toEqual([
      { severity: 'critical', count: 1 }, { severity: 'info', count: 2 },
    ]);
  });
});

describe('news of alerts', () => {
  it('is what began and how many ended', () => {
    const found = newsOfAlerts([alert('old'), alert('stays')], [alert('new'), alert('stays')]);
    expect(found?.began.map(({ key }) => key)).toEqual(['new']);
    expect(found?.ended).toBe(1);
  });

  it('is not that a pending alert came, but that it fires', () => {
    expect(newsOfAlerts([], [alert('a', { status: 'pending' })])).toBeNull();
    expect(newsOfAlerts([alert('a', { status: 'pending' })], [alert('a')])?.began).toHaveLength(1);
  });

  it('is that an alert is kept quiet', () => {
    expect(newsOfAlerts([alert('a')], [alert('a', { silenced_by: ['s'] })])).toEqual({ began: [], ended: 1 });
  });
});
