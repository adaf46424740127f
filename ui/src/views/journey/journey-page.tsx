import { useMemo } from 'preact/hooks';
import { fetchJourney } from '../../api/journeys';
import { readId, shortForm } from '../../lib/id';
import { nextLook } from '../../lib/refresh';
import type { PageProps } from '../shell/lazy';
import { LoadingSheet } from '../shell/loading-sheet';
import { FailureNotice, Notice } from '../shell/notice';
import { useAnswer, useShell, useText } from '../shell/shell';
import { useTitle } from '../shell/title';
import { Link } from '../shell/link';
import { JourneyView } from './journey-view';

export function JourneyPage({ params }: PageProps) {
  const { session } = useShell();
  const { journey: text, shell } = useText();
  const entered = params['id'] ?? '';
  const read = useMemo(() => readId(entered), [entered]);
  const id = 'id' in read ? read.id : null;
  const { loading, again } = useAnswer(id, (signal) => fetchJourney(session.client, id ?? '', signal), { again: (journey) => nextLook(journey.verdict) });
  const status = loading.phase === 'shown' ? text.verdict.words[loading.value.verdict] : '';
  useTitle(id === null || status === '' ? '' : text.title(status, shortForm(id)));

  if ('fault' in read) return <Notice icon="cross" title={shell.failure.invalid.title}><p>{shell.box.faults[read.fault]}</p></Notice>;
  switch (loading.phase) {
    case 'idle':
    case 'loading':
      return <LoadingSheet title={text.loading(shortForm(read.id))} />;
    case 'failed':
      return (
        <FailureNotice
          failure={loading.failure}
          at={loading.at}
          onAgain={again}
          {...(loading.failure.kind === 'not_found' ? { words: text.notFound } : {})}
        >
          {loading.failure.kind === 'not_found' && loading.looking && <p>{text.notFound.looking}</p>}
          {loading.failure.kind === 'ambiguous' && (
            <ul class="candidates">
              {loading.failure.choices.map((choice) => (
                <li key={choice.correlation_id}><Link to="journey" params={{ id: choice.correlation_id }}><code>{choice.correlation_id}</code></Link></li>
              ))}
            </ul>
          )}
        </FailureNotice>
      );
    case 'shown':
      return (
        <>
          <p class="unseen" role="status">{status}</p>
          <JourneyView key={id} journey={loading.value} at={loading.at} away={loading.away} />
        </>
      );
  }
}
