import type { ChartLayout } from './layout';

export type Direction = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown';

/** The nearest node in a direction: what lies straight ahead is nearer than what lies aside. The same where there is none. */
export function neighbour(layout: ChartLayout, from: string, direction: Direction): string {
  const start = layout.nodes.get(from);
  if (start === undefined) return layout.nodes.keys().next().value ?? '';
  const sideways = direction === 'ArrowLeft' || direction === 'ArrowRight';
  const sign = direction === 'ArrowLeft' || direction === 'ArrowUp' ? -1 : 1;
  let [best, least] = [from, Infinity];
  for (const [id, box] of layout.nodes) {
    const [dx, dy] = [box.x - start.x, box.y - start.y];
    const ahead = (sideways ? dx : dy) * sign;
    const aside = Math.abs(sideways ? dy : dx);
    if (id !== from && ahead > 1 && ahead + 2 * aside < least) [best, least] = [id, ahead + 2 * aside];
  }
  return best;
}
