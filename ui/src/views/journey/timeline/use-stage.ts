import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { laneAt } from '../../../lib/timeline/stack';
import { useShell } from '../../shell/shell';
import { listenToGestures } from './gestures';
import type { Hit } from './gestures';
import { readPalette } from './palette';
import type { Palette } from './palette';
import { createStage } from './stage';
import type { Shown, Stage } from './stage';

export interface Parts {
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly head: RefObject<HTMLCanvasElement | null>;
  readonly field: RefObject<HTMLDivElement | null>;
  readonly body: RefObject<HTMLCanvasElement | null>;
  readonly probe: RefObject<HTMLElement | null>;
}

export interface StageTold {
  readonly wide: (wide: boolean) => void;
  /** The lanes in sight have changed. */
  readonly lanes: (lanes: readonly [first: number, end: number]) => void;
  readonly pointed: (hit: Hit | null) => void;
  readonly clicked: (hit: Hit) => void;
}

/** Below so many pixels, lanes' names stand above their rows. */
const NARROW = 640;
/** A printed page: so wide, and no taller. */
const PAPER = { width: 520, height: 2400 };

/** A stage for as long as the view is there; it follows its size, the theme, the scrolling and what is to be shown. */
export function useStage(parts: Parts, shown: Omit<Shown, 'palette'>, told: StageTold): { readonly current: Stage | null } {
  const { preferences } = useShell();
  const theme = preferences.theme.value;
  const stage = useRef<Stage | null>(null);
  const [palette, setPalette] = useState<Palette | null>(null);
  const latest = useRef({ shown, told });
  latest.current = { shown, told };

  useLayoutEffect(() => {
    const { scroller, head, field, body, probe } = elementsOf(parts);
    let [first, end] = [-1, -1];
    const made = createStage({ head, body, scroller }, {
      drawn() {
        const { stack } = latest.current.shown;
        const seen = [laneAt(stack, scroller.scrollTop), laneAt(stack, scroller.scrollTop + scroller.clientHeight) + 1] as const;
        if (seen[0] !== first || seen[1] !== end) latest.current.told.lanes(([first, end] = seen));
      },
    });
    stage.current = made;
    const fit = (): void => {
      latest.current.told.wide(scroller.clientWidth >= NARROW);
      made.resize();
    };
    const sized = new ResizeObserver(fit);
    sized.observe(scroller);
    const off = new AbortController();
    const options = { signal: off.signal };
    const repaint = (): void => setPalette(readPalette(probe, false));
    window.addEventListener('resize', fit, options); // also when the page is zoomed
    scroller.addEventListener('scroll', () => made.redraw(), options);
    for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)']) window.matchMedia(query).addEventListener('change', repaint, options);
    const print = (): void => {
      const { shown } = latest.current;
      made.show({ ...shown, palette: readPalette(probe, true) });
      made.resize({ width: PAPER.width, height: Math.min(shown.stack.height, PAPER.height) });
    };
    const unprint = (): void => {
      fit();
      repaint();
    };
    window.addEventListener('beforeprint', print, options);
    window.addEventListener('afterprint', unprint, options);
    const stop = listenToGestures(field, head, scroller, made, { pointed: (hit) => latest.current.told.pointed(hit), clicked: (hit) => latest.current.told.clicked(hit) });
    return () => {
      sized.disconnect();
      off.abort();
      stop();
      made.close();
    };
  }, []);

  useLayoutEffect(() => {
    if (parts.probe.current !== null) setPalette(readPalette(parts.probe.current, false));
  }, [theme]);

  useLayoutEffect(() => {
    if (palette !== null) stage.current?.show({ ...shown, palette });
  }, [palette, ...Object.values(shown)]);

  // Fewer lanes make a lower picture.
  useLayoutEffect(() => stage.current?.resize(), [shown.stack]);

  const ready = palette !== null;
  const of = shown.timeline.journey.correlationId;
  useEffect(() => {
    if (ready) performance.mark('waybill:timeline', { detail: of });
  }, [ready, of]);
  return stage;
}

function elementsOf(parts: Parts): { readonly scroller: HTMLDivElement; readonly head: HTMLCanvasElement; readonly field: HTMLDivElement; readonly body: HTMLCanvasElement; readonly probe: HTMLElement } {
  const of = <T extends HTMLElement>(part: RefObject<T | null>): T => {
    if (part.current === null) throw new Error('the timeline is not on the page');
    return part.current;
  };
  return { scroller: of(parts.scroller), head: of(parts.head), field: of(parts.field), body: of(parts.body), probe: of(parts.probe) };
}

