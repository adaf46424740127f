import { useEffect, useMemo } from 'preact/hooks';
import { useShell } from '../shell/shell';
import type { Journey } from '../../lib/journey';
import { layOut } from '../../lib/track';
import { Timeline } from './timeline';
import { TrackList } from './track-list';
import { VerdictSheet } from './verdict-sheet';

export function JourneyView({ journey, at, away }: { readonly journey: Journey; readonly at: number; readonly away: boolean }) {
  const { address } = useShell();
  const { params } = address.route.value;
  const track = useMemo(() => layOut(journey), [journey]);
  // The browser looked for the station that the address names before there was one.
  useEffect(() => document.getElementById(window.location.hash.slice(1))?.scrollIntoView(), []);
  return (
    <>
      <VerdictSheet journey={journey} track={track} at={at} away={away} />
      {params['view'] === 'timeline'
        ? <Timeline journey={journey} selected={params['hop'] ?? ''} onSelect={(hop) => address.set({ hop })} onOpenRecord={(record) => address.set({ record })} />
        : <TrackList journey={journey} track={track} />}
    </>
  );
}
