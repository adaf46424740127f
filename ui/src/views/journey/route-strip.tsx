import type { Station } from '../../lib/journey';
import { printable } from '../../lib/printable';
import type { Track } from '../../lib/track';
import { useText } from '../shell/shell';

/** The stations in the order of their first visit, each leading to that visit. How each is left is said once the track is there. */
export function RouteStrip({ stations, track, onHop }: { readonly stations: readonly Station[]; readonly track: Track | null; readonly onHop: (hop: string) => void }) {
  const text = useText().journey;
  if (stations.length === 0) return null;
  return (
    <nav class="route" aria-label={text.route.title}>
      <ol>
        {stations.map((station) => {
          const state = track?.stateOf(station) ?? 'unknown';
          return (
            <li key={station.service} data-state={state}>
              <button type="button" onClick={() => onHop(station.hops[0] ?? '')}>
                <bdi class="route-service">{printable(station.service.slice(0, 120)) || text.hop.unnamed}</bdi>
                <span class="route-records">
                  {text.route.records(station.records)}
                  {state === 'open' && <em>{text.hop.outcomes.open}</em>}
                  {station.errors > 0 && <strong>{text.route.errors(station.errors)}</strong>}
                </span>
              </button>
            </li>
          );
        })}
      </ol>
    </nav>
  );
}
