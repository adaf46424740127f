import type { Facts } from './facts';

/** What is under the pointer, in words. For the eye only: whoever goes by keys reads the same in the grid. */
export function Tip({ facts, x, y, width }: { readonly facts: Facts; readonly x: number; readonly y: number; readonly width: number }) {
  const right = x > width * 0.6;
  return (
    <div class="timeline-tip" aria-hidden="true" style={{ top: `${y + 16}px`, ...(right ? { right: `${Math.max(width - x, 0)}px` } : { left: `${x + 12}px` }) }}>
      <strong><bdi>{facts.title}</bdi></strong>
      {facts.subtitle !== '' && <code><bdi>{facts.subtitle}</bdi></code>}
      {facts.lines.map((line, i) => <p key={i}><bdi>{line}</bdi></p>)}
    </div>
  );
}
