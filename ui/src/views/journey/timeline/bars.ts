import { rowsOf } from '../../../lib/timeline/find';
import { inSight } from '../../../lib/timeline/rows';
import { topOf } from '../../../lib/timeline/stack';
import { AGAIN, BACKWARDS, BEHEADED, FAILED, GAPS, OPEN, SHIFTED, VERDICT, hopOf } from '../../../lib/timeline/timeline';
import { lanesInSight, xOf } from './scene';
import type { Scene } from './scene';

/** Below so many pixels, neighbours merge. */
const TINY = 1.5;
/** How far, at most, what has not ended fades out. */
const FADE = 56;

/** Draws what is in sight of all rows. */
export function drawBars(ctx: CanvasRenderingContext2D, scene: Scene): void {
  const { timeline, stack, top, height } = scene;
  const [first, end] = lanesInSight(scene);
  for (let lane = first; lane < end; lane++) {
    const held = timeline.lanes[lane];
    if (held === undefined) continue;
    const count = stack.closed[lane] === 1 ? 1 : held.rows;
    const y = topOf(stack, lane, held.row) - top;
    const from = Math.max(0, Math.floor(-y / stack.measures.row));
    const to = Math.min(count, Math.ceil((height - y) / stack.measures.row));
    for (let n = from; n < to; n++) drawRow(ctx, scene, lane, held.row + n, y + n * stack.measures.row);
  }
}

function drawRow(ctx: CanvasRenderingContext2D, scene: Scene, lane: number, row: number, y: number): void {
  const { timeline, stack, view, palette } = scene;
  const [rows, of] = rowsOf(timeline, stack, lane, row);
  const slack = ((view.to - view.from) / scene.width) * FADE;
  const [first, end] = inSight(rows, of, timeline.from, view.from - slack, view.to);
  const hops = timeline.journey.hops.length;
  // More things than there is room to tell apart are drawn as where there is anything.
  const dense = end - first > scene.width / 3;
  let runFrom = 0;
  let runTo = -Infinity;
  let runColour = '';
  const flush = (): void => {
    if (runTo === -Infinity) return;
    ctx.fillStyle = runColour;
    ctx.globalAlpha = dense ? 0.45 : 0.8;
    ctx.fillRect(runFrom, y + 4, Math.max(runTo - runFrom, TINY), stack.measures.row - 8);
    ctx.globalAlpha = 1;
    runTo = -Infinity;
  };
  for (let at = first; at < end; at++) {
    const thing = rows.items[at] ?? 0;
    const x0 = xOf(scene, timeline.from[thing] ?? 0);
    const x1 = xOf(scene, timeline.to[thing] ?? 0);
    const flags = timeline.flags[thing] ?? 0;
    const waits = thing >= hops;
    if (x1 < -FADE) continue;
    if ((dense || x1 - x0 < TINY) && (flags & (FAILED | OPEN | VERDICT)) === 0 && thing !== scene.chosen) {
      const colour = waits ? palette.form : palette.service(hopOf(timeline, thing)?.service ?? '');
      if (x0 > runTo + 0.6 || colour !== runColour) {
        flush();
        [runFrom, runColour] = [x0, colour];
      }
      runTo = Math.max(runTo, x1, x0 + TINY);
      continue;
    }
    flush();
    // In a lane of one row, bars lie over each other.
    const next = rows.items[at + 1];
    const room = at + 1 < end && next !== undefined ? xOf(scene, timeline.from[next] ?? 0) : Infinity;
    if (waits) drawWait(ctx, scene, x0, x1, y, flags, thing === scene.pointed);
    else drawHop(ctx, scene, thing, x0, x1, y, flags, room);
  }
  flush();
}

function drawHop(ctx: CanvasRenderingContext2D, scene: Scene, hop: number, from: number, to: number, y: number, flags: number, room: number): void {
  const { palette, stack, timeline } = scene;
  const colour = palette.service(hopOf(timeline, hop)?.service ?? '');
  const failed = (flags & FAILED) !== 0;
  const height = stack.measures.row - 5;
  const top = y + 2.5;
  const left = Math.max(from, -8);
  const right = Math.min(Math.max(to, from + 2), scene.width + 8);
  const width = right - left;
  ctx.globalAlpha = palette.forced ? 0 : hop === scene.pointed || hop === scene.chosen ? 0.42 : 0.24;
  ctx.fillStyle = failed ? palette.bad : colour;
  ctx.fillRect(left, top, width, height);
  ctx.globalAlpha = 1;
  if (palette.forced) outline(ctx, colour, left, top, width, height, 1);

  // The solid edge says where it began; what lost its beginning has a ragged one.
  ctx.fillStyle = failed ? palette.bad : colour;
  if ((flags & BEHEADED) === 0) ctx.fillRect(left, top, Math.min(3, width), height);
  else for (let part = 0; part < height; part += 5) ctx.fillRect(left, top + part, Math.min(3, width), 3);

  if ((flags & GAPS) !== 0) {
    ctx.fillStyle = palette.stripes(ctx, palette.bad);
    ctx.globalAlpha = 0.75;
    ctx.fillRect(left, top, width, height);
    ctx.globalAlpha = 1;
  }
  if ((flags & OPEN) !== 0) fade(ctx, colour, right, top, Math.max(12, Math.min(FADE, room - right - 2)), height);
  if ((flags & SHIFTED) !== 0) dots(ctx, palette.held, left, right, top + height);
  if (failed) drawFailed(ctx, palette.bad, left, right, top, height);
  if ((flags & VERDICT) !== 0) {
    outline(ctx, palette.stamp, left - 1.5, top - 1.5, width + 3, height + 3, 2);
    flag(ctx, palette.stamp, left, top);
  }
  if (hop === scene.chosen) outline(ctx, palette.ink, left - 2, top - 2, width + 4, height + 4, 2);
  drawName(ctx, scene, hop, flags, left, Math.min(right, room) - left - (failed ? 16 : 0), top + height / 2);
}

