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

/**
 * The place of each page's first item, and behind the last page's end. A page that is not here yet counts with all of its
 * records; one that is here may hold fewer items, since records that are alike share one.
 */
export function startsOf(
  nRecords: number,
  size: number,
  lengthOf: (page: number) => number | undefined,
): number[] {
  const nPages = Math.ceil(nRecords / size);
  const starts = [0];
  for (let page = 0, at = 0; page < nPages; page++) {
    at += lengthOf(page) ?? Math.min(size, nRecords - page * size);
    starts.push(at);
  }
  return starts;
}

/** The page that holds an item; the last one for what is behind the end. */
export function pageOf(item: number, starts: number[]): number {
  let [low, high] = [0, Math.max(0, starts.length - 2)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= item) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The pages that hold the items from `first` up to `end`. */
export function pagesOf({ first, end }: Window, starts: number[]): number[] {
  if (end <= first) return [];
  const from = pageOf(first, starts);
  return Array.from({ length: pageOf(end - 1, starts) - from + 1 }, (_, step) => from + step);
}

/** Where to scroll so that a row is seen: nowhere if it is, and to its top if it is higher than the window. */
export function scrollTo(row: number, { top, height }: Scrolled, rowHeight: number): number {
  const [above, below] = [row * rowHeight, (row + 1) * rowHeight - height];
  return top > above ? above : Math.min(above, Math.max(top, below));
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
