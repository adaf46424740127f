import type { Kin } from '../../../lib/timeline/kin';
import type { Timeline } from '../../../lib/timeline/timeline';
import { useKeys, useText } from '../../shell/shell';

/** What a reader can do with the timeline. */
export interface Acts {
  readonly fold: () => void;
  readonly adjust: () => void;
  readonly closeAll: () => void;
  readonly closeLane: () => void;
  readonly zoom: (factor: number) => void;
  readonly all: () => void;
  readonly pan: (share: number) => void;
  readonly choose: (hop: number) => void;
  readonly open: () => void;
}

const PAGE = 10;

/** Binds the timeline's keys. `holds`: the timeline has the focus. */
export function useTimelineKeys(acts: Acts, timeline: Timeline, kin: Kin, chosen: number, holds: boolean, adjustable: boolean): void {
  const { keys } = useText().timeline;
  const last = timeline.journey.hops.length - 1;
  // Keys begin at what the verdict rests on.
  const first = Math.max(timeline.moments.places.get(timeline.journey.verdictHop) ?? 0, 0);
  const go = (hop: number): void => acts.choose(chosen < 0 ? first : Math.min(Math.max(hop, 0), last));

  useKeys([
    { keys: 'f', says: keys.fold, run: acts.fold },
    ...(adjustable ? [{ keys: 'a', says: keys.adjust, run: acts.adjust }] : []),
    { keys: 'c', says: keys.closeLane, run: acts.closeLane },
    { keys: 'C', says: keys.closeAll, run: acts.closeAll },
    { keys: '+', says: keys.zoomIn, run: () => acts.zoom(1 / 1.6) },
    { keys: '-', says: keys.zoomOut, run: () => acts.zoom(1.6) },
    { keys: '0', says: keys.all, run: acts.all },
  ], [acts, keys]);

  // Arrows belong to whoever has the focus; elsewhere they scroll the page.
  useKeys(holds ? [
    { keys: 'ArrowDown', says: keys.next, run: () => go(chosen + 1) },
    { keys: 'ArrowUp', says: keys.previous, run: () => go(chosen - 1) },
    { keys: 'ArrowLeft', says: keys.parent, run: (event) => (event.shiftKey ? acts.pan(-0.12) : acts.choose(kin.parent[chosen] ?? -1)) },
    { keys: 'ArrowRight', says: keys.child, run: (event) => (event.shiftKey ? acts.pan(0.12) : acts.choose(kin.child[chosen] ?? -1)) },
    { keys: 'PageDown', says: keys.pageDown, run: () => go(chosen + PAGE) },
    { keys: 'PageUp', says: keys.pageUp, run: () => go(chosen - PAGE) },
    { keys: 'Home', says: keys.first, run: () => go(0) },
    { keys: 'End', says: keys.last, run: () => go(last) },
    { keys: 'Enter', says: keys.open, run: acts.open },
  ] : [], [holds, acts, keys]);
}
