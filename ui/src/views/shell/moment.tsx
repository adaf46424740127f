import { clockTime, nanosOf, relativeTime, shortDay, utcTime } from '../../lib/time';
import type { Nanos } from '../../lib/time';
import { useShell, useText } from './shell';

/** A time as the reader likes it; all its digits, in UTC, in the title. `withDay`: the day is said too. */
export function Moment({ at, withDay = false }: { readonly at: Nanos | null; readonly withDay?: boolean }) {
  const text = useText().shell;
  const format = useMoments();
  if (at === null) return <span class="moment">{text.time.unknown}</span>;
  const utc = utcTime(at);
  return <time class="moment" dateTime={utc} title={utc}>{format(at, withDay)}</time>;
}

/** How times are written for this reader. */
export function useMoments(): (at: Nanos, withDay?: boolean) => string {
  const { preferences } = useShell();
  const mode = preferences.times.value;
  const language = preferences.language.value;
  return (at, withDay = false) => {
    if (mode === 'relative') return relativeTime(at, nanosOf(Date.now()), language);
    const clock = clockTime(at, mode) + (mode === 'utc' ? ' UTC' : '');
    return withDay ? `${shortDay(at, nanosOf(Date.now()), mode, language)} ${clock}` : clock;
  };
}
