import { useText } from '../../shell/shell';
import type { Facts } from './facts';

/** The chosen hop in words, below the picture; news of it are read out. */
export function ChosenHop({ facts, place, onOpen }: { readonly facts: Facts | null; readonly place: string; readonly onOpen: (() => void) | null }) {
  const { facts: text, tools } = useText().timeline;
  return (
    <div class="timeline-chosen">
      <div role="status">
        {facts === null ? <p class="aside">{text.nothingChosen} {tools.help}</p> : (
          <>
            <p><strong><bdi>{facts.title}</bdi></strong> <code><bdi>{facts.subtitle}</bdi></code> <span class="aside">{place}</span></p>
            {facts.lines.map((line, i) => <p key={i}><bdi>{line}</bdi></p>)}
          </>
        )}
      </div>
      {onOpen !== null && <button type="button" class="quiet" onClick={onOpen}>{text.openRecord}</button>}
    </div>
  );
}
