import { ERROR, LOG, WARNING } from '../../../lib/timeline/marks';
import type { Marks } from '../../../lib/timeline/marks';
import { inSight } from '../../../lib/timeline/rows';
import type { Rows } from '../../../lib/timeline/rows';
import { rowAt, topOf } from '../../../lib/timeline/stack';
import { lanesInSight, placeAt, xOf } from './scene';
import type { Scene } from './scene';

/** Draws records on the bars of their hops: an error is a diamond, a warning a triangle, another a stroke. */
export function drawLogs(ctx: CanvasRenderingContext2D, scene: Scene): void {
  const { marks, timeline, stack, top, height } = scene;
  if (marks === null) return;
  const [first, end] = lanesInSight(scene);
  for (let lane = first; lane < end; lane++) {
    const held = timeline.lanes[lane];
    if (held === undefined) continue;
    const closed = stack.closed[lane] === 1;
    const y = topOf(stack, lane, held.row) - top;
    for (let n = 0; n < (closed ? 1 : held.rows); n++) {
      const bottom = y + (n + 1) * stack.measures.row - 3;
      if (bottom < 0 || bottom > height + stack.measures.row) continue;
      drawRow(ctx, scene, marks, closed ? marks.folded : marks.rows, closed ? lane : held.row + n, bottom);
    }
  }
}

function drawRow(ctx: CanvasRenderingContext2D, scene: Scene, marks: Marks, rows: Rows, row: number, bottom: number): void {
  const { palette, view } = scene;
  const [first, end] = inSight(rows, row, marks.at, view.from, view.to);
  // One of a kind per pixel, the loud ones above the others.
  for (const [tone, colour] of [[LOG, palette.ink], [WARNING, palette.held], [ERROR, palette.bad]] as const) {
    let last = -Infinity;
    ctx.fillStyle = colour;
    for (let at = first; at < end; at++) {
      const record = rows.items[at] ?? 0;
      if (marks.tone[record] !== tone) continue;
      const x = xOf(scene, marks.at[record] ?? 0);
      if (x - last < (tone === LOG ? 1.5 : 3)) continue;
      last = x;
      drawMark(ctx, tone, x, bottom, palette.sheet);
    }
  }
}

export function drawMark(ctx: CanvasRenderingContext2D, tone: number, x: number, bottom: number, paper: string): void {
  if (tone === LOG) {
    ctx.globalAlpha = 0.6;
    ctx.fillRect(x - 0.5, bottom - 4, 1.2, 4);
    ctx.globalAlpha = 1;
    return;
  }
  ctx.beginPath();
  if (tone === ERROR) {
    ctx.moveTo(x, bottom - 9.5);
    ctx.lineTo(x + 4.5, bottom - 4.5);
    ctx.lineTo(x, bottom + 0.5);
    ctx.lineTo(x - 4.5, bottom - 4.5);
  } else {
    ctx.moveTo(x, bottom - 7.5);
    ctx.lineTo(x + 4.2, bottom);
    ctx.lineTo(x - 4.2, bottom);
  }
  ctx.closePath();
  ctx.strokeStyle = paper;
  ctx.lineWidth = 1.5;
  ctx.stroke();
  ctx.fill();
}

/** The record whose mark is at a point, the loudest of several; -1 for none. */
export function recordAt(scene: Scene, x: number, y: number): number {
  const { marks, stack, top } = scene;
  if (marks === null) return -1;
  const { lane, row } = rowAt(stack, y + top);
  if (row < 0) return -1;
  // Marks stand on the lower half of a bar.
  const below = y + top - topOf(stack, lane, row);
  if (below < stack.measures.row * 0.45) return -1;
  const closed = stack.closed[lane] === 1;
  const rows = closed ? marks.folded : marks.rows;
  const [first, end] = inSight(rows, closed ? lane : row, marks.at, placeAt(scene, x - 4), placeAt(scene, x + 4));
  let best = -1;
  for (let at = first; at < end; at++) {
    const record = rows.items[at] ?? -1;
    if (best < 0 || (marks.tone[record] ?? 0) > (marks.tone[best] ?? 0)) best = record;
  }
  return best;
}
