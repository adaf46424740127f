import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Journey } from '../../../lib/journey';
import { layTimeline, layingTimeline } from '../../../lib/timeline/timeline';
import type { Timeline } from '../../../lib/timeline/timeline';

/** Up to so many hops and legs are laid out before anything is drawn. */
const SMALL = 4000;

/** A journey's timeline; null until it is laid out, which for many hops takes several tasks. */
export function useLaid(journey: Journey, adjusted: boolean, folded: boolean): Timeline | null {
  const small = journey.hops.length + journey.legs.length <= SMALL;
  const [late, setLate] = useState<Timeline | null>(null);
  // A window of other records is still the same journey.
  const deps = [journey.hops, journey.legs, journey.shifts, journey.gaps, journey.asOf, journey.verdictHop, adjusted, folded];
  const now = useMemo(() => (small ? layTimeline(journey, { adjusted, folded }) : null), deps);
  useEffect(() => {
    if (small) return;
    const steps = layingTimeline(journey, { adjusted, folded });
    let timer: ReturnType<typeof setTimeout>;
    const go = (): void => {
      const step = steps.next();
      if (step.done === true) setLate(step.value);
      else timer = setTimeout(go, 0);
    };
    timer = setTimeout(go, 0);
    return () => clearTimeout(timer);
  }, deps);
  return now ?? (small ? null : late);
}