function drawName(ctx: CanvasRenderingContext2D, scene: Scene, hop: number, flags: number, left: number, width: number, middle: number): void {
  if (width < 40) return;
  const attempt = (flags & AGAIN) === 0 ? '' : `#${hopOf(scene.timeline, hop)?.attempt ?? ''} `;
  const name = cut(attempt + scene.words.hop(hop), width - 12);
  ctx.font = scene.palette.font;
  ctx.fillStyle = scene.palette.ink;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  ctx.fillText(name, Math.max(left, 0) + 7, middle + 0.5, width - 10);
}

/** Measuring text is slow: this counts, and the canvas squeezes what was counted wrong. */
export function cut(text: string, width: number): string {
  let [room, at] = [width, 0];
  for (const c of text) {
    room -= (c.codePointAt(0) ?? 0) > 0x2e80 ? 11.5 : 6.1;
    if (room < 0) return `${text.slice(0, at)}…`;
    at += c.length;
  }
  return text;
}

function drawWait(ctx: CanvasRenderingContext2D, scene: Scene, from: number, to: number, y: number, flags: number, pointed: boolean): void {
  const { palette, stack } = scene;
  const middle = y + stack.measures.row / 2;
  const open = (flags & OPEN) !== 0;
  const colour = (flags & BACKWARDS) === 0 ? (open ? palette.going : palette.form) : palette.held;
  const [left, right] = [Math.max(from, -8), Math.min(Math.max(to, from + 2), scene.width + 8)];
  ctx.fillStyle = palette.stripes(ctx, colour);
  ctx.globalAlpha = pointed ? 1 : 0.7;
  ctx.fillRect(left, middle - 3.5, right - left, 7);
  ctx.globalAlpha = 1;
  ctx.strokeStyle = colour;
  ctx.lineWidth = pointed ? 2 : 1;
  ctx.beginPath();
  ctx.moveTo(left, middle - 3.5);
  ctx.lineTo(right, middle - 3.5);
  ctx.moveTo(left, middle + 3.5);
  ctx.lineTo(right, middle + 3.5);
  ctx.stroke();
  ctx.fillStyle = colour;
  if (from >= -4) {
    ctx.beginPath();
    ctx.arc(from, middle, 3, 0, 7);
    ctx.fill();
  }
  if (open) {
    fade(ctx, colour, right, middle - 3.5, 22, 7);
    return;
  }
  ctx.fillRect(right - 1.5, middle - 5, 2, 10);
}

function drawFailed(ctx: CanvasRenderingContext2D, colour: string, left: number, right: number, top: number, height: number): void {
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  if (right - left < 14) {
    // Too short for a cross: taller than any other.
    ctx.fillRect(left, top - 2, Math.max(right - left, 2.5), height + 4);
    return;
  }
  outline(ctx, colour, left, top, right - left, height, 1);
  ctx.lineWidth = 1.8;
  ctx.beginPath();
  const [x, y] = [right - 9, top + height / 2];
  ctx.moveTo(x - 3.2, y - 3.2);
  ctx.lineTo(x + 3.2, y + 3.2);
  ctx.moveTo(x + 3.2, y - 3.2);
  ctx.lineTo(x - 3.2, y + 3.2);
  ctx.stroke();
}

function outline(ctx: CanvasRenderingContext2D, colour: string, x: number, y: number, width: number, height: number, line: number): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = line;
  ctx.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
}

function flag(ctx: CanvasRenderingContext2D, colour: string, x: number, y: number): void {
  ctx.fillStyle = colour;
  ctx.beginPath();
  ctx.moveTo(x - 2, y - 2);
  ctx.lineTo(x + 8, y - 2);
  ctx.lineTo(x - 2, y + 8);
  ctx.fill();
}

function fade(ctx: CanvasRenderingContext2D, colour: string, x: number, y: number, width: number, height: number): void {
  const steps = Math.ceil(width / 6);
  ctx.fillStyle = colour;
  for (let i = 0; i < steps; i++) {
    ctx.globalAlpha = 0.5 * (1 - i / steps);
    ctx.fillRect(x + i * 6 + 1, y, 3.5, height);
  }
  ctx.globalAlpha = 1;
}

function dots(ctx: CanvasRenderingContext2D, colour: string, from: number, to: number, y: number): void {
  ctx.fillStyle = colour;
  for (let x = from; x < Math.max(to, from + 2); x += 4) ctx.fillRect(x, y - 2, 2, 2);
}
