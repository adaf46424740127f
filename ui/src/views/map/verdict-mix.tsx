import type { Chart } from '../../lib/map/chart';
import { grouped } from '../../lib/number';
import { withCondition } from '../../lib/query/condition';
import { Link } from '../shell/link';
import { useText } from '../shell/shell';
import { VerdictBadge } from '../shell/verdict-badge';

/** How many journeys have which verdict; each leads to those. */
export function VerdictMix({ chart, q }: { readonly chart: Chart; readonly q: string }) {
  const text = useText().map;
  if (chart.verdicts.length === 0) return null;
  return (
    <div class="verdict-mix" role="group" aria-label={text.verdicts}>
      <div class="verdict-bar" aria-hidden="true">
        {chart.verdicts.map(({ verdict, journeys }) => <i key={verdict} data-verdict={verdict} style={{ flexGrow: String(journeys) }} />)}
      </div>
      <ul>
        {chart.verdicts.map(({ verdict, journeys }) => (
          <li key={verdict}>
            <Link to="search" params={{ q: withCondition(q, `verdict:${verdict}`, false) }}><VerdictBadge verdict={verdict} /> {grouped(journeys)}</Link>
          </li>
        ))}
      </ul>
    </div>
  );
}
