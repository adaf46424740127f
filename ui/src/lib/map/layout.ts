import { Graph, layout } from '@dagrejs/dagre';
import type { Chart } from './chart';

/** Where nodes and ways stand, in pixels. */
export interface ChartLayout {
  readonly width: number;
  readonly height: number;
  readonly nodes: ReadonlyMap<string, Box>;
  readonly edges: ReadonlyMap<string, Way>;
}

/** `x` and `y` are its middle. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Way {
  readonly points: readonly Point[];
  readonly label: Point;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

const MARGIN = 16;
const NODE_HEIGHT = 46;
const LABEL = { width: 96, height: 30 };

/** Lays a chart out from left to right. What a service hands on to itself has no way. `wide` says how wide a node's name is. */
export function layChart(chart: Chart, wide: (nodeId: string) => number): ChartLayout {
  const graph = new Graph({ multigraph: true, directed: true });
  graph.setGraph({ rankdir: 'LR', nodesep: 26, edgesep: 18, ranksep: 34, marginx: MARGIN, marginy: MARGIN });
  for (const node of chart.nodes) graph.setNode(node.id, { width: wide(node.id), height: NODE_HEIGHT });
  for (const edge of chart.edges) {
    if (edge.from !== edge.to) graph.setEdge(edge.from, edge.to, { ...LABEL, labelpos: 'c', weight: 1 }, edge.id);
  }
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  const nodes = new Map(chart.nodes.map(({ id }): [string, Box] => {
    const box = graph.node(id);
    return [id, { x: box.x ?? 0, y: box.y ?? 0, width: box.width, height: box.height }];
  }));
  const edges = new Map(graph.edges().map((edge): [string, Way] => {
    const { points = [], x = 0, y = 0 } = graph.edge(edge);
    const [from, to] = [nodes.get(edge.v), nodes.get(edge.w)];
    return [edge.name ?? '', { points: from === undefined || to === undefined ? points : fromSideToSide(from, points.slice(1, -1), to), label: { x, y } }];
  }));
  return { width, height, nodes, edges };
}

// A way leaves a box at one of its sides and comes in at one, as the eye reads along.
function fromSideToSide(from: Box, between: readonly Point[], to: Box): readonly Point[] {
  const side = (box: Box, toward: Point): Point => ({ x: box.x + (Math.sign(toward.x - box.x) * box.width) / 2, y: box.y });
  return [side(from, between[0] ?? to), ...between, side(to, between.at(-1) ?? from)];
}

/** A line through points that is level at each. */
export function pathThrough(points: readonly Point[]): string {
  return points.map((point, i) => {
    const before = points[i - 1];
    if (before === undefined) return `M${at(point)}`;
    const half = (point.x - before.x) / 2;
    return `C${at({ x: before.x + half, y: before.y })} ${at({ x: point.x - half, y: point.y })} ${at(point)}`;
  }).join('');
}

function at({ x, y }: Point): string {
  return `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;
}
