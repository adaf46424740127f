/** Nanoseconds since 1970-01-01T00:00:00Z. A number would lose digits after 2^53, which was in 1970. */
export type Nanos = bigint;

const SECOND = 1_000_000_000n;
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** Reads RFC 3339 with up to nine fraction digits; null for anything else. */
export function parseTime(text: string): Nanos | null {
  // A journey has its hundred thousand times within few minutes.
  const minute = UTC_SECONDS.test(text) ? startOf(text.slice(0, 17)) : null;
  if (minute === null) return parseAny(text);
  const fraction = text.length > 20 ? Number(text.slice(20, -1).padEnd(9, '0')) : 0;
  return minute + BigInt(Number(text.slice(17, 19)) * 1e9 + fraction);
}

const UTC_SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d(?:\.\d{1,9})?Z$/;
const MOST_MINUTES = 10_000;
const minutes = new Map<string, Nanos | null>();

/** `2026-11-23T13:05:` */
function startOf(prefix: string): Nanos | null {
  let start = minutes.get(prefix);
  if (start === undefined) {
    if (minutes.size === MOST_MINUTES) minutes.clear();
    minutes.set(prefix, (start = parseAny(`${prefix}00Z`)));
  }
  return start;
}

function parseAny(text: string): Nanos | null {
  const match = RFC3339.exec(text);
  if (match === null) return null;
  const part = (i: number): number => Number(match[i] ?? 0);
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)];
  const offsetHour = part(9);
  const offsetMinute = part(10);
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59) return null;

  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // Date.UTC would read the years 0 to 99 as 1900 to 1999
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  date.setUTCHours(hour, minute, second);

  const offset = (offsetHour * 60 + offsetMinute) * 60 * (match[8] === '-' ? -1 : 1);
  const fraction = BigInt((match[7] ?? '').padEnd(9, '0'));
  return BigInt(date.getTime() / 1000 - offset) * SECOND + fraction;
}

/** How times are shown: how long ago, or as a clock in the reader's zone or in UTC. */
export const timeModes = ['relative', 'local', 'utc'] as const;
export type TimeMode = (typeof timeModes)[number];
export type Zone = 'local' | 'utc';

/** `14:05:09.042`. Cut, not rounded, so that a clock never shows a moment that had not come. */
export function clockTime(time: Nanos, zone: Zone = 'local'): string {
  const date = toDate(time);
  const two = (n: number): string => String(n).padStart(2, '0');
  const [h, m, s, ms] =
    zone === 'utc'
      ? [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds(), date.getUTCMilliseconds()]
      : [date.getHours(), date.getMinutes(), date.getSeconds(), date.getMilliseconds()];
  return `${two(h)}:${two(m)}:${two(s)}.${String(ms).padStart(3, '0')}`;
}

/** `23 November 2026`, or what that is in another language. */
export function calendarDay(time: Nanos, zone: Zone = 'local', language = 'en-GB'): string {
  return dayFormat(language === 'en' ? 'en-GB' : language, zone).format(toDate(time));
}

/** `26 Nov`, for lists; the year is said where it is another than now's. */
export function shortDay(time: Nanos, now: Nanos, zone: Zone = 'local', language = 'en-GB'): string {
  const year = (at: Nanos): string => calendarYear(zone).format(toDate(at));
  const name = language === 'en' ? 'en-GB' : language;
  return (year(time) === year(now) ? shortFormat : shortYearFormat)(name, zone).format(toDate(time));
}

/** `4 minutes ago`, `in 2 hours`: the largest unit that is full. */
export function relativeTime(time: Nanos, now: Nanos, language: string): string {
  const seconds = Number(time - now) / 1e9;
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return relativeFormat(language).format(Math.trunc(seconds / size), unit);
  }
  return relativeFormat(language).format(0, 'second');
}

const units = [['day', 86_400], ['hour', 3600], ['minute', 60], ['second', 1]] as const;

// Formats take longer to make than to use, and lists use them by the thousand.
const dayFormat = memo((language: string, zone: Zone) =>
  new Intl.DateTimeFormat(language, { day: 'numeric', month: 'long', year: 'numeric', ...zoneOf(zone) }));
const shortFormat = memo((language: string, zone: Zone) => new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short', ...zoneOf(zone) }));
const shortYearFormat = memo((language: string, zone: Zone) => new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short', year: 'numeric', ...zoneOf(zone) }));
const calendarYear = memo((zone: Zone) => new Intl.DateTimeFormat('en', { year: 'numeric', ...zoneOf(zone) }));
const relativeFormat = memo((language: string) => new Intl.RelativeTimeFormat(language, { numeric: 'auto' }));

function zoneOf(zone: Zone): Intl.DateTimeFormatOptions {
  return zone === 'utc' ? { timeZone: 'UTC' } : {};
}

function memo<A extends string[], T>(make: (...args: A) => T): (...args: A) => T {
  const made = new Map<string, T>();
  return (...args) => {
    const key = args.join(' ');
    let value = made.get(key);
    if (value === undefined) made.set(key, (value = make(...args)));
    return value;
  };
}

/** Now, by the browser's clock. */
export function nanosOf(milliseconds: number): Nanos {
  return BigInt(Math.trunc(milliseconds)) * 1_000_000n;
}

/** All nine digits, in UTC: `2026-11-23T13:05:09.042000001Z`. */
export function utcTime(time: Nanos): string {
  const seconds = toDate(time).toISOString().slice(0, -5);
  return `${seconds}.${String(modulo(time, SECOND)).padStart(9, '0')}Z`;
}

/** The reader's zone at that time, as `UTC+01:00`. */
export function zoneName(time: Nanos): string {
  const east = -toDate(time).getTimezoneOffset();
  if (east === 0) return 'UTC';
  const size = Math.abs(east);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `UTC${east < 0 ? '−' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

function toDate(time: Nanos): Date {
  return new Date(Number((time - modulo(time, 1_000_000n)) / 1_000_000n));
}

function modulo(a: bigint, b: bigint): bigint {
  return ((a % b) + b) % b;
}
