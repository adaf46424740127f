import type { ComponentChildren } from 'preact';
import type { Loading } from '../../state/loader';
import { LoadingSheet } from './loading-sheet';
import { FailureNotice } from './notice';

/** Draws what came of a question: nothing yet, why there is no answer, or the answer. */
export function Awaited<T>({ loading, onAgain, children }: {
  readonly loading: Loading<T>;
  readonly onAgain: () => void;
  readonly children: (value: T) => ComponentChildren;
}) {
  switch (loading.phase) {
    case 'idle':
      return null;
    case 'loading':
      return <LoadingSheet />;
    case 'failed':
      return <FailureNotice failure={loading.failure} at={loading.at} looking={loading.looking} onAgain={onAgain} />;
    case 'shown':
      return <>{children(loading.value)}</>;
  }
}
