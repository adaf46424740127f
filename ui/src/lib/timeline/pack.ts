/** Rows of one lane, or of one instance in it, are no more than this. What does not fit lies over others in the last. */
export const MOST_ROWS = 400;

/** All things by where they begin; what is longer first. */
export function byStart(from: Float64Array, to: Float64Array): Uint32Array {
  const order = new Uint32Array(from.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  return order.toSorted((a, b) => (from[a] ?? 0) - (from[b] ?? 0) || (to[b] ?? 0) - (to[a] ?? 0) || a - b);
}

/**
 * Gives things, sorted by where they begin, the first row in which nothing is in the way; a thing stands below its parent. Writes
 * to `rowOf`, from row `first` on, and says how many rows there are. `apart` is kept free behind each thing.
 */
export function pack(things: readonly number[], from: Float64Array, to: Float64Array, rowOf: Int32Array, first: number, parentOf: Int32Array, apart: number): number {
  const free: number[] = [];
  for (const thing of things) {
    const [start, end] = [from[thing] ?? 0, to[thing] ?? 0];
    const parent = parentOf[thing] ?? -1;
    const above = parent < 0 ? -1 : (rowOf[parent] ?? -1) - first;
    // Below the parent, as long as that runs; a parent of another lane, or one that has ended, is in nobody's way.
    let row = above >= 0 && above < free.length && start <= (to[parent] ?? 0) ? above + 1 : 0;
    while (row < free.length && (free[row] ?? 0) > start) row++;
    if (row >= MOST_ROWS) row = MOST_ROWS - 1;
    free[row] = Math.max(end + apart, start + 1);
    rowOf[thing] = first + row;
  }
  return free.length;
}
