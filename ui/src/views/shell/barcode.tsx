import { code128 } from '../../lib/code128';

/** The text as a Code 128 barcode, without quiet zones: leave room around it. An ornament, so hidden from those who hear the page. */
export function Barcode({ of, upright = false }: { readonly of: string; readonly upright?: boolean }) {
  let at = 0;
  let bars = '';
  code128(of).forEach((width, i) => {
    if (i % 2 === 0) bars += upright ? `M0 ${at}v${width}h1v-${width}z` : `M${at} 0h${width}v1h-${width}z`;
    at += width;
  });
  return (
    <svg class="barcode" viewBox={upright ? `0 0 1 ${at}` : `0 0 ${at} 1`} preserveAspectRatio="none" aria-hidden="true" focusable="false" shape-rendering="crispEdges">
      <path d={bars} fill="currentColor" />
    </svg>
  );
}
