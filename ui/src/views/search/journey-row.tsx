import type { Summary } from '../../api/schema';
import { formatDuration } from '../../lib/duration';
import { shortForm } from '../../lib/id';
import { printable } from '../../lib/printable';
import { parseTime } from '../../lib/time';
import { Icon } from '../shell/icons';
import { Link } from '../shell/link';
import { Moment } from '../shell/moment';
import { ServiceName } from '../shell/service-name';
import { useText } from '../shell/shell';
import { VerdictBadge } from '../shell/verdict-badge';

/** One journey in a list. */
export function JourneyRow({ journey }: { readonly journey: Summary }) {
  const text = useText();
  const [start, end] = [parseTime(journey.start), parseTime(journey.end)];
  return (
    <Link to="journey" params={{ id: journey.correlation_id }} class="result journey-result">
      <span class="result-time"><Moment at={start} withDay /></span>
      <span class="result-verdict">
        <VerdictBadge verdict={journey.verdict} />
        {journey.completeness === 'lossy' && <span class="badge missing"><Icon name="alert" />{text.search.lossy}</span>}
      </span>
      <bdi class="result-kind">{printable(journey.kind) || text.journey.facts.kindUnknown}</bdi>
      <span class="result-stations">
        {journey.stations.map((service) => <ServiceName key={service} name={service} />)}
      </span>
      <span class="result-took">
        {start !== null && end !== null && formatDuration(Number(end - start))}
        {journey.open_hops > 0 && <em>{text.search.open(journey.open_hops)}</em>}
      </span>
      <code class="result-id">{printable(shortForm(journey.correlation_id))}</code>
    </Link>
  );
}

export function JourneyHead() {
  const text = useText().search.columns;
  return (
    <div class="result journey-result result-head" aria-hidden="true">
      <span>{text.started}</span><span>{text.verdict}</span><span>{text.kind}</span><span>{text.stations}</span><span class="result-took">{text.took}</span><span>{text.id}</span>
    </div>
  );
}
