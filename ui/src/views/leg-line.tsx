import { formatDuration } from '../lib/duration';
import type { Leg } from '../lib/journey';
import { printable } from '../lib/printable';
import { text } from '../lib/text';
import type { LegRow } from '../lib/track';
import { Dot } from './dot';
import { SpanBar } from './span-bar';

/** `leaving`: drawn below the hop that sent it, as it arrived at no hop of this journey. */
export function LegLine({ row, leaving = false }: { readonly row: LegRow; readonly leaving?: boolean }) {
  const { leg } = row;
  const name = [text.leg.transports[leg.transport], leg.topic === null ? '' : printable(leg.topic)].filter(Boolean).join(' ');
  return (
    <p class="leg" data-transport={leg.transport} data-open={leg.to === ''}>
      <span class="leg-words">
        <strong><bdi>{name}</bdi></strong>
        {wordsOf(row, leaving).map((words, i) => (
          <span key={i}><Dot /><bdi class={words === text.leg.notPickedUp ? 'leg-open' : ''}>{words}</bdi></span>
        ))}
      </span>
      {row.span !== null && <SpanBar span={row.span} thin />}
    </p>
  );
}

function wordsOf({ leg, from }: LegRow, leaving: boolean): string[] {
  const words: string[] = [];
  if (from !== null) words.push(text.leg.from(printable(from)));
  if (leg.partition !== null) words.push(text.leg.partition(leg.partition));
  if (leg.offset !== null) words.push(text.leg.offset(leg.offset));
  if (leg.to === '') words.push(text.leg.notPickedUp);
  else {
    if (leg.duration !== null && leg.transport !== 'local') words.push(took(leg, leg.duration));
    if (leaving) words.push(text.leg.notSeen);
  }
  if (leg.group !== null) words.push(text.leg.group(printable(leg.group)));
  return words;
}

function took(leg: Leg, duration: number): string {
  if (duration < 0) return text.leg.skewed(formatDuration(duration));
  return leg.transport === 'kafka' ? text.leg.queued(formatDuration(duration)) : formatDuration(duration);
}
