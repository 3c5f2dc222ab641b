// Moving in a grid of cards by what the eye sees: the columns are as many as there is room for.

/** How many items of a laid-out grid stand in its first row. */
export function columnsOf(grid: Element | null): number {
  const items = [...(grid?.children ?? [])] as HTMLElement[];
  const top = items[0]?.offsetTop;
  const second = items.findIndex((item) => item.offsetTop !== top);
  return second === -1 ? Math.max(1, items.length) : second;
}

/** The item that a step leads to; a step out of the grid leads nowhere. */
export function step(from: number, by: number, n: number): number {
  const to = from + by;
  return to < 0 || to >= n ? from : to;
}
