import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Journeys, Summary } from '../../api/schema';
import { createPager } from '../../state/pager';
import { useShell } from '../shell/shell';
import { JourneyHead, JourneyRow } from './journey-row';
import { MOST } from './most';
import { Results } from './results';

const PAGE = 100;
const WIDE = 46;
const NARROW = 84;
const narrow = window.matchMedia('(max-width: 700px)');

/** Journeys that a query finds, the newest first. */
export function JourneyList({ q }: { readonly q: string }) {
  const { address, session } = useShell();
  const pager = useMemo(() => createPager<Summary>(MOST), []);
  const [small, setSmall] = useState(narrow.matches);
  useEffect(() => {
    const changed = (): void => setSmall(narrow.matches);
    narrow.addEventListener('change', changed);
    return () => narrow.removeEventListener('change', changed);
  }, []);
  const start = (): void => {
    pager.start(async (cursor, signal) => {
      const answer = await session.client.get<Journeys>('/journeys', { q, cursor, limit: PAGE }, signal);
      return answer.kind === 'found' ? { ...answer, value: { ...answer.value, items: answer.value.journeys } } : answer;
    });
  };
  useEffect(() => {
    start();
    return () => pager.stop();
  }, [q, session.again.value]);
  return (
    <Results
      listing={pager.listing.value}
      most={MOST}
      rowHeight={small ? NARROW : WIDE}
      head={<JourneyHead />}
      what="journeys"
      onMore={pager.more}
      onAgain={start}
      onOpen={(journey) => address.go('journey', { id: journey.correlation_id })}
    >
      {(journey) => <JourneyRow journey={journey} />}
    </Results>
  );
}
