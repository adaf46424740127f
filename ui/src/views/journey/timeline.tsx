import type { Journey } from '../../lib/journey';
import '../../styles/timeline.css';
import { useShell, useText } from '../shell/shell';
import { Drawing } from './timeline/drawing';
import { useLaid } from './timeline/use-laid';

export interface TimelineProps {
  readonly journey: Journey;
  /** A hop's ID, or empty. */
  readonly selected: string;
  readonly onSelect: (hop: string) => void;
  readonly onOpenRecord: (eventId: string) => void;
}

/** A journey's hops along the time: lanes per service and topic, drawn on a canvas. */
export function Timeline({ journey, selected, onSelect, onOpenRecord }: TimelineProps) {
  const { params } = useShell().address.route.value;
  const text = useText().timeline;
  const laid = useLaid(journey, params['clocks'] !== 'raw', params['idle'] !== 'shown');
  if (journey.hops.length === 0) return <p class="aside">{text.empty}</p>;
  if (laid === null) return <p class="timeline-laying" role="status">{text.laying}</p>;
  return <Drawing laid={laid} journey={journey} selected={selected} onSelect={onSelect} onOpenRecord={onOpenRecord} />;
}
