import { grouped } from '../../lib/number';
import { Link } from '../shell/link';
import { useText } from '../shell/shell';

export const tabs = ['firing', 'rules', 'silences', 'deliveries'] as const;
export type Tab = (typeof tabs)[number];

/** The parts of the page, with how much is in each; null where that is not known. */
export function Tabs({ tab, counts }: { readonly tab: Tab; readonly counts: Readonly<Record<Tab, number | null>> }) {
  const text = useText().alerts;
  return (
    <nav class="alert-tabs" aria-label={text.tabsLabel}>
      {tabs.map((one) => (
        <Link key={one} to="alerts" params={{ tab: one === 'firing' ? undefined : one }} current={one === tab}>
          {text.tabs[one]}{counts[one] !== null && <span class="tab-count">{grouped(counts[one])}</span>}
        </Link>
      ))}
    </nav>
  );
}
