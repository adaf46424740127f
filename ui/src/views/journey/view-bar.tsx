import { views } from '../../lib/journey-params';
import type { View } from '../../lib/journey-params';
import { hrefOf } from '../../lib/route';
import { CopyButton } from '../shell/copy-button';
import { useText } from '../shell/shell';
import { TakeAlong } from './take-along';

const LINK = 'journey-link';
const PAINTED_MS = 150;

/** Which view of the journey is shown, and what can be done with it. */
export function ViewBar({ id, params, view, compared, onView, onCompare }: {
  readonly id: string;
  /** What the address says now. */
  readonly params: Readonly<Record<string, string>>;
  readonly view: View;
  readonly compared: boolean;
  readonly onView: (view: View) => void;
  readonly onCompare: () => void;
}) {
  const text = useText().journey;
  const link = window.location.origin + hrefOf('journey', params);
  return (
    <div class="view-bar">
      <div class="view-switch" role="group" aria-label={text.views.label}>
        {views.map((one, i) => (
          <button key={one} type="button" aria-pressed={one === view} onClick={() => onView(one)}>{text.views[one]} <kbd aria-hidden="true">{i + 1}</kbd></button>
        ))}
      </div>
      <div class="view-actions">
        <button type="button" class="quiet" aria-pressed={compared} onClick={onCompare}>{text.actions.compare} <kbd aria-hidden="true">d</kbd></button>
        <TakeAlong id={id} />
        <CopyButton value={link} shownIn={LINK} label={text.actions.linkLabel} words={text.actions.link} />
        <span id={LINK} class="unseen" aria-hidden="true">{link}</span>
        <button type="button" class="quiet view-print" onClick={print}>{text.actions.print}</button>
      </div>
    </div>
  );
}

/** On paper, what is folded cannot be opened. */
function print(): void {
  for (const paper of document.querySelectorAll<HTMLDetailsElement>('details.paper')) paper.open = true;
  setTimeout(() => window.print(), PAINTED_MS);
}
