import { formatDuration } from '../../lib/duration';
import type { Leg } from '../../lib/journey';
import { printable } from '../../lib/printable';
import type { LegRow } from '../../lib/track';
import { Dot } from '../shell/dot';
import { SpanBar } from './span-bar';
import { useText } from '../shell/shell';
import type { Text } from '../../lib/text';

type JourneyText = Text['journey'];

/** `leaving`: drawn below the hop that sent it, as it arrived at no hop of this journey. */
export function LegLine({ row, leaving = false }: { readonly row: LegRow; readonly leaving?: boolean }) {
  const text = useText().journey;
  const { leg } = row;
  const name = [text.leg.transports[leg.transport], leg.topic === null ? '' : printable(leg.topic)].filter(Boolean).join(' ');
  return (
    <p class="leg" data-transport={leg.transport} data-open={leg.to === ''}>
      <span class="leg-words">
        <strong><bdi>{name}</bdi></strong>
        {wordsOf(row, leaving, text).map((words, i) => (
          <span key={i}><Dot /><bdi class={words === text.leg.notPickedUp ? 'leg-open' : ''}>{words}</bdi></span>
        ))}
      </span>
      {row.span !== null && <SpanBar span={row.span} thin />}
    </p>
  );
}

function wordsOf({ leg, from }: LegRow, leaving: boolean, text: JourneyText): string[] {
  const words: string[] = [];
  if (from !== null) words.push(text.leg.from(printable(from)));
  if (leg.partition !== null) words.push(text.leg.partition(leg.partition));
  if (leg.offset !== null) words.push(text.leg.offset(leg.offset));
  if (leg.to === '') words.push(text.leg.notPickedUp);
  else {
    if (leg.duration !== null && leg.transport !== 'local') words.push(took(leg, leg.duration, text));
    if (leaving) words.push(text.leg.notSeen);
  }
  if (leg.group !== null) words.push(text.leg.group(printable(leg.group)));
  if (leg.waiting.length > 0) words.push(text.leg.waiting(listed(leg.waiting)));
  if (leg.passed.length > 0) words.push(text.leg.passed(listed(leg.passed)));
  return words;
}

function took(leg: Leg, duration: number, text: JourneyText): string {
  if (duration < 0) return text.leg.skewed(formatDuration(duration));
  return leg.transport === 'kafka' ? text.leg.queued(formatDuration(duration)) : formatDuration(duration);
}

function listed(names: readonly string[]): string {
  return names.slice(0, 10).map((name) => printable(name)).join(', ');
}
