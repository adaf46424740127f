import { densityOf } from '../../../lib/timeline/density';
import type { Density } from '../../../lib/timeline/density';
import type { Marks } from '../../../lib/timeline/marks';
import { topOfThing } from '../../../lib/timeline/stack';
import type { Stack } from '../../../lib/timeline/stack';
import type { Timeline } from '../../../lib/timeline/timeline';
import { amid, isWhole, panned, showing, whole, within, zoomed } from '../../../lib/timeline/view';
import type { View } from '../../../lib/timeline/view';
import { drawBody } from './body';
import { HEAD, drawHead } from './head';
import type { Palette } from './palette';
import type { Scene, SceneWords } from './scene';

export interface StageParts {
  readonly head: HTMLCanvasElement;
  readonly body: HTMLCanvasElement;
  readonly scroller: HTMLElement;
}

/** What is drawn, but for what the stage knows itself. */
export interface Shown {
  readonly timeline: Timeline;
  readonly stack: Stack;
  readonly marks: Marks | null;
  readonly palette: Palette;
  readonly chosen: number;
  readonly ways: readonly number[];
  readonly words: SceneWords;
}

/** Holds what is seen, and draws it at most once a frame. */
export interface Stage {
  show(next: Shown): void;
  scene(): Scene | null;
  /** `soft`: on the way there, unless the reader wants no motion. */
  look(view: View, soft?: boolean): void;
  zoom(factor: number, around?: number, soft?: boolean): void;
  pan(share: number): void;
  fit(): void;
  /** Brings a thing into sight. */
  reveal(thing: number): void;
  point(thing: number): void;
  select(range: readonly [number, number] | null): void;
  /** Fits the canvases to their room; a size given is that of a printed page. */
  resize(paper?: { readonly width: number; readonly height: number }): void;
  redraw(): void;
  close(): void;
}

const WAY_MS = 160;

export function createStage({ head, body, scroller }: StageParts, told: { readonly drawn: () => void }): Stage {
  const headPen = head.getContext('2d');
  const bodyPen = body.getContext('2d');
  let shown: Shown | null = null;
  let view: View = { from: 0, to: 1 };
  let length = 1;
  let pointed = -1;
  let range: readonly [number, number] | null = null;
  let density: Density | null = null;
  let [width, height, ratio] = [0, 0, 1];
  let paper = false;
  let frame = 0;
  let way: { readonly from: View; readonly to: View; readonly since: number } | null = null;

  const scene = (): Scene | null => (shown === null || width === 0 ? null : { ...shown, view, width, height, top: paper ? 0 : scroller.scrollTop, pointed });

  function draw(now: number): void {
    frame = 0;
    if (way !== null) {
      const share = Math.min(1, (now - way.since) / WAY_MS);
      view = amid(way.from, way.to, 1 - (1 - share) ** 3);
      if (share === 1) way = null;
      else redraw();
    }
    const drawn = scene();
    if (drawn === null || bodyPen === null || headPen === null) return;
    density ??= densityOf(drawn.timeline, Math.max(1, Math.min(width, 1200)), whole(length).from, whole(length).to);
    for (const pen of [headPen, bodyPen]) pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawBody(bodyPen, drawn);
    drawHead(headPen, drawn, density, range);
    told.drawn();
  }

  function redraw(): void {
    if (frame === 0) frame = requestAnimationFrame(draw);
  }

  function look(next: View, soft = false): void {
    const to = within(next, length);
    const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    way = soft && !still ? { from: view, to, since: performance.now() } : null;
    if (way === null) view = to;
    redraw();
  }

  const goal = (): View => way?.to ?? view;

  return {
    scene,
    look,
    redraw,
    show(next) {
      if (next.timeline !== shown?.timeline) {
        const old = shown?.timeline;
        length = next.timeline.axis.length;
        density = null;
        // What was looked at stays in sight when news come; what was seen whole stays so.
        if (old === undefined || old.adjusted !== next.timeline.adjusted || old.axis.breaks.length !== next.timeline.axis.breaks.length || isWhole(view, old.axis.length)) view = whole(length);
        else view = within(view, length);
        way = null;
        pointed = -1;
      }
      shown = next;
      redraw();
    },
    zoom(factor, around, soft = false) {
      const from = goal();
      look(zoomed(from, factor, around ?? (from.from + from.to) / 2, length), soft);
    },
    pan(share) {
      look(panned(goal(), share, length));
    },
    fit() {
      look(whole(length), true);
    },
    reveal(thing) {
      if (shown === null || (shown.timeline.rowOf[thing] ?? -1) < 0) return;
      look(showing(goal(), shown.timeline.from[thing] ?? 0, shown.timeline.to[thing] ?? 0, length), true);
      const { row } = shown.stack.measures;
      const y = topOfThing(shown.stack, shown.timeline, thing);
      if (y < scroller.scrollTop + row) scroller.scrollTop = y - row;
      else if (y + 2 * row > scroller.scrollTop + height) scroller.scrollTop = y + 2 * row - height;
    },
    point(thing) {
      if (thing === pointed) return;
      pointed = thing;
      redraw();
    },
    select(next) {
      range = next;
      redraw();
    },
    resize(page) {
      paper = page !== undefined;
      ratio = paper ? 2 : window.devicePixelRatio;
      const room = body.parentElement;
      width = page?.width ?? room?.clientWidth ?? 0;
      height = page?.height ?? Math.max(scroller.clientHeight - HEAD, 0);
      for (const [canvas, tall] of [[head, HEAD], [body, height]] as const) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(tall * ratio);
        canvas.style.height = `${tall}px`;
      }
      density = null;
      // A canvas that has just been sized is empty, and so must not be painted before it is drawn.
      cancelAnimationFrame(frame);
      draw(performance.now());
    },
    close() {
      cancelAnimationFrame(frame);
    },
  };
}
