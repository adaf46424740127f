import type { ComponentChildren } from 'preact';
import { useText } from '../../shell/shell';

/** What the shapes mean. */
export function Legend() {
  const { legend, tools } = useText().timeline;
  return (
    <details class="timeline-legend">
      <summary>{legend.title}</summary>
      <div>
        <ul>
          <Sign words={legend.hop}><path d="M1 2h26v10H1z" class="fill tint" /><path d="M1 2h3v10H1z" class="fill" /></Sign>
          <Sign words={legend.failed}><path d="M1 2h26v10H1z" class="bad-line" /><path d="M19 4l6 6M25 4l-6 6" class="bad-line" /></Sign>
          <Sign words={legend.open}><path d="M1 2h10v10H1zM13 2h3v10h-3zM18 2h3v10h-3zM23 2h3v10h-3z" class="fill tint" /></Sign>
          <Sign words={legend.verdict}><path d="M1 2h26v10H1z" class="stamp-line" /><path d="M0 1h9L0 10z" class="stamp-fill" /></Sign>
          <Sign words={legend.waiting}><path d="M3 4h22M3 10h22M5 10l5-6M10 10l5-6M15 10l5-6M20 10l5-6" class="form-line" /><circle cx="3" cy="7" r="2.6" class="form-fill" /></Sign>
          <Sign words={legend.http}><path d="M4 0v9h16" class="line" /><path d="M26 9l-6-3v6z" class="fill" /></Sign>
          <Sign words={legend.kafka}><path d="M14 0v8" class="form-line dashed" /><path d="M10.5 7l3.5 4 3.5-4" class="form-line" /></Sign>
          <Sign words={legend.local}><path d="M4 0v9h18" class="line dotted" /></Sign>
          <Sign words={legend.error}><path d="M14 1l5 6-5 6-5-6z" class="bad-fill" /></Sign>
          <Sign words={legend.warning}><path d="M14 2l6 10H8z" class="held-fill" /></Sign>
          <Sign words={legend.log}><path d="M8 5v6M14 5v6M20 5v6" class="line" /></Sign>
          <Sign words={legend.gaps}><path d="M1 2h26v10H1z" class="bad-line thin" /><path d="M2 12l9-10M9 12l9-10M16 12l9-10" class="bad-line thin" /></Sign>
          <Sign words={legend.shifted}><path d="M1 2h26v8H1z" class="fill tint" /><path d="M1 12h26" class="held-line dotted" /></Sign>
          <Sign words={legend.idle}><path d="M6 0l3 3-3 4 3 3-3 4M20 0l3 3-3 4 3 3-3 4" class="line" /></Sign>
        </ul>
        <p class="aside">{tools.help}</p>
      </div>
    </details>
  );
}

function Sign({ words, children }: { readonly words: string; readonly children: ComponentChildren }) {
  return <li><svg viewBox="0 0 28 14" width="28" height="14" aria-hidden="true" focusable="false">{children}</svg>{words}</li>;
}
