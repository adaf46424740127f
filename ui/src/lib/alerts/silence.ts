/** How long a silence may be, as the server reads it, and as nanoseconds. */
export const spans = { '30m': 1800e9, '2h': 7200e9, '8h': 28_800e9, '24h': 86_400e9, '168h': 604_800e9 } as const;
export type Span = keyof typeof spans;
export const spanNames = Object.keys(spans) as Span[];

/** What is asked for: so long from now, or until a time. */
export interface SilenceWish {
  readonly match: readonly string[];
  readonly for?: string;
  readonly ends?: string;
  readonly comment?: string;
}

export type SilenceFault = 'matchers' | 'ends';

/** `until` is what a field for local time holds, and counts where it is not empty. A fault where nothing can be asked for. */
export function silenceWish(match: readonly string[], span: Span, until: string, comment: string, now: number): SilenceWish | SilenceFault {
  if (match.length === 0) return 'matchers';
  const said = comment.trim() === '' ? {} : { comment: comment.trim() };
  if (until === '') return { match, for: span, ...said };
  const ends = Date.parse(until);
  if (!(ends > now)) return 'ends';
  return { match, ends: new Date(ends).toISOString(), ...said };
}
