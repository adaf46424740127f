import { edgeId } from './chart';
import type { Chart, ChartEdge, ChartNode } from './chart';

/** The chart with at most so many nodes: those with the least to do become one group of services and one of topics. */
export function grouped(chart: Chart, most: number): Chart {
  if (chart.nodes.length <= most) return chart;
  const weight = new Map<string, number>();
  for (const { from, to, legs } of chart.edges) for (const id of [from, to]) weight.set(id, (weight.get(id) ?? 0) + legs);
  const busy = chart.nodes.toSorted((a, b) => b.hops + (weight.get(b.id) ?? 0) - a.hops - (weight.get(a.id) ?? 0)).slice(0, most - 2);
  const kept = new Set(busy.map((node) => node.id));
  const rest = chart.nodes.filter((node) => !kept.has(node.id));
  const groups = (['service', 'topic'] as const).flatMap((kind) => {
    const all = rest.filter((node) => node.kind === kind);
    return all.length === 0 ? [] : [sumOf(kind, all)];
  });
  const place = new Map(rest.map((node) => [node.id, groupId(node.kind)]));
  const edges = new Map<string, ChartEdge>();
  for (const edge of chart.edges) {
    const [from, to] = [place.get(edge.from) ?? edge.from, place.get(edge.to) ?? edge.to];
    const id = edgeId(from, to, edge.transport);
    const known = edges.get(id);
    // Percentiles of several do not add up.
    edges.set(id, known === undefined
      ? { ...edge, id, from, to }
      : { ...known, legs: known.legs + edge.legs, failed: known.failed + edge.failed, waiting: known.waiting + edge.waiting, took: null });
  }
  return { ...chart, nodes: [...chart.nodes.filter((node) => kept.has(node.id)), ...groups], edges: [...edges.values()] };
}

function groupId(kind: ChartNode['kind']): string {
  return `group:${kind}`;
}

function sumOf(kind: ChartNode['kind'], nodes: readonly ChartNode[]): ChartNode {
  const sum = (of: (node: ChartNode) => number): number => nodes.reduce((total, node) => total + of(node), 0);
  return { id: groupId(kind), kind, name: '', count: nodes.length, hops: sum((n) => n.hops), failed: sum((n) => n.failed), open: sum((n) => n.open), took: null };
}
