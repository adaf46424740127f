import { hueOf } from '../../../lib/hue';
import { printable } from '../../../lib/printable';
import { laneKey } from '../../../lib/timeline/stack';
import type { Stack } from '../../../lib/timeline/stack';
import { Icon } from '../../shell/icons';
import { useText } from '../../shell/shell';
import { HEAD } from './head';

/** The lanes' names, each a button that folds its lane. `first` and `end` are the lanes in sight. */
export function LaneLabels({ stack, first, end, onToggle }: {
  readonly stack: Stack;
  readonly first: number;
  readonly end: number;
  readonly onToggle: (key: string) => void;
}) {
  const text = useText().timeline;
  const { head, row, space } = stack.measures;
  return (
    <>
      {stack.lanes.slice(first, end).map((lane, n) => {
        const i = first + n;
        const key = laneKey(lane);
        const closed = stack.closed[i] === 1;
        const name = lane.kind === 'unknown' ? text.unknownLane : printable(lane.name) || (lane.kind === 'topic' ? text.noTopic : text.noService);
        const top = stack.tops[i] ?? 0;
        const title = lane.kind === 'topic' ? text.topicLane(name) : lane.kind === 'unknown' ? text.unknownLaneWhy : name;
        const style = { height: `${head > 0 ? head : row + space}px` };
        const label = (
          <>
            <i class="lane-dot" aria-hidden="true" />
            <bdi>{name}</bdi>
            {!closed && lane.instances[0] !== undefined && <bdi class="lane-first">{printable(lane.instances[0].node)}</bdi>}
            {lane.errors > 0 && (
              <span class="lane-errors" title={text.failed(lane.errors)}><Icon name="cross" /><span aria-hidden="true">{lane.errors}</span><span class="unseen">{text.failed(lane.errors)}</span></span>
            )}
            {closed && <span class="lane-count">{lane.rows}</span>}
          </>
        );
        return (
          <div key={key} class="lane" data-kind={lane.kind} style={{ top: `${top + HEAD}px`, height: `${(stack.tops[i + 1] ?? 0) - top}px`, '--hue': String(hueOf(lane.name)) }}>
            {lane.rows < 2 ? <span class="lane-name" style={style} title={title}>{label}</span> : (
              <button type="button" class="lane-name" style={style} title={`${title} · ${closed ? text.openLane : text.closeLane}`} aria-expanded={!closed} onClick={() => onToggle(key)}>
                {label}
                <span class="lane-fold" data-closed={closed}><Icon name="down" /></span>
              </button>
            )}
            {head === 0 && !closed && lane.instances.slice(1).map((instance) => (
              <span key={instance.node} class="lane-instance" style={{ top: `${space / 2 + (instance.row - lane.row) * row}px` }}><bdi>{printable(instance.node)}</bdi></span>
            ))}
          </div>
        );
      })}
    </>
  );
}
