import type { Transport, Verdict } from '../journey';
import type { Nanos } from '../time';

/** Recent journeys over services and topics, and the ways between them. */
export interface Chart {
  readonly nodes: readonly ChartNode[];
  readonly edges: readonly ChartEdge[];
  /** That it was drawn from. */
  readonly journeys: number;
  readonly verdicts: readonly { readonly verdict: Verdict; readonly journeys: number }[];
  /** When the earliest and the latest of them began. */
  readonly first: Nanos | null;
  readonly last: Nanos | null;
  /** There is more than is drawn. */
  readonly over: boolean;
}

export interface ChartNode {
  readonly id: string;
  readonly kind: 'service' | 'topic';
  /** Of a group it is empty. */
  readonly name: string;
  /** How many nodes it stands for. */
  readonly count: number;
  readonly hops: number;
  readonly failed: number;
  readonly open: number;
  readonly took: Percentiles | null;
}

export interface ChartEdge {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly transport: Transport;
  readonly legs: number;
  /** Legs to hops that failed. */
  readonly failed: number;
  /** Legs that nobody has picked up. */
  readonly waiting: number;
  /** From a topic, the time in the queue. */
  readonly took: Percentiles | null;
}

/** Nanoseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

export function edgeId(from: string, to: string, transport: string): string {
  return JSON.stringify([from, to, transport]);
}

/** How many a second, over the time in which the journeys began; null where that is no time. */
export function rateOf(chart: Chart, count: number): number | null {
  if (chart.first === null || chart.last === null || chart.last <= chart.first) return null;
  return count / (Number(chart.last - chart.first) / 1e9);
}
