import { edgeId } from '../lib/map/chart';
import type { Chart } from '../lib/map/chart';
import { verdicts } from '../lib/journey';
import { parseTime } from '../lib/time';
import type { Answer, Client } from './client';
import type { Map as MapAnswer } from './schema';

/** Asks how the newest journeys went that a query asks for. */
export async function fetchMap(client: Client, q: string, limit: number, signal: AbortSignal): Promise<Answer<Chart>> {
  const answer = await client.get<MapAnswer>('/map', { q, limit }, signal);
  return answer.kind === 'found' ? { ...answer, value: chartOf(answer.value) } : answer;
}

function chartOf({ nodes, edges, journeys, verdicts: counts, first, last, over }: MapAnswer): Chart {
  return {
    nodes: nodes.map((node) => ({ ...node, kind: node.kind === 'topic' ? 'topic' : 'service', count: 1, took: node.took ?? null })),
    edges: edges.map((edge) => ({ ...edge, id: edgeId(edge.from, edge.to, edge.transport), took: edge.took ?? null })),
    journeys,
    verdicts: counts.flatMap(({ verdict, journeys }) => {
      const known = verdicts.find((one) => one === verdict);
      return known === undefined ? [] : [{ verdict: known, journeys }];
    }),
    first: first === null ? null : parseTime(first),
    last: last === null ? null : parseTime(last),
    over,
  };
}
