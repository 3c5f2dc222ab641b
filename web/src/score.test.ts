import { describe, expect, it } from "vitest";

import { digitOfScore, nudge, scoreOfDigit, scoreOfModel, scoreText, scoreWords } from "./score.ts";

describe("scores", () => {
  it("stand on nine digits from -1 to +1, and back", () => {
    const digits = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    expect(digits.map(scoreOfDigit)).toEqual([-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1]);
    expect(digits.map(scoreOfDigit).map(digitOfScore)).toEqual(digits);
  });

  it("never leave the scale, and meet again after steps back and forth", () => {
    expect(nudge(0.98, 0.05)).toBe(1);
    expect(nudge(-1, -0.05)).toBe(-1);
    let score = 0.25;
    for (const step of [0.05, 0.05, 0.05, -0.05, -0.05, -0.05]) score = nudge(score, step);
    expect(score).toBe(0.25);
  });

  it("of the model are sure only where it is", () => {
    expect([0.001, 0.5, 0.64, 0.97].map(scoreOfModel)).toEqual([-1, 0, 0.25, 1]);
  });

  it("are written with a sign and said in words", () => {
    expect([-1, -0.5, 0, 0.05, 1].map(scoreText)).toEqual(["−1", "−0.50", "0", "+0.05", "+1"]);
    expect([-0.25, 0, 0.75, 1].map(scoreWords)).toEqual([
      "−0.25, slightly irrelevant",
      "0, undecided",
      "+0.75, rather relevant",
      "+1, relevant",
    ]);
  });
});
