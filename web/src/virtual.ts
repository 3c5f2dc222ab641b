// Which rows of a long list stand in the window: all are of one height, so that position is arithmetic, and
// scrolling 10,000 records measures nothing.

export interface Window {
  /** The first row to draw. */
  first: number;
  /** The row behind the last one to draw. */
  end: number;
}

export interface Scrolled {
  /** How far the list's top is above the window's, in pixels. */
  top: number;
  /** The window's height. */
  height: number;
}

/** The rows in the window and `spare` more above and below, so that a flick shows no gap. */
export function windowOf({ top, height }: Scrolled, rowHeight: number, nRows: number, spare: number): Window {
  const first = Math.floor(top / rowHeight) - spare;
  const end = Math.ceil((top + height) / rowHeight) + spare;
  return { first: clamp(first, 0, nRows), end: clamp(end, 0, nRows) };
}

/** The pages of `size` that hold the items from `first` up to `end`. */
export function pagesOf({ first, end }: Window, size: number): number[] {
  if (end <= first) return [];
  const from = Math.floor(first / size);
  const to = Math.floor((end - 1) / size);
  return Array.from({ length: to - from + 1 }, (_, step) => from + step);
}

/** Where to scroll so that a row is seen: nowhere if it is, and to its top if it is higher than the window. */
export function scrollTo(row: number, { top, height }: Scrolled, rowHeight: number): number {
  const [above, below] = [row * rowHeight, (row + 1) * rowHeight - height];
  return top > above ? above : Math.min(above, Math.max(top, below));
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
