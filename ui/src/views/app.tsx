import { useEffect } from 'preact/hooks';
import { shortForm } from '../lib/id';
import { text } from '../lib/text';
import type { Address } from '../state/address';
import type { Tracker, Tracking } from '../state/tracker';
import { FailureNotice, RefusedNotice, failureTitle } from './failure-notice';
import { JourneyView } from './journey-view';
import { LoadingSheet } from './loading-sheet';
import { Masthead } from './masthead';
import { StartHints } from './start-hints';
import { TokenForm } from './token-form';

export function App({ tracker, address }: { readonly tracker: Tracker; readonly address: Address }) {
  const tracking = tracker.tracking.value;
  const status = statusOf(tracking);
  const title = status === '' || !('id' in tracking) ? text.product : text.document(status, shortForm(tracking.id));
  useEffect(() => {
    document.title = title;
  }, [title]);

  return (
    <div class="page" data-phase={tracking.phase}>
      <a class="skip" href="#main">{text.skip}</a>
      <Masthead tracking={tracking} address={address} />
      <main id="main" tabIndex={-1}>
        <Body tracking={tracking} tracker={tracker} />
      </main>
      <p class="unseen" role="status">{status}</p>
    </div>
  );
}

function Body({ tracking, tracker }: { readonly tracking: Tracking; readonly tracker: Tracker }) {
  switch (tracking.phase) {
    case 'start':
      return <StartHints />;
    case 'refused':
      return <RefusedNotice fault={tracking.fault} />;
    case 'loading':
      return <LoadingSheet id={tracking.id} />;
    case 'shown':
      return <JourneyView key={tracking.id} journey={tracking.journey} at={tracking.at} away={tracking.away} />;
    case 'failed':
      return tracking.failure.kind === 'unauthorized' ? (
        <TokenForm refused={tracking.failure.refused} onToken={tracker.authorize} />
      ) : (
        <FailureNotice failure={tracking.failure} at={tracking.at} looking={tracking.looking} onAgain={tracker.again} />
      );
  }
}

/** One line for the window's title and for those who hear the page. */
function statusOf(tracking: Tracking): string {
  switch (tracking.phase) {
    case 'start':
      return '';
    case 'refused':
      return text.failure.badId.title;
    case 'loading':
      return text.loading(shortForm(tracking.id));
    case 'shown':
      return text.verdict.words[tracking.journey.verdict];
    case 'failed':
      return failureTitle(tracking.failure);
  }
}
