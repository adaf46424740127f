import { placeOf } from '../../../lib/timeline/axis';
import type { Density } from '../../../lib/timeline/density';
import { ticksOf } from '../../../lib/timeline/ticks';
import { isWhole, whole } from '../../../lib/timeline/view';
import { TICKS_APART } from './body';
import { xOf } from './scene';
import type { Scene } from './scene';

/** Heights in pixels: all of the journey in little, and below it the time axis. */
export const OVERVIEW = 34;
export const HEAD = OVERVIEW + 24;

/** Draws the overview and the axis. `range`: pixels that are being selected. */
export function drawHead(ctx: CanvasRenderingContext2D, scene: Scene, density: Density, range: readonly [number, number] | null): void {
  ctx.clearRect(0, 0, scene.width, HEAD);
  drawOverview(ctx, scene, density);
  drawAxis(ctx, scene);
  if (range === null) return;
  ctx.globalAlpha = 0.18;
  ctx.fillStyle = scene.palette.form;
  ctx.fillRect(Math.min(...range), OVERVIEW, Math.abs(range[1] - range[0]), HEAD - OVERVIEW);
  ctx.globalAlpha = 1;
}

function drawOverview(ctx: CanvasRenderingContext2D, scene: Scene, density: Density): void {
  const { palette, width, timeline, view } = scene;
  ctx.fillStyle = palette.well;
  ctx.fillRect(0, 0, width, OVERVIEW - 2);
  const column = width / density.hops.length;
  const tall = (n: number): number => (n === 0 ? 0 : 2 + (n / Math.max(density.most, 1)) * (OVERVIEW - 12));
  for (const [list, colour, alpha] of [[density.waiting, palette.form, 0.3], [density.hops, palette.ink, 0.5]] as const) {
    ctx.fillStyle = colour;
    ctx.globalAlpha = alpha;
    ctx.beginPath();
    for (let i = 0; i < list.length; i++) {
      const height = tall(list[i] ?? 0);
      if (height > 0) ctx.rect(i * column, OVERVIEW - 2 - height, column + 0.3, height);
    }
    ctx.fill();
  }
  ctx.globalAlpha = 1;
  ctx.fillStyle = palette.bad;
  for (let i = 0; i < density.failed.length; i++) if (density.failed[i] === 1) ctx.fillRect(i * column, 0, Math.max(column, 1.5), 5);

  const all = whole(timeline.axis.length);
  const at = (place: number): number => ((place - all.from) / (all.to - all.from)) * width;
  if (isWhole(view, timeline.axis.length)) return;
  const [from, to] = [at(view.from), Math.max(at(view.to), at(view.from) + 3)];
  ctx.globalAlpha = 0.72;
  ctx.fillStyle = palette.sheet;
  ctx.fillRect(0, 0, from, OVERVIEW - 2);
  ctx.fillRect(to, 0, width - to, OVERVIEW - 2);
  ctx.globalAlpha = 1;
  ctx.strokeStyle = palette.form;
  ctx.lineWidth = 2;
  ctx.strokeRect(from + 1, 1, Math.max(to - from - 2, 1), OVERVIEW - 4);
}

function drawAxis(ctx: CanvasRenderingContext2D, scene: Scene): void {
  const { palette, width, timeline, view, words } = scene;
  const { axis } = timeline;
  ctx.fillStyle = palette.rule2;
  ctx.fillRect(0, HEAD - 1, width, 1);
  ctx.font = palette.small;
  ctx.textBaseline = 'middle';
  const middle = (OVERVIEW + HEAD) / 2;
  const taken: (readonly [number, number])[] = [];
  ctx.textAlign = 'center';
  for (const gap of axis.breaks) {
    const [from, to] = [xOf(scene, placeOf(axis, gap.from)), xOf(scene, placeOf(axis, gap.to))];
    if (to < 0 || from > width) continue;
    const label = words.idle(gap.to - gap.from, gap.running);
    const half = ctx.measureText(label).width / 2 + 6;
    const x = Math.min(Math.max((Math.max(from, 0) + Math.min(to, width)) / 2, half), width - half);
    ctx.fillStyle = palette.held;
    ctx.fillRect(Math.max(from, 0), HEAD - 3, Math.min(to, width) - Math.max(from, 0), 3);
    if (taken.some(([a, b]) => x + half > a && x - half < b)) continue;
    taken.push([x - half, x + half]);
    ctx.fillText(label, x, middle);
  }
  const { times, step } = ticksOf(axis, view, width, TICKS_APART);
  const labels = words.ticks(times, step);
  ctx.textAlign = 'left';
  for (const [i, time] of times.entries()) {
    const x = Math.round(xOf(scene, placeOf(axis, time)));
    if (x < 0 || x > width) continue;
    ctx.fillStyle = palette.rule2;
    ctx.fillRect(x, HEAD - 7, 1, 7);
    const label = labels[i] ?? '';
    const end = x + 5 + ctx.measureText(label).width;
    if (end > width || taken.some(([a, b]) => end + 4 > a && x < b)) continue;
    taken.push([x, end]);
    ctx.fillStyle = palette.faint;
    ctx.fillText(label, x + 5, middle);
  }
}
