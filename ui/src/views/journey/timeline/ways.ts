import { inSight } from '../../../lib/timeline/rows';
import { topOf, topOfThing } from '../../../lib/timeline/stack';
import { BACKWARDS } from '../../../lib/timeline/timeline';
import { xOf } from './scene';
import type { Scene } from './scene';

/** More connectors than these tell nobody anything: then only those of the chosen hop are drawn. */
const MOST = 700;

/** Draws how hops led to hops: a call as a line with an arrow, a message as dashes into its topic and out of it, work handed on in one process as dots. */
export function drawWays(ctx: CanvasRenderingContext2D, scene: Scene): void {
  const { timeline, view, top, height, stack } = scene;
  const [first, end] = inSight(timeline.ways, 0, timeline.wayFrom, view.from, view.to);
  const seen: number[] = [];
  for (let at = first; at < end && seen.length <= MOST; at++) {
    const leg = timeline.ways.items[at] ?? 0;
    const [low, high] = heights(scene, leg);
    if (high >= top && low <= top + height && high - low > 1) seen.push(leg);
  }
  ctx.save();
  ctx.translate(0, -top);
  if (seen.length <= MOST) for (const leg of seen) drawWay(ctx, scene, leg, false);
  if (stack.lanes.length > 0) for (const leg of scene.ways) drawWay(ctx, scene, leg, true);
  ctx.restore();
}

function heights(scene: Scene, leg: number): readonly [low: number, high: number] {
  const { timeline, stack } = scene;
  const { legSender, legReceiver } = timeline.moments;
  const row = stack.measures.row;
  let [low, high] = [Infinity, -Infinity];
  for (const thing of [legSender[leg] ?? -1, legReceiver[leg] ?? -1, timeline.journey.hops.length + leg]) {
    if (thing < 0 || (timeline.rowOf[thing] ?? -1) < 0) continue;
    const y = topOfThing(stack, timeline, thing) + row / 2;
    low = Math.min(low, y);
    high = Math.max(high, y);
  }
  return [low, high];
}

function drawWay(ctx: CanvasRenderingContext2D, scene: Scene, leg: number, strong: boolean): void {
  const { timeline, palette, stack } = scene;
  const { transport } = timeline.journey.legs[leg] ?? {};
  const thing = timeline.journey.hops.length + leg;
  const backwards = ((timeline.flags[thing] ?? 0) & BACKWARDS) !== 0;
  const [a, b] = [xOf(scene, timeline.from[thing] ?? 0), xOf(scene, timeline.to[thing] ?? 0)];
  const [sent, received] = backwards ? [b, a] : [a, b];
  const [sender, receiver] = [timeline.moments.legSender[leg] ?? -1, timeline.moments.legReceiver[leg] ?? -1];
  const middle = (one: number): number => topOf(stack, timeline.laneOf[one] ?? 0, timeline.rowOf[one] ?? 0) + stack.measures.row / 2;

  ctx.strokeStyle = backwards ? palette.held : transport === 'kafka' ? palette.form : transport === 'http' ? palette.faint : palette.rule2;
  ctx.fillStyle = ctx.strokeStyle;
  ctx.globalAlpha = strong ? 1 : 0.55;
  ctx.lineWidth = strong ? 2 : 1;
  ctx.setLineDash(transport === 'kafka' ? [5, 3] : transport === 'local' ? [1, 3] : []);
  if (transport === 'kafka') {
    const waits = middle(thing);
    if (sender >= 0) line(ctx, sent, middle(sender), sent, waits);
    if (receiver >= 0) {
      line(ctx, received, waits, received, middle(receiver));
      chevron(ctx, received, middle(receiver), Math.sign(middle(receiver) - waits));
    }
  } else if (sender >= 0 && receiver >= 0) {
    const [from, to] = [middle(sender), middle(receiver)];
    ctx.beginPath();
    ctx.moveTo(sent, from);
    ctx.lineTo(sent, to);
    ctx.lineTo(received, to);
    ctx.stroke();
    if (transport === 'http') arrow(ctx, received, to, Math.sign(to - from), Math.abs(received - sent) > 6 ? Math.sign(received - sent) : 0);
  }
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

function line(ctx: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

function arrow(ctx: CanvasRenderingContext2D, x: number, y: number, down: number, along: number): void {
  ctx.setLineDash([]);
  ctx.beginPath();
  if (along !== 0) {
    ctx.moveTo(x, y);
    ctx.lineTo(x - 6 * along, y - 3.5);
    ctx.lineTo(x - 6 * along, y + 3.5);
  } else {
    ctx.moveTo(x, y - 5 * down);
    ctx.lineTo(x - 3.5, y - 11 * down);
    ctx.lineTo(x + 3.5, y - 11 * down);
  }
  ctx.fill();
}

function chevron(ctx: CanvasRenderingContext2D, x: number, y: number, down: number): void {
  ctx.setLineDash([]);
  ctx.beginPath();
  ctx.moveTo(x - 3.5, y - 11 * down);
  ctx.lineTo(x, y - 7 * down);
  ctx.lineTo(x + 3.5, y - 11 * down);
  ctx.stroke();
}
