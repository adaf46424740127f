/** What is seen of the axis, in places. */
export interface View {
  readonly from: number;
  readonly to: number;
}

/** The least that is shown: what lies closer was at the same time for any clock. */
const LEAST = 100;

/** All, with a little room at the right for what has not ended. */
export function whole(length: number): View {
  return { from: -length * 0.01, to: length * 1.03 };
}

/** Keeps a view within all. */
export function within(view: View, length: number): View {
  const all = whole(length);
  const size = Math.min(Math.max(view.to - view.from, LEAST), all.to - all.from);
  const from = Math.min(Math.max(view.from, all.from), all.to - size);
  return { from, to: from + size };
}

/** `factor` below 1 shows less; the place `around` stays where it is. */
export function zoomed(view: View, factor: number, around: number, length: number): View {
  const size = Math.max((view.to - view.from) * factor, LEAST);
  const share = (around - view.from) / (view.to - view.from);
  return within({ from: around - share * size, to: around + (1 - share) * size }, length);
}

/** `share` of what is seen, to the right. */
export function panned(view: View, share: number, length: number): View {
  const by = (view.to - view.from) * share;
  return within({ from: view.from + by, to: view.to + by }, length);
}

export function isWhole(view: View, length: number): boolean {
  const all = whole(length);
  return view.to - view.from >= (all.to - all.from) * 0.999;
}

/** Moves a view as little as shows a thing; one that is too long or too short to be seen well is given the room for it. */
export function showing(view: View, from: number, to: number, length: number): View {
  const size = view.to - view.from;
  const margin = size * 0.08;
  if (to - from > size - 2 * margin) return within({ from: from - (to - from) * 0.1, to: to + (to - from) * 0.1 }, length);
  if (from < view.from + margin) return within({ from: from - margin, to: from - margin + size }, length);
  if (to > view.to - margin) return within({ from: to + margin - size, to: to + margin }, length);
  return view;
}

/** Between two views; `share` from 0 to 1. */
export function amid(a: View, b: View, share: number): View {
  return { from: a.from + (b.from - a.from) * share, to: a.to + (b.to - a.to) * share };
}
