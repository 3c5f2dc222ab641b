// What a threshold would give, read from the table that comes with each fit: dragging asks nobody.

import type { Insight, ThresholdRow } from "./api/types.ts";

/** What a threshold gives: promised by the classifier, or measured by an audit. */
export type Outcome = Pick<Insight, "n_above" | "precision" | "recall" | "basis">;

/** The outcome of a threshold, between the two rows of the table around it; past the last, nothing is left. */
export function outcomeAt(table: ThresholdRow[], score: number): Outcome | null {
  const last = table.at(-1);
  if (last !== undefined && score > last.score) return promised(0, 0, 0);
  const after = table.findIndex((row) => row.score >= score);
  const high = table[after];
  const low = table[after - 1] ?? high;
  if (low === undefined || high === undefined) return null;
  const span = high.score - low.score;
  const weight = span > 0 ? Math.min(1, Math.max(0, (score - low.score) / span)) : 0;
  const mix = (a: number, b: number) => a + (b - a) * weight;
  return promised(
    Math.round(mix(low.n_above, high.n_above)),
    mix(low.precision, high.precision),
    mix(low.recall, high.recall),
  );
}

function promised(n_above: number, precision: number, recall: number): Outcome {
  const known = (estimate: number) => ({ low: estimate, estimate, high: estimate });
  return { n_above, precision: known(precision), recall: known(recall), basis: "expected" };
}

/** The range over which a threshold can be moved, in steps that a key can take. */
export function rangeOf({ low, high }: Insight["histogram"]): { low: number; high: number; step: number } {
  return { low, high, step: Math.max((high - low) / 400, 1e-4) };
}

const MOST_EXTRA_BINS = 80;

/** The histogram, with empty bins at its ends until the fit's own threshold lies in it. */
export function withThreshold({
  histogram,
  threshold,
}: Pick<Insight, "histogram" | "threshold">): Insight["histogram"] {
  const { low, high, counts } = histogram;
  const width = (high - low) / Math.max(1, counts.length);
  if (!(width > 0)) return histogram;
  const bins = (distance: number) => Math.min(MOST_EXTRA_BINS, Math.max(0, Math.ceil(distance / width + 1)));
  const [before, after] = [
    threshold < low ? bins(low - threshold) : 0,
    threshold > high ? bins(threshold - high) : 0,
  ];
  if (before + after === 0) return histogram;
  const empty = (n: number) => Array.from({ length: n }, () => 0);
  return {
    low: low - before * width,
    high: high + after * width,
    counts: [...empty(before), ...counts, ...empty(after)],
  };
}
