/** Nanoseconds since 1970-01-01T00:00:00Z. A number would lose digits after 2^53, which was in 1970. */
export type Nanos = bigint;

const SECOND = 1_000_000_000n;
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** Reads RFC 3339 with up to nine fraction digits; null for anything else. */
export function parseTime(text: string): Nanos | null {
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

/** `14:05:09.042` in the reader's zone. Cut, not rounded, so that a clock never shows a moment that had not come. */
export function clockTime(time: Nanos): string {
  const date = toDate(time);
  const two = (n: number): string => String(n).padStart(2, '0');
  const millis = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${millis}`;
}

/** `23 November 2026` in the reader's zone. */
export function calendarDay(time: Nanos): string {
  return new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' }).format(toDate(time));
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
