import { useEffect, useMemo } from 'preact/hooks';
import { fetchJourney } from '../../api/journeys';
import { readId, shortForm } from '../../lib/id';
import { printable } from '../../lib/printable';
import { nextLook } from '../../lib/refresh';
import type { PageProps } from '../shell/lazy';
import { LoadingSheet } from '../shell/loading-sheet';
import { FailureNotice, Notice } from '../shell/notice';
import { useAnswer, useShell, useText } from '../shell/shell';
import { useTitle } from '../shell/title';
import { Choices } from './choices';
import { JourneyView, Timeline } from './journey-view';
import { NothingFound } from './nothing-found';

export function JourneyPage({ params }: PageProps) {
  const { session } = useShell();
  const { journey: text, shell } = useText();
  const entered = params['id'] ?? '';
  const read = useMemo(() => readId(entered), [entered]);
  const id = 'id' in read ? read.id : null;
  const { loading, again } = useAnswer(id, (signal) => fetchJourney(session.client, id ?? '', signal), { again: (journey) => nextLook(journey.verdict) });
  const status = loading.phase === 'shown' ? text.verdict.words[loading.value.verdict] : '';
  const timeline = params['view'] === 'timeline';
  useEffect(() => {
    if (timeline) Timeline.ahead();
  }, [timeline]);
  useTitle(id === null || status === '' ? '' : text.title(status, printable(shortForm(id))));

  if ('fault' in read) return <Notice icon="cross" title={shell.failure.invalid.title}><p>{shell.box.faults[read.fault]}</p></Notice>;
  switch (loading.phase) {
    case 'idle':
    case 'loading':
      return <LoadingSheet title={text.loading(printable(shortForm(read.id)))} />;
    case 'failed': {
      const { failure, at, looking } = loading;
      if (failure.kind === 'not_found') return <NothingFound id={read.id} failure={failure} at={at} looking={looking} onAgain={again} />;
      return <FailureNotice failure={failure} at={at} onAgain={again}>{failure.kind === 'ambiguous' && <Choices choices={failure.choices} />}</FailureNotice>;
    }
    case 'shown':
      return (
        <>
          <p class="unseen" role="status">{status}</p>
          <JourneyView key={id} journey={loading.value} params={params} at={loading.at} away={loading.away} onAgain={again} />
        </>
      );
  }
}
