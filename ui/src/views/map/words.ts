import { formatDuration } from '../../lib/duration';
import { rateOf } from '../../lib/map/chart';
import type { Chart, ChartEdge, ChartNode, Percentiles } from '../../lib/map/chart';
import { readRate } from '../../lib/map/rate';
import { printable } from '../../lib/printable';
import type { Text } from '../../lib/text';

type MapText = Text['map'];

export function nameOf(node: ChartNode | undefined, text: MapText): string {
  if (node === undefined) return '';
  return node.name === '' ? text.groups[node.kind](node.count) : printable(node.name);
}

/** How often, or how many where no rate can be told. */
export function rateWords(chart: Chart, legs: number, text: MapText): string {
  const rate = rateOf(chart, legs);
  if (rate === null) return text.legs(legs);
  const { digits, unit } = readRate(rate);
  return text[unit](digits);
}

export function percentileWords({ p50, p99 }: Percentiles): string {
  return `${formatDuration(p50)} · ${formatDuration(p99)}`;
}

export function nodeFacts(node: ChartNode, text: MapText): string {
  return [node.kind === 'service' ? text.hops(node.hops) : '', node.failed > 0 ? text.failed(node.failed) : '', node.open > 0 ? text.open(node.open) : ''].filter(Boolean).join(', ');
}

export function edgeFacts(chart: Chart, edge: ChartEdge, text: MapText): string {
  return [text.transports[edge.transport], rateWords(chart, edge.legs, text), edge.failed > 0 ? text.failed(edge.failed) : '', edge.waiting > 0 ? text.waiting(edge.waiting) : '', edge.took === null ? '' : percentileWords(edge.took)].filter(Boolean).join(', ');
}
