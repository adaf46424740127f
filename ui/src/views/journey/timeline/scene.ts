import type { Marks } from '../../../lib/timeline/marks';
import type { Stack } from '../../../lib/timeline/stack';
import type { Timeline } from '../../../lib/timeline/timeline';
import type { View } from '../../../lib/timeline/view';
import type { Palette } from './palette';

/** All that a frame is drawn from. */
export interface Scene {
  readonly timeline: Timeline;
  readonly stack: Stack;
  readonly marks: Marks | null;
  readonly palette: Palette;
  readonly view: View;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** What is scrolled away above. */
  readonly top: number;
  /** A hop, -1 for none. */
  readonly chosen: number;
  /** The legs of that hop. */
  readonly ways: readonly number[];
  /** The thing under the pointer, -1 for none. */
  readonly pointed: number;
  readonly words: SceneWords;
}

/** The words in a picture. */
export interface SceneWords {
  readonly hop: (hop: number) => string;
  readonly idle: (ns: number, running: boolean) => string;
  readonly ticks: (times: readonly number[], step: number) => readonly string[];
}

export function xOf(scene: Scene, place: number): number {
  return ((place - scene.view.from) / (scene.view.to - scene.view.from)) * scene.width;
}

export function placeAt(scene: Scene, x: number): number {
  return scene.view.from + (x / scene.width) * (scene.view.to - scene.view.from);
}

/** The lanes in sight. */
export function lanesInSight({ stack, top, height }: Scene): readonly [first: number, end: number] {
  let first = 0;
  while (first < stack.lanes.length && (stack.tops[first + 1] ?? 0) <= top) first++;
  let end = first;
  while (end < stack.lanes.length && (stack.tops[end] ?? 0) < top + height) end++;
  return [first, end];
}
