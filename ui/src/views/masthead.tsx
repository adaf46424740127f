import type { Address } from '../state/address';
import type { Tracking } from '../state/tracker';
import { text } from '../lib/text';
import { Barcode } from './barcode';
import { Mark } from './icons';
import { TrackingBox } from './tracking-box';

export function Masthead({ tracking, address }: { readonly tracking: Tracking; readonly address: Address }) {
  const home = (event: MouseEvent): void => {
    // Leave new tabs and windows to the browser.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    address.home();
  };
  const entered = 'id' in tracking ? tracking.id : tracking.phase === 'refused' ? tracking.entered : '';
  return (
    <header class="masthead">
      <a class="brand" href="/" aria-label={text.home} onClick={home}>
        <Mark />
        <span>{text.product}</span>
      </a>
      {tracking.phase === 'start' && (
        <div class="lead">
          <Barcode of={text.product} upright />
          <h1>{text.start.title}</h1>
          <p>{text.start.lead}</p>
        </div>
      )}
      <TrackingBox entered={entered} focus={tracking.phase === 'start'} onTrack={address.go} />
    </header>
  );
}
