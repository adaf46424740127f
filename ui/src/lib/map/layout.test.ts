import { describe, expect, it } from 'vitest';
import type { Transport } from '../journey';
import { edgeId, rateOf } from './chart';
import type { Chart, ChartEdge, ChartNode } from './chart';
import { grouped } from './group';
import { layChart, pathThrough } from './layout';
import { readRate } from './rate';
import { neighbour } from './walk';

const node = (id: string, hops = 0): ChartNode => {
  const [kind, name = ''] = id.split(':');
  return { id, kind: kind === 'topic' ? 'topic' : 'service', name, count: 1, hops, failed: 0, open: 0, took: null };
};
const edge = (from: string, to: string, transport: Transport = 'http', legs = 1): ChartEdge => ({ id: edgeId(from, to, transport), from, to, transport, legs, failed: 0, waiting: 0, took: { p50: 1, p99: 2 } });
const chart = (nodes: readonly ChartNode[], edges: readonly ChartEdge[]): Chart => ({ nodes, edges, journeys: 1, verdicts: [], first: 0n, last: 60_000_000_000n, over: false });

const shop = chart(
  ['service:gateway', 'service:cart', 'service:bank', 'service:game', 'service:orders', 'topic:shop.game', 'topic:shop.bank', 'topic:shop.events'].map((id) => node(id, 10)),
  [
    edge('service:gateway', 'service:cart'), edge('service:gateway', 'service:bank'), edge('service:bank', 'service:bank', 'local'),
    edge('service:bank', 'topic:shop.game', 'kafka'), edge('topic:shop.game', 'service:game', 'kafka'), edge('service:game', 'topic:shop.bank', 'kafka'),
    edge('topic:shop.bank', 'service:bank', 'kafka'), edge('service:bank', 'topic:shop.events', 'kafka'), edge('topic:shop.events', 'service:orders', 'kafka'),
  ],
);
const laid = layChart(shop, () => 150);

describe('layChart', () => {
  it('draws the shop', () => {
    const lines = [...laid.nodes].map(([id, box]) => `${id.padEnd(18)} ${Math.round(box.x)} ${Math.round(box.y)}`);
    const ways = [...laid.edges].map(([id, way]) => `${(JSON.parse(id) as string[]).slice(0, 2).join(' → ')}: ${pathThrough(way.points)}`);
    expect(`\n${[...lines, ...ways].join('\n')}\n`).toMatchSnapshot();
  });

  it('lays no box over another, and all inside', () => {
    const boxes = [...laid.nodes.values()];
    for (const [i, a] of boxes.entries()) {
      expect(a.x - a.width / 2).toBeGreaterThanOrEqual(0);
      expect(a.y + a.height / 2).toBeLessThanOrEqual(laid.height);
      for (const b of boxes.slice(i + 1)) expect(Math.abs(a.x - b.x) >= (a.width + b.width) / 2 || Math.abs(a.y - b.y) >= (a.height + b.height) / 2).toBe(true);
    }
  });

  it('leads each way from a side of a box to a side of another, and none to itself', () => {
    expect(laid.edges.size).toBe(shop.edges.length - 1);
    for (const one of shop.edges.filter(({ from, to }) => from !== to)) {
      const [way, from, to] = [laid.edges.get(one.id), laid.nodes.get(one.from), laid.nodes.get(one.to)];
      expect([way?.points[0]?.y, way?.points.at(-1)?.y]).toEqual([from?.y, to?.y]);
      expect(Math.abs((way?.points[0]?.x ?? 0) - (from?.x ?? 0))).toBe(75);
    }
  });
});

describe('neighbour', () => {
  it('goes along and back', () => {
    expect(neighbour(laid, 'service:gateway', 'ArrowLeft')).toBe('service:gateway');
    const next = neighbour(laid, 'service:gateway', 'ArrowRight');
    expect(['service:cart', 'service:bank']).toContain(next);
    expect(neighbour(laid, next, 'ArrowLeft')).toBe('service:gateway');
  });

  it('reaches every box', () => {
    const seen = new Set(['service:gateway']);
    for (const id of seen) for (const to of ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'] as const) seen.add(neighbour(laid, id, to));
    expect([...seen].toSorted()).toEqual(shop.nodes.map(({ id }) => id).toSorted());
  });

  it('begins somewhere', () => expect(neighbour(laid, 'service:unknown', 'ArrowUp')).toBe('service:gateway'));
});

describe('grouped', () => {
  const services = Array.from({ length: 300 }, (_, i) => node(`service:s${i}`, i));
  const many = chart([...services, ...Array.from({ length: 50 }, (_, i) => node(`topic:t${i}`))], [...services.slice(1).map((one) => edge('service:s299', one.id)), edge('service:s299', 'topic:t0', 'kafka', 3), edge('service:s299', 'topic:t1', 'kafka', 4)]);

  it('keeps the busy, and sums up the rest', () => {
    const some = grouped(many, 200);
    expect(some.nodes).toHaveLength(200);
    expect(some.nodes.some(({ id }) => id === 'service:s299')).toBe(true);
    expect(some.nodes.reduce((sum, one) => sum + one.count, 0)).toBe(350);
    expect(some.nodes.reduce((sum, one) => sum + one.hops, 0)).toBe(many.nodes.reduce((sum, one) => sum + one.hops, 0));
    expect(some.edges.reduce((sum, one) => sum + one.legs, 0)).toBe(many.edges.reduce((sum, one) => sum + one.legs, 0));
    const group = some.edges.find(({ to }) => to === 'group:service');
    expect(group).toMatchObject({ took: null });
    expect(new Set(some.edges.map(({ id }) => id)).size).toBe(some.edges.length);
  });

  it('leaves what is small as it is', () => expect(grouped(shop, 200)).toBe(shop));
});

describe('rates', () => {
  it('are over the time in which the journeys began', () => {
    expect(rateOf(shop, 120)).toBe(2);
    expect(rateOf({ ...shop, last: 0n }, 120)).toBeNull();
    expect(rateOf({ ...shop, first: null }, 120)).toBeNull();
  });

  it.each([[2, '2.0', 'perSecond'], [123456, '123k', 'perSecond'], [0.4, '24', 'perMinute'], [0.001, '3.6', 'perHour'], [0, '0', 'perHour']] as const)('reads %d a second', (n, digits, unit) => expect(readRate(n)).toEqual({ digits, unit }));
});
