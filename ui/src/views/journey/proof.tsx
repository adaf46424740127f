import { formatDuration } from '../../lib/duration';
import type { Completeness, Journey } from '../../lib/journey';
import { nanosOf } from '../../lib/time';
import { Icon } from '../shell/icons';
import type { IconName } from '../shell/icons';
import { Moment } from '../shell/moment';
import { useText } from '../shell/shell';
import { Said } from './said';

const icons: Record<Completeness, IconName> = { proved: 'check', unproved: 'question', lossy: 'alert' };
const LATE = 120e9; // ns: what is stored lags by seconds while all is well

/** How far the verdict can be trusted: is every record here, and until when is anything known? `at`: when that was answered, in ms. */
export function Proof({ journey, at }: { readonly journey: Journey; readonly at: number }) {
  const text = useText().journey.facts;
  const age = journey.asOf === null ? null : Number(nanosOf(at) - journey.asOf);
  return (
    <dl class="proof">
      <div>
        <dt>{text.completeness}</dt>
        <dd><span class="badge" data-completeness={journey.completeness}><Icon name={icons[journey.completeness]} />{text.completenesses[journey.completeness]}</span></dd>
        <dd class="aside"><Said finding={journey.completenessFinding} reason={journey.completenessReason} /></dd>
      </div>
      <div>
        <dt>{text.asOf}</dt>
        <dd>{journey.asOf === null ? text.asOfUnknown : <Moment at={journey.asOf} withDay />}</dd>
        {age !== null && age > LATE && <dd class="late"><Icon name="alert" /> {text.late(formatDuration(age))}</dd>}
      </div>
    </dl>
  );
}
