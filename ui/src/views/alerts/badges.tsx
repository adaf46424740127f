import type { Severity } from '../../lib/alerts/alert';
import type { Outcome } from '../../lib/alerts/delivery';
import { Icon } from '../shell/icons';
import type { IconName } from '../shell/icons';
import { useText } from '../shell/shell';

export const severityIcons: Record<Severity, IconName> = { critical: 'stop', warning: 'alert', info: 'info' };
const outcomeIcons: Record<Outcome, IconName> = { pending: 'arrow', delivered: 'check', failed: 'cross', retried: 'back' };

/** Shape, word and colour. */
export function SeverityBadge({ severity }: { readonly severity: Severity }) {
  const words = useText().alerts.severity;
  return <span class="badge severity" data-severity={severity}><Icon name={severityIcons[severity]} />{words[severity]}</span>;
}

export function OutcomeBadge({ outcome }: { readonly outcome: Outcome }) {
  const words = useText().alerts.deliveries.outcomes;
  return <span class="badge outcome" data-outcome={outcome}><Icon name={outcomeIcons[outcome]} />{words[outcome]}</span>;
}
