import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Listing } from '../../state/pager';
import { LoadingSheet } from '../shell/loading-sheet';
import { FailureNotice } from '../shell/notice';
import { useKeys, useText } from '../shell/shell';
import { VirtualList } from '../shell/virtual-list';

/** A list that goes on as long as somebody scrolls; j and k move in it, Enter opens. */
export function Results<T>({ listing, most, rowHeight, head, what, onMore, onAgain, onOpen, children }: {
  readonly listing: Listing<T>;
  readonly most: number;
  readonly rowHeight: number;
  readonly head: ComponentChildren;
  readonly what: 'journeys' | 'records';
  readonly onMore: () => void;
  readonly onAgain: () => void;
  readonly onOpen: (item: T) => void;
  readonly children: (item: T) => ComponentChildren;
}) {
  const text = useText().search;
  const shell = useText().shell;
  const [active, setActive] = useState(-1);
  const { items, phase, failure } = listing;
  const move = (step: number): void => setActive((now) => Math.max(0, Math.min(items.length - 1, now + step)));
  useKeys([
    { keys: 'j', says: text.keys.next, run: () => move(1) },
    { keys: 'k', says: text.keys.previous, run: () => move(-1) },
    {
      keys: 'o',
      says: text.keys.open,
      run: () => {
        const item = items[active];
        if (item !== undefined) onOpen(item);
      },
    },
  ], [items, active, text]);

  if (phase === 'loading' && items.length === 0) return <LoadingSheet />;
  if (failure !== null && items.length === 0) return <FailureNotice failure={failure} at={listing.at} onAgain={onAgain} />;
  if (items.length === 0) {
    return (
      <section class="nothing">
        <h2>{text.nothing}</h2>
        <p>{listing.partial ? shell.partial : text.nothingBody}</p>
      </section>
    );
  }
  return (
    <section class="results" aria-label={text.results}>
      {head}
      <VirtualList count={items.length} rowHeight={rowHeight} label={text.results} active={active} onEnd={onMore}>
        {(i) => {
          const item = items[i];
          return item === undefined ? null : children(item);
        }}
      </VirtualList>
      <p class="results-foot aside" role="status">
        {text.shown[what](items.length)}
        {phase === 'end' && ` · ${text.end}`}
        {phase === 'full' && ` · ${text.full(most)}`}
        {phase === 'loading' && ` · ${shell.loading}`}
        {listing.partial && ` · ${shell.partial}`}
        {failure !== null && <button type="button" class="quiet" onClick={onAgain}>{shell.failure.again}</button>}
      </p>
    </section>
  );
}
