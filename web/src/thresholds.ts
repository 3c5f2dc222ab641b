// What a threshold would give, read from the table that comes with each fit: dragging asks nobody.

import type { Insight, ThresholdRow } from "./api/types.ts";

/** The expected outcome of a threshold, between the two rows of the table around it. */
export function outcomeAt(table: ThresholdRow[], score: number): ThresholdRow | null {
  const after = table.findIndex((row) => row.score >= score);
  const high = after === -1 ? table.at(-1) : table[after];
  const low = after === -1 ? high : (table[after - 1] ?? high);
  if (low === undefined || high === undefined) return null;
  const span = high.score - low.score;
  const weight = span > 0 ? Math.min(1, Math.max(0, (score - low.score) / span)) : 0;
  const mix = (a: number, b: number) => a + (b - a) * weight;
  return {
    score,
    n_above: Math.round(mix(low.n_above, high.n_above)),
    precision: mix(low.precision, high.precision),
    recall: mix(low.recall, high.recall),
  };
}

/** The range over which a threshold can be moved, in steps that a key can take. */
export function rangeOf({ histogram: { low, high } }: Pick<Insight, "histogram">): { low: number; high: number; step: number } {
  return { low, high, step: Math.max((high - low) / 400, 1e-4) };
}

/** Where the ranked list is cut: how many scores of the descending list are at or above the threshold. */
export function cutOf(scores: readonly number[], threshold: number): number {
  let [low, high] = [0, scores.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((scores[middle] ?? -Infinity) >= threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}
