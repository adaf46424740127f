import { useMemo } from 'preact/hooks';
import { formatDuration } from '../../../lib/duration';
import { printable } from '../../../lib/printable';
import type { Text } from '../../../lib/text';
import { clockLabel, sinceLabels, wholeDuration } from '../../../lib/timeline/labels';
import { hopOf } from '../../../lib/timeline/timeline';
import type { Timeline } from '../../../lib/timeline/timeline';
import { clockTime } from '../../../lib/time';
import type { TimeMode } from '../../../lib/time';
import type { When } from './facts';
import type { SceneWords } from './scene';

/** How a picture says times and names. */
export function useSceneWords(timeline: Timeline | null, text: Text, mode: TimeMode): SceneWords {
  return useMemo(() => ({
    hop: (hop) => (timeline === null ? '' : printable(hopOf(timeline, hop)?.name ?? '') || text.journey.hop.unnamed),
    idle: (ns, running) => (running ? text.timeline.nothingNew : text.timeline.idle)(formatDuration(ns)),
    ticks: (times, step) => {
      if (mode === 'relative' || timeline === null) return sinceLabels(times, step);
      return times.map((time) => clockLabel(timeline.moments.zero, time, step, mode));
    },
  }), [timeline, text, mode]);
}

/** Times in sentences: since the beginning, or as a clock shows them. */
export function whenOf(timeline: Timeline, mode: TimeMode): When {
  if (mode === 'relative') return (time) => (time <= 0 ? '0' : `+${time < 1e6 ? formatDuration(time) : wholeDuration(Math.round(time / 1e4) * 1e4)}`);
  return (time) => clockTime(timeline.moments.zero + BigInt(Math.round(time)), mode) + (mode === 'utc' ? ' UTC' : '');
}
