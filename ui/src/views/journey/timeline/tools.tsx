import { Icon } from '../../shell/icons';
import { useText } from '../../shell/shell';
import type { Acts } from './use-timeline-keys';
import { Legend } from './legend';

/** What can be changed of the picture; each has a key as well. */
export function Tools({ folded, adjusted, shifts, closed, acts }: {
  readonly folded: boolean;
  readonly adjusted: boolean;
  /** How many instances' times can be moved. */
  readonly shifts: number;
  readonly closed: boolean;
  readonly acts: Acts;
}) {
  const { tools } = useText().timeline;
  return (
    <div class="timeline-tools" role="group" aria-label={tools.label}>
      <button type="button" class="quiet" aria-pressed={folded} onClick={acts.fold}>{tools.fold} <kbd>f</kbd></button>
      <button type="button" class="quiet" aria-pressed={adjusted && shifts > 0} disabled={shifts === 0} title={shifts === 0 ? tools.adjustNone : adjusted ? tools.adjustedNote(shifts) : tools.rawNote} onClick={acts.adjust}>
        {tools.adjust} <kbd>a</kbd>
      </button>
      <button type="button" class="quiet" aria-pressed={closed} onClick={acts.closeAll}>{tools.closeAll} <kbd>C</kbd></button>
      <span class="timeline-zoom">
        <button type="button" class="icon-button" aria-label={tools.zoomOut} title={`${tools.zoomOut} (−)`} onClick={() => acts.zoom(1.6)}><Icon name="minus" /></button>
        <button type="button" class="icon-button" aria-label={tools.zoomIn} title={`${tools.zoomIn} (+)`} onClick={() => acts.zoom(1 / 1.6)}><Icon name="plus" /></button>
        <button type="button" class="quiet" onClick={acts.all}>{tools.all} <kbd>0</kbd></button>
      </span>
      <Legend />
    </div>
  );
}
