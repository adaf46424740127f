import { describe, expect, it } from 'vitest';
import { calendarDay, clockTime, parseTime, relativeTime, shortDay, utcTime, zoneName } from './time';

describe('parseTime', () => {
  const reads = (text: string, want: bigint | null) => it(`${text} → ${want}`, () => expect(parseTime(text)).toBe(want));

  reads('1970-01-01T00:00:00Z', 0n);
  reads('2026-11-23T13:05:09.042000001Z', 1_795_439_109_042_000_001n);
  reads('2026-11-23T13:05:09.04Z', 1_795_439_109_040_000_000n);
  reads('2026-11-23T14:05:09.04+01:00', 1_795_439_109_040_000_000n);
  reads('2026-11-23T08:35:09.04-04:30', 1_795_439_109_040_000_000n);
  reads('2026-11-23t13:05:09z', 1_795_439_109_000_000_000n);
  reads('1969-12-31T23:59:59.999999999Z', -1n);
  reads('0001-01-01T00:00:00Z', -62_135_596_800_000_000_000n);
  reads('2024-02-29T00:00:00Z', 1_709_164_800_000_000_000n);

  reads('', null);
  reads('2026-11-23', null);
  reads('2026-11-23T13:05:09', null);
  reads('2026-11-23 13:05:09Z', null);
  reads('2026-02-29T00:00:00Z', null);
  reads('2026-13-01T00:00:00Z', null);
  reads('2026-11-23T24:00:00Z', null);
  reads('2026-11-23T13:05:09.0420000019Z', null);
  reads('2026-11-23T13:05:09.Z', null);
});

describe('what is shown', () => {
  const time = parseTime('2026-11-23T13:05:09.042999999Z') ?? 0n;

  it('cuts the clock to milliseconds', () => expect(clockTime(time)).toMatch(/^\d\d:\d\d:09\.042$/));
  it('keeps every digit in UTC', () => expect(utcTime(time)).toBe('2026-11-23T13:05:09.042999999Z'));
  it('keeps every digit before 1970', () => expect(utcTime(-1n)).toBe('1969-12-31T23:59:59.999999999Z'));
  it('writes the month out', () => expect(calendarDay(time)).toMatch(/^2[34] November 2026$/));
  it('names the zone', () => expect(zoneName(time)).toMatch(/^UTC(?:[+−]\d\d:\d\d)?$/));
});

describe('shortDay', () => {
  const now = 1_795_439_109_042_000_001n; // 2026-11-23
  it('leaves out the year of now', () => expect(shortDay(now, now, 'utc', 'en')).toBe('23 Nov'));
  it('says another year', () => expect(shortDay(0n, now, 'utc', 'en')).toBe('1 Jan 1970'));
  it('speaks the reader’s language', () => expect(shortDay(now, now, 'utc', 'zh-TW')).toBe('11月23日'));
});

describe('relativeTime', () => {
  const now = 1_795_439_109_042_000_001n;
  it('says the largest unit that is full', () =>
    expect([3n, 59n, 61n, 7200n, 200_000n].map((s) => relativeTime(now - s * 1_000_000_000n, now, 'en'))).toEqual([
      '3 seconds ago', '59 seconds ago', '1 minute ago', '2 hours ago', '2 days ago',
    ]));
  it('knows what is to come', () => expect(relativeTime(now + 120_000_000_000n, now, 'en')).toBe('in 2 minutes'));
  it('speaks the reader’s language', () => expect(relativeTime(now - 240_000_000_000n, now, 'zh-TW')).toBe('4 分鐘前'));
});
