import type { Facts } from './facts';

export function rowId(hop: number): string {
  return `timeline-row-${hop}`;
}

/** The chosen hop and its neighbours in causal order, as rows of the grid that the canvas is a picture of. */
export function GridRows({ chosen, count, facts }: { readonly chosen: number; readonly count: number; readonly facts: (hop: number) => Facts }) {
  const near = [chosen - 1, chosen, chosen + 1].filter((hop) => hop >= 0 && hop < count);
  return (
    <div class="unseen" role="rowgroup">
      {near.map((hop) => {
        const { title, subtitle, lines } = facts(hop);
        return (
          <div key={hop} id={rowId(hop)} role="row" aria-rowindex={hop + 1} aria-selected={hop === chosen}>
            <span role="gridcell"><bdi>{title}</bdi></span>
            <span role="gridcell"><bdi>{subtitle}</bdi></span>
            <span role="gridcell"><bdi>{lines.join('. ')}</bdi></span>
          </div>
        );
      })}
    </div>
  );
}
