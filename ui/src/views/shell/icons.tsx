// Drawn on 24 by 24, by strokes in the colour of the text around.
const paths = {
  check: 'M5 12.5l4.5 4.5L19 7.5',
  arrow: 'M4 12h15M13 6l6 6-6 6',
  pause: 'M9 6v12M15 6v12',
  back: 'M8.5 5L4 9.5 8.5 14M4 9.5h10a5 5 0 0 1 0 10H9',
  cross: 'M6.5 6.5l11 11M17.5 6.5l-11 11',
  question: 'M8.5 9a3.5 3.5 0 1 1 5 3.2c-1 .5-1.5 1.2-1.5 2.3M12 18.2v.1',
  lock: 'M6.5 11h11v8h-11zM9 11V8a3 3 0 0 1 6 0v3',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  alert: 'M12 4L2.8 20h18.4zM12 10v4.5M12 17.2v.1',
  settings: 'M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1M18.4 5.6l-2.1 2.1M7.7 16.3l-2.1 2.1',
  close: 'M6.5 6.5l11 11M17.5 6.5l-11 11',
  down: 'M6 9l6 6 6-6',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  search: 'M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15.5 15.5L20 20',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  stop: 'M8.3 3h7.4L21 8.3v7.4L15.7 21H8.3L3 15.7V8.3zM12 7.5v5.5M12 16.4v.1',
  info: 'M12 11v6M12 7.3v.1M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z',
} as const;

export type IconName = keyof typeof paths;

/** Always beside words that say the same. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}

/** Stations on a way that reads as a W. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 24" aria-hidden="true" focusable="false">
      <path d="M3 4l6.5 16L16 7l6.5 13L29 4" fill="none" stroke="currentColor" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round" />
      <g fill="currentColor"><circle cx="3" cy="4" r="3" /><circle cx="29" cy="4" r="3" /></g>
    </svg>
  );
}
