/** Things in rows: the things of row r are `items[starts[r]] … items[starts[r + 1] - 1]`, by where they begin. */
export interface Rows {
  readonly starts: Int32Array;
  readonly items: Int32Array;
  /** By place in `items`: how far the thing and all before it in its row reach. It ascends, so what is in sight is found by halving. */
  readonly reach: Float64Array;
}

/** `rowOf` says in which of `count` rows each thing is; `from` and `to` where it lies. */
export function createRows(rowOf: Int32Array, count: number, from: Float64Array, to: Float64Array, order: Uint32Array): Rows {
  const starts = new Int32Array(count + 1);
  for (const row of rowOf) {
    if (row >= 0) starts[row + 1] = (starts[row + 1] ?? 0) + 1;
  }
  for (let row = 0; row < count; row++) starts[row + 1] = (starts[row + 1] ?? 0) + (starts[row] ?? 0);
  const next = starts.slice(0, count);
  const items = new Int32Array(starts[count] ?? 0);
  const reach = new Float64Array(items.length);
  for (const item of order) {
    const row = rowOf[item] ?? -1;
    if (row < 0) continue;
    const at = next[row] ?? 0;
    items[at] = item;
    const end = Math.max(from[item] ?? 0, to[item] ?? 0);
    reach[at] = at === starts[row] ? end : Math.max(end, reach[at - 1] ?? 0);
    next[row] = at + 1;
  }
  return { starts, items, reach };
}

/** What a row holds. */
export function itemsOf(rows: Rows, row: number): readonly number[] {
  return row < 0 ? [] : Array.from(rows.items.subarray(rows.starts[row], rows.starts[row + 1]));
}

/** The places in `rows.items` of what may be seen of a row between two places on the axis. */
export function inSight(rows: Rows, row: number, from: Float64Array, left: number, right: number): readonly [first: number, end: number] {
  const [start, stop] = [rows.starts[row] ?? 0, rows.starts[row + 1] ?? 0];
  const first = firstWhere(start, stop, (at) => (rows.reach[at] ?? 0) >= left);
  return [first, firstWhere(first, stop, (at) => (from[rows.items[at] ?? 0] ?? 0) > right)];
}

/** The first number of a range for which something holds that holds for all after it; `end` where it holds for none. */
export function firstWhere(start: number, end: number, holds: (at: number) => boolean): number {
  let [low, high] = [start, end];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
