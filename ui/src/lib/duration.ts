const SPACE = '\u00a0';
const NS = { us: 1e3, ms: 1e6, s: 1e9, min: 60e9, h: 3600e9, d: 86_400e9 };

/**
 * Nanoseconds as people say them: `840 ns`, `12.3 µs`, `3.4 ms`, `1.25 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`.
 * A unit is left when rounding would fill it: 999.96 µs is `1.0 ms`.
 */
export function formatDuration(ns: number): string {
  if (ns < 0) return `−${formatDuration(-ns)}`;
  if (ns < NS.us) return `${Math.round(ns)}${SPACE}ns`;
  return (
    small(ns / NS.us, 1000, 'µs', oneDecimal) ??
    small(ns / NS.ms, 1000, 'ms', oneDecimal) ??
    small(ns / NS.s, 60, 's', twoDecimals) ??
    pair(ns, NS.min, NS.s, 60, 'min', 's') ??
    pair(ns, NS.h, NS.min, 24, 'h', 'min') ??
    pair(ns, NS.d, NS.h, Infinity, 'd', 'h') ??
    ''
  );
}

/** The same in whole seconds, for what is watched while it lasts: `8 s`, `2 min 5 s`. */
export function formatSeconds(ns: number): string {
  const seconds = Math.floor(ns / NS.s);
  return seconds < 60 ? `${seconds}${SPACE}s` : formatDuration(seconds * NS.s);
}

function small(value: number, limit: number, unit: string, digits: (n: number) => string): string | null {
  const text = digits(value);
  return Number(text) < limit ? `${text}${SPACE}${unit}` : null;
}

function oneDecimal(n: number): string {
  return n < 99.95 ? n.toFixed(1) : n.toFixed(0);
}

function twoDecimals(n: number): string {
  return n < 9.995 ? n.toFixed(2) : n.toFixed(1);
}

function pair(ns: number, big: number, little: number, limit: number, bigUnit: string, littleUnit: string): string | null {
  const littles = Math.round(ns / little);
  const perBig = big / little;
  const bigs = Math.floor(littles / perBig);
  if (bigs >= limit) return null;
  const rest = littles % perBig;
  return rest === 0 ? `${bigs}${SPACE}${bigUnit}` : `${bigs}${SPACE}${bigUnit}${SPACE}${rest}${SPACE}${littleUnit}`;
}
