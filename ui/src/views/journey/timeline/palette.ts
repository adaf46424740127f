import { hueOf } from '../../../lib/hue';

/** The colours of the stylesheet, as a canvas takes them. */
export interface Palette {
  readonly ink: string;
  readonly faint: string;
  readonly rule: string;
  readonly rule2: string;
  readonly sheet: string;
  readonly well: string;
  readonly form: string;
  readonly going: string;
  readonly held: string;
  readonly bad: string;
  /** The verdict's own. */
  readonly stamp: string;
  /** Colours are the reader's own: only shapes tell things apart. */
  readonly forced: boolean;
  readonly font: string;
  readonly small: string;
  readonly service: (name: string) => string;
  /** Stripes of a colour, for what is missing and what waits. */
  readonly stripes: (ctx: CanvasRenderingContext2D, colour: string) => CanvasPattern | string;
}

/** Reads them by an element of the page that nobody sees; `paper`: as they are on white paper. */
export function readPalette(probe: HTMLElement, paper: boolean): Palette {
  const forced = window.matchMedia('(forced-colors: active)').matches;
  probe.style.colorScheme = paper ? 'light' : '';
  const read = (value: string): string => {
    probe.style.color = value;
    return getComputedStyle(probe).color;
  };
  const token = (name: string, system: string): string => (forced ? system : read(`var(--${name})`));
  const hues = new Map<number, string>();
  const services = new Map<string, string>();
  const patterns = new Map<string, CanvasPattern | string>();
  const text = token('ink', 'CanvasText');
  const family = getComputedStyle(probe).fontFamily;
  return {
    ink: text,
    faint: token('ink-3', 'CanvasText'),
    rule: token('rule', 'ButtonBorder'),
    rule2: token('rule-2', 'ButtonBorder'),
    sheet: token('sheet', 'Canvas'),
    well: token('well', 'Canvas'),
    form: token('form', 'LinkText'),
    going: token('going', 'LinkText'),
    held: token('held', 'CanvasText'),
    bad: token('bad', 'CanvasText'),
    stamp: token('stamp', 'Highlight'),
    forced,
    font: `500 11.5px ${family}`,
    small: `400 11.5px ${family}`,
    service(name) {
      if (forced) return 'CanvasText';
      let colour = services.get(name);
      if (colour !== undefined) return colour;
      const hue = hueOf(name);
      colour = hues.get(hue) ?? readService(probe, hue, paper);
      hues.set(hue, colour);
      services.set(name, colour);
      return colour;
    },
    stripes(ctx, colour) {
      let pattern = patterns.get(colour);
      if (pattern === undefined) patterns.set(colour, (pattern = makeStripes(ctx, colour)));
      return pattern;
    },
  };
}

function readService(probe: HTMLElement, hue: number, paper: boolean): string {
  probe.style.colorScheme = paper ? 'light' : '';
  probe.style.color = `light-dark(oklch(55% 0.15 ${hue}), oklch(75% 0.13 ${hue}))`;
  return getComputedStyle(probe).color;
}

function makeStripes(ctx: CanvasRenderingContext2D, colour: string): CanvasPattern | string {
  const tile = document.createElement('canvas');
  [tile.width, tile.height] = [6, 6];
  const pen = tile.getContext('2d');
  if (pen === null) return colour;
  pen.strokeStyle = colour;
  pen.lineWidth = 1.4;
  pen.beginPath();
  for (const x of [-6, 0, 6]) {
    pen.moveTo(x - 1, 7);
    pen.lineTo(x + 7, -1);
  }
  pen.stroke();
  return ctx.createPattern(tile, 'repeat') ?? colour;
}
