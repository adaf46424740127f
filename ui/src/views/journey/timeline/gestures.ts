import { thingAt } from '../../../lib/timeline/find';
import { whole } from '../../../lib/timeline/view';
import { OVERVIEW } from './head';
import { recordAt } from './logs';
import { placeAt } from './scene';
import type { Stage } from './stage';

/** What is under the pointer. A thing is a hop or a leg, a record is one of those that are loaded. */
export interface Hit {
  readonly thing: number;
  readonly record: number;
  /** Pixels of the field. */
  readonly x: number;
  readonly y: number;
}

export interface Told {
  readonly pointed: (hit: Hit | null) => void;
  readonly clicked: (hit: Hit) => void;
}

/** A hand that moves less than this meant to click. */
const STILL = 4;

/** Listens to mouse, pen, touch and wheel until the function that comes back is called. */
export function listenToGestures(field: HTMLElement, head: HTMLElement, scroller: HTMLElement, stage: Stage, told: Told): () => void {
  const off = new AbortController();
  const options = { signal: off.signal };
  const at = (element: HTMLElement, event: MouseEvent): readonly [x: number, y: number] => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  listenToField(field, scroller, stage, told, at, options);
  listenToHead(head, stage, at, options);
  for (const element of [field, head]) element.addEventListener('wheel', (event) => turned(element, event, stage, at), { ...options, passive: false });
  return () => off.abort();
}

type At = (element: HTMLElement, event: MouseEvent) => readonly [x: number, y: number];

export function hitAt(stage: Stage, x: number, y: number): Hit | null {
  const scene = stage.scene();
  if (scene === null) return null;
  const record = recordAt(scene, x, y);
  const slack = ((scene.view.to - scene.view.from) / scene.width) * 4;
  const thing = record >= 0 ? (scene.marks?.hop[record] ?? -1) : thingAt(scene.timeline, scene.stack, placeAt(scene, x), y + scene.top, slack);
  return thing < 0 ? null : { thing, record, x, y };
}

function turned(element: HTMLElement, event: WheelEvent, stage: Stage, at: At): void {
  const scene = stage.scene();
  if (scene === null) return;
  const along = event.shiftKey ? event.deltaY || event.deltaX : Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : 0;
  const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
  if (event.ctrlKey || event.metaKey) stage.zoom(Math.exp(Math.max(-80, Math.min(80, event.deltaY * lines)) * 0.006), placeAt(scene, at(element, event)[0]));
  else if (along !== 0) stage.pan((along * lines) / scene.width);
  else return; // it scrolls the lanes
  event.preventDefault();
}

interface Finger {
  readonly x: number;
  readonly y: number;
}

function listenToField(field: HTMLElement, scroller: HTMLElement, stage: Stage, told: Told, at: At, options: { readonly signal: AbortSignal }): void {
  const fingers = new Map<number, Finger>();
  let began: { readonly x: number; readonly y: number; readonly top: number; moved: boolean; readonly range: boolean } | null = null;

  field.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    const [x, y] = at(field, event);
    fingers.set(event.pointerId, { x, y });
    if (fingers.size === 1) began = { x, y, top: scroller.scrollTop, moved: false, range: event.shiftKey };
  }, options);

  field.addEventListener('pointermove', (event) => {
    const [x, y] = at(field, event);
    const before = fingers.get(event.pointerId);
    if (before === undefined || began === null) {
      const hit = hitAt(stage, x, y);
      stage.point(hit?.thing ?? -1);
      told.pointed(hit);
      return;
    }
    const scene = stage.scene();
    if (scene === null) return;
    if (!began.moved && Math.hypot(x - began.x, y - began.y) < STILL) return;
    if (!began.moved) {
      began.moved = true;
      told.pointed(null);
      field.setPointerCapture(event.pointerId);
    }
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    fingers.set(event.pointerId, { x, y });
    if (other !== undefined) {
      const [was, is] = [Math.abs(before.x - other.x), Math.abs(x - other.x)];
      if (was > 8 && is > 8) stage.zoom(was / is, placeAt(scene, (x + other.x) / 2));
    } else if (began.range) stage.select([began.x, x]);
    else {
      stage.pan((before.x - x) / scene.width);
      if (event.pointerType !== 'touch') scroller.scrollTop = began.top + began.y - y;
    }
  }, options);

  const ended = (event: PointerEvent): void => {
    const known = fingers.delete(event.pointerId);
    if (!known || began === null || fingers.size > 0) return;
    const [x, y] = at(field, event);
    const { moved, range, x: from } = began;
    began = null;
    if (range && moved) lookAt(stage, from, x);
    else if (!moved && event.type === 'pointerup') {
      const hit = hitAt(stage, x, y);
      if (hit !== null) told.clicked(hit);
    }
  };
  field.addEventListener('pointerup', ended, options);
  field.addEventListener('pointercancel', ended, options);
  field.addEventListener('pointerleave', () => {
    stage.point(-1);
    told.pointed(null);
  }, options);
}

/** Zooms into a range of pixels. */
function lookAt(stage: Stage, from: number, to: number): void {
  const scene = stage.scene();
  stage.select(null);
  if (scene === null || Math.abs(to - from) < STILL) return;
  stage.look({ from: placeAt(scene, Math.min(from, to)), to: placeAt(scene, Math.max(from, to)) }, true);
}

// On the overview a hand moves what is seen; on the axis it selects what to see.
function listenToHead(head: HTMLElement, stage: Stage, at: At, options: { readonly signal: AbortSignal }): void {
  let drag: { readonly overview: boolean; readonly from: number } | null = null;

  const centre = (x: number): void => {
    const scene = stage.scene();
    if (scene === null) return;
    const all = whole(scene.timeline.axis.length);
    const place = all.from + (x / scene.width) * (all.to - all.from);
    const half = (scene.view.to - scene.view.from) / 2;
    stage.look({ from: place - half, to: place + half });
  };

  head.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    const [x, y] = at(head, event);
    drag = { overview: y < OVERVIEW, from: x };
    head.setPointerCapture(event.pointerId);
    if (drag.overview) centre(x);
  }, options);
  head.addEventListener('pointermove', (event) => {
    if (drag === null) return;
    const [x] = at(head, event);
    if (drag.overview) centre(x);
    else stage.select([drag.from, x]);
  }, options);
  const ended = (event: PointerEvent): void => {
    if (drag !== null && !drag.overview) lookAt(stage, drag.from, at(head, event)[0]);
    drag = null;
  };
  head.addEventListener('pointerup', ended, options);
  head.addEventListener('pointercancel', ended, options);
  head.addEventListener('dblclick', () => stage.fit(), options);
}

