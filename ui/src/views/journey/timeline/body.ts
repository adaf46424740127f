import { placeOf } from '../../../lib/timeline/axis';
import { ticksOf } from '../../../lib/timeline/ticks';
import { drawBars } from './bars';
import { drawLogs } from './logs';
import { lanesInSight, xOf } from './scene';
import type { Scene } from './scene';
import { drawWays } from './ways';

/** Pixels between two ticks, at least. */
export const TICKS_APART = 92;

/** Draws the lanes in sight. */
export function drawBody(ctx: CanvasRenderingContext2D, scene: Scene): void {
  ctx.clearRect(0, 0, scene.width, scene.height);
  drawGround(ctx, scene);
  drawWays(ctx, scene);
  drawBars(ctx, scene);
  drawLogs(ctx, scene);
}

function drawGround(ctx: CanvasRenderingContext2D, scene: Scene): void {
  const { timeline, stack, palette, width, height, top, view } = scene;
  const [first, end] = lanesInSight(scene);
  for (let lane = first; lane < end; lane++) {
    const [from, to] = [(stack.tops[lane] ?? 0) - top, (stack.tops[lane + 1] ?? 0) - top];
    if (timeline.lanes[lane]?.kind === 'topic') {
      ctx.fillStyle = palette.well;
      ctx.fillRect(0, from, width, to - from);
    }
    ctx.fillStyle = palette.rule;
    ctx.fillRect(0, Math.round(to) - 1, width, 1);
  }
  ctx.fillStyle = palette.rule;
  for (const time of ticksOf(timeline.axis, view, width, TICKS_APART).times) ctx.fillRect(Math.round(xOf(scene, placeOf(timeline.axis, time))), 0, 1, height);
  for (const gap of timeline.axis.breaks) {
    const [from, to] = [xOf(scene, placeOf(timeline.axis, gap.from)), xOf(scene, placeOf(timeline.axis, gap.to))];
    if (to < 0 || from > width) continue;
    ctx.fillStyle = palette.sheet;
    ctx.fillRect(from, 0, to - from, height);
    ctx.globalAlpha = 0.5;
    ctx.fillStyle = palette.stripes(ctx, palette.rule2);
    ctx.fillRect(from, 0, to - from, height);
    ctx.globalAlpha = 1;
    tear(ctx, palette.rule2, from, height);
    tear(ctx, palette.rule2, to, height);
  }
}

// The edge of paper that was torn.
function tear(ctx: CanvasRenderingContext2D, colour: string, x: number, height: number): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (let y = 0, side = 1; y <= height + 6; y += 6, side = -side) {
    if (y === 0) ctx.moveTo(x - 2, y);
    else ctx.lineTo(x + 2 * side, y);
  }
  ctx.stroke();
}
