import type { Span } from '../../lib/track';

const percent = (part: number): string => `${(Math.min(Math.max(part, 0), 1) * 100).toFixed(3)}%`;

/** Where in the journey's time this lies. Only for the eye: the time and the duration stand beside it as words. */
export function SpanBar({ span, thin = false }: { readonly span: Span | null; readonly thin?: boolean }) {
  return (
    <svg class="span" data-thin={thin} aria-hidden="true" focusable="false">
      <line class="span-scale" x1="0" x2="100%" y1="5" y2="5" />
      {span !== null && (
        // Round line ends keep in sight what is too short for a line.
        <line class="span-bar" data-open={span.open} x1={percent(span.from)} x2={percent(span.to)} y1="5" y2="5" />
      )}
    </svg>
  );
}
