import { useEffect, useMemo } from 'preact/hooks';
import type { Route } from '../../lib/route';
import type { Binding } from '../../state/keys';
import { JourneyPage } from '../journey/journey-page';
import { Away } from './away';
import { KeysDialog, openKeys } from './keys-dialog';
import { lazy } from './lazy';
import type { PageProps } from './lazy';
import { Masthead } from './masthead';
import { useShell, useText } from './shell';
import { StartHints } from './start-hints';
import { TokenDialog } from './token-dialog';
import { focusTrackingBox } from './tracking-box';

const SearchPage = lazy<PageProps>(() => import('../search/search-page').then((m) => m.SearchPage));
const TailPage = lazy<PageProps>(() => import('../tail/tail-page').then((m) => m.TailPage));
const MapPage = lazy<PageProps>(() => import('../map/map-page').then((m) => m.MapPage));
const HealthPage = lazy<PageProps>(() => import('../health/health-page').then((m) => m.HealthPage));
const AlertsPage = lazy<PageProps>(() => import('../alerts/alerts-page').then((m) => m.AlertsPage));

export function App() {
  const { address, keys, preferences } = useShell();
  const text = useText().shell;
  const route = address.route.value;
  const start = isStart(route);

  const everywhere = useMemo((): readonly Binding[] => [
    { keys: '?', says: text.keys.help, run: openKeys },
    { keys: '/', says: text.keys.track, run: focusTrackingBox },
    { keys: 'g s', says: text.keys.toSearch, run: () => address.go('search') },
    { keys: 'g t', says: text.keys.toTail, run: () => address.go('tail') },
    { keys: 'g m', says: text.keys.toMap, run: () => address.go('map') },
    { keys: 'g h', says: text.keys.toHealth, run: () => address.go('health') },
    { keys: 'g a', says: text.keys.toAlerts, run: () => address.go('alerts') },
    {
      keys: 'z',
      says: text.keys.times,
      run: () => {
        const next = { relative: 'local', local: 'utc', utc: 'relative' } as const;
        preferences.times.value = next[preferences.times.peek()];
      },
    },
  ], [text]);
  useEffect(() => keys.add('everywhere', everywhere), [everywhere]);

  return (
    <div class="page" data-page={start ? 'start' : route.page}>
      <a class="skip" href="#main">{text.skip}</a>
      <Masthead route={route} start={start} />
      <Away />
      <main id="main" tabIndex={-1}>
        <Body route={route} start={start} />
      </main>
      <KeysDialog />
      <TokenDialog />
    </div>
  );
}

function Body({ route, start }: { readonly route: Route; readonly start: boolean }) {
  switch (route.page) {
    case 'journey':
      return start ? <StartHints /> : <JourneyPage params={route.params} />;
    case 'search':
      return <SearchPage params={route.params} />;
    case 'tail':
      return <TailPage params={route.params} />;
    case 'map':
      return <MapPage params={route.params} />;
    case 'health':
      return <HealthPage params={route.params} />;
    case 'alerts':
      return <AlertsPage params={route.params} />;
  }
}

function isStart(route: Route): boolean {
  return route.page === 'journey' && (route.params['id'] ?? '') === '';
}
