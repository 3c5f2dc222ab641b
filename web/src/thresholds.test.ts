import { describe, expect, it } from "vitest";

import { outcomeAt, rangeOf, withThreshold } from "./thresholds.ts";

const TABLE = [
  { score: -2, n_above: 100, precision: 0.1, recall: 1 },
  { score: 0, n_above: 20, precision: 0.5, recall: 0.8 },
  { score: 4, n_above: 0, precision: 1, recall: 0 },
];

describe("the outcome of a threshold", () => {
  it("stands in the table where it is in the table", () => {
    expect(TABLE.map((row) => outcomeAt(TABLE, row.score)?.n_above)).toEqual([100, 20, 0]);
    expect(outcomeAt(TABLE, 0)).toEqual({
      n_above: 20,
      precision: { low: 0.5, estimate: 0.5, high: 0.5 },
      recall: { low: 0.8, estimate: 0.8, high: 0.8 },
      basis: "expected",
    });
  });

  it("lies between its neighbours, and past the last one nothing is left", () => {
    expect(outcomeAt(TABLE, 1)?.n_above).toBe(15);
    expect(outcomeAt(TABLE, 1)?.precision?.estimate).toBe(0.625);
    expect(outcomeAt(TABLE, -9)?.n_above).toBe(100);
    expect(outcomeAt(TABLE, 9)?.n_above).toBe(0);
  });

  it("is unknown without a table", () => {
    expect(outcomeAt([], 0)).toBeNull();
  });
});

describe("the histogram", () => {
  const histogram = { low: -4, high: 0, counts: [1, 2, 3, 4] };

  it("is as it is where the threshold lies in it", () => {
    expect(withThreshold({ histogram, threshold: -1 })).toBe(histogram);
  });

  it("grows until the threshold lies in it, bin by bin", () => {
    expect(withThreshold({ histogram, threshold: 1.5 })).toEqual({
      low: -4,
      high: 3,
      counts: [1, 2, 3, 4, 0, 0, 0],
    });
    expect(withThreshold({ histogram, threshold: -5 })).toEqual({
      low: -6,
      high: 0,
      counts: [0, 0, 1, 2, 3, 4],
    });
  });

  it("does not grow without end", () => {
    expect(withThreshold({ histogram, threshold: 1e9 }).counts.length).toBeLessThan(100);
    expect(withThreshold({ histogram: { low: 1, high: 1, counts: [9] }, threshold: 5 }).counts).toEqual([9]);
  });
});

it("a range without width still has a step", () => {
  expect(rangeOf({ low: 1, high: 1, counts: [] }).step).toBeGreaterThan(0);
});
