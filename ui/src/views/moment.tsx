import { text } from '../lib/text';
import { clockTime, utcTime } from '../lib/time';
import type { Nanos } from '../lib/time';

/** A time of day in the reader's zone; all its digits, in UTC, in the title. */
export function Moment({ at }: { readonly at: Nanos | null }) {
  if (at === null) return <span class="moment">{text.hop.unknownTime}</span>;
  const utc = utcTime(at);
  return <time class="moment" dateTime={utc} title={utc}>{clockTime(at)}</time>;
}
