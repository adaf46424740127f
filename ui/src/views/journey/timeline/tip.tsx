import type { ReadonlySignal } from '@preact/signals';
import type { RefObject } from 'preact';
import type { Facts } from './facts';
import type { Hit } from './gestures';

/** What is under the pointer, in words. For the eye only: whoever goes by keys reads the same in the grid. */
export function Tip({ hit, facts, field }: {
  readonly hit: ReadonlySignal<Hit | null>;
  readonly facts: (hit: Hit) => Facts;
  readonly field: RefObject<HTMLElement | null>;
}) {
  const at = hit.value;
  if (at === null) return null;
  const { title, subtitle, lines } = facts(at);
  const width = field.current?.clientWidth ?? 0;
  const side = at.x > width * 0.6 ? { right: `${Math.max(width - at.x, 0)}px` } : { left: `${at.x + 12}px` };
  return (
    <div class="timeline-tip" aria-hidden="true" style={{ top: `${at.y + 16}px`, ...side }}>
      <strong><bdi>{title}</bdi></strong>
      {subtitle !== '' && <code><bdi>{subtitle}</bdi></code>}
      {lines.map((line, i) => <p key={i}><bdi>{line}</bdi></p>)}
    </div>
  );
}
