const UNITS: Readonly<Record<string, number>> = { ns: 1, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
const PART = /(\d+(?:\.\d+)?)(ns|µs|ms|s|m|h)/y;

/** Nanoseconds of what Go writes, such as `1h0m0s`; null for anything else. */
export function parseGoDuration(text: string): number | null {
  let [sum, at] = [0, 0];
  for (PART.lastIndex = 0; at < text.length; at = PART.lastIndex) {
    const part = PART.exec(text);
    if (part === null) return null;
    sum += Number(part[1]) * (UNITS[part[2] ?? ''] ?? 0);
  }
  return text === '' ? null : sum;
}
