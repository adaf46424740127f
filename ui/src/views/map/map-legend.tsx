import type { ComponentChildren } from 'preact';
import { useText } from '../shell/shell';

/** What the lines mean. */
export function MapLegend() {
  const text = useText().map.legend;
  return (
    <ul class="map-legend" aria-label={text.title}>
      <Sign words={text.http}><path class="map-line" d="M1 6h30" /></Sign>
      <Sign words={text.kafka} transport="kafka"><path class="map-line" d="M1 6h30" /></Sign>
      <Sign words={text.failed} trouble="failed"><path class="map-line" d="M1 6h30" /></Sign>
      <Sign words={text.waiting} transport="kafka" trouble="waiting"><path class="map-line" d="M1 6h30" /></Sign>
      <li>{text.queue}</li>
    </ul>
  );
}

function Sign({ words, transport = 'http', trouble = '', children }: { readonly words: string; readonly transport?: string; readonly trouble?: string; readonly children: ComponentChildren }) {
  return <li><svg class="map-way" data-transport={transport} data-trouble={trouble} viewBox="0 0 32 12" width="32" height="12" aria-hidden="true" focusable="false">{children}</svg>{words}</li>;
}
