import type { Verdict } from '../../lib/journey';
import { Icon } from './icons';
import type { IconName } from './icons';
import { useText } from './shell';

export const verdictIcons: Record<Verdict, IconName> = {
  delivered: 'check',
  in_transit: 'arrow',
  stalled: 'pause',
  returned: 'back',
  exception: 'cross',
  unconfirmed: 'question',
};

/** A verdict in a list: shape, word and colour. */
export function VerdictBadge({ verdict }: { readonly verdict: Verdict }) {
  const words = useText().journey.verdict.words;
  return <span class="badge verdict-badge" data-verdict={verdict}><Icon name={verdictIcons[verdict]} />{words[verdict]}</span>;
}
