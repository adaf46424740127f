import type { Journey } from '../../lib/journey';

export interface TimelineProps {
  readonly journey: Journey;
  /** ID of the hop that is marked; empty for none. */
  readonly selected: string;
  readonly onSelect: (hop: string) => void;
  readonly onOpenRecord: (eventId: string) => void;
}

export function Timeline({ journey }: TimelineProps) {
  return <p class="unseen">{journey.hops.length}</p>;
}
