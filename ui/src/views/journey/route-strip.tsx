import type { Station } from '../../lib/journey';
import { printable } from '../../lib/printable';
import type { Track } from '../../lib/track';
import { useText } from '../shell/shell';

/** The stations in the order of their first visit, each leading to that visit below. */
export function RouteStrip({ stations, track }: { readonly stations: readonly Station[]; readonly track: Track }) {
  const text = useText().journey;
  if (stations.length === 0) return null;
  const rows = new Map(track.rows.map((row) => [row.hop.id, row]));
  return (
    <nav class="route" aria-label={text.route.title}>
      <ol>
        {stations.map((station) => {
          const visits = station.hops.map((id) => rows.get(id));
          const open = visits.some((row) => row?.hop.outcome === 'open');
          const failed = visits.some((row) => row?.hop.outcome === 'failure');
          return (
            <li key={station.service} data-state={open ? 'open' : failed ? 'failed' : 'passed'}>
              <a href={`#${visits[0]?.anchor ?? 'track'}`}>
                <bdi class="route-service">{printable(station.service)}</bdi>
                <span class="route-records">
                  {text.route.records(station.records)}
                  {open && <em>{text.hop.outcomes.open}</em>}
                  {station.errors > 0 && <strong>{text.route.errors(station.errors)}</strong>}
                </span>
              </a>
            </li>
          );
        })}
      </ol>
    </nav>
  );
}
