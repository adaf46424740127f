import type { Page, Route } from '../../lib/route';
import { Barcode } from './barcode';
import { Mark } from './icons';
import { Link } from './link';
import { SettingsMenu } from './settings-menu';
import { useShell, useText } from './shell';
import { TrackingBox } from './tracking-box';

const sections = ['search', 'tail', 'map', 'health', 'alerts'] as const satisfies readonly Page[];

export function Masthead({ route, start }: { readonly route: Route; readonly start: boolean }) {
  const { address } = useShell();
  const text = useText().shell;
  return (
    <header class="masthead">
      <Link class="brand" to="journey" label={text.home}>
        <Mark />
        <span>{text.product}</span>
      </Link>
      <nav class="sections" aria-label={text.nav.label}>
        {sections.map((page) => <Link key={page} to={page} current={route.page === page}>{text.nav[page]}</Link>)}
      </nav>
      <SettingsMenu />
      {start && (
        <div class="lead">
          <Barcode of={text.product} upright />
          <h1>{text.start.title}</h1>
          <p>{text.start.lead}</p>
        </div>
      )}
      <TrackingBox entered={route.page === 'journey' ? (route.params['id'] ?? '') : ''} focus={start} onTrack={(id) => address.go('journey', { id })} />
    </header>
  );
}
