import { describe, expect, it } from "vitest";

import {
  ago,
  amount,
  count,
  fitWords,
  logit,
  modelName,
  percent,
  plural,
  restOf,
  share,
  titleOf,
} from "./format.ts";

describe("numbers", () => {
  it("of many digits are grouped, and one is not plural", () => {
    expect(count(20000)).toBe("20,000");
    expect([plural(1, "label"), plural(0, "label"), plural(2, "match", "matches")]).toEqual([
      "1 label",
      "0 labels",
      "2 matches",
    ]);
  });

  it("carry a sign where they are scores", () => {
    expect([logit(1.234), logit(-0.5), logit(0)]).toEqual(["+1.23", "−0.50", "+0.00"]);
  });

  it("tell nothing from nearly nothing", () => {
    expect([0, 0.001, 0.5, 0.999, 1].map(percent)).toEqual(["0 %", "<1 %", "50 %", ">99 %", "100 %"]);
  });

  it("show an interval only where there is one", () => {
    expect(share({ low: 0.5, estimate: 0.5, high: 0.5 })).toBe("50 %");
    expect(share({ low: 0.41, estimate: 0.5, high: 0.62 })).toBe("50 % (41 to 62)");
    expect(amount({ low: 12, estimate: 12, high: 12 })).toBe("about 12");
    expect(amount({ low: 80, estimate: 120, high: 2100 })).toBe("120 (80 to 2,100)");
  });

  it("of a fit make a sentence", () => {
    const n_expected_left = { low: 3, estimate: 4, high: 9 };
    expect(fitWords({ n_positive_found: 1, n_expected_left })).toBe(
      "1 positive found, 4 (3 to 9) expected to be left.",
    );
  });

  it("of time are rounded down", () => {
    const minutes = (n: number) => ago(0, n * 60_000);
    expect([minutes(0.1), minutes(1.9), minutes(61), minutes(60 * 49)]).toEqual([
      "just now",
      "1 minute ago",
      "1 hour ago",
      "2 days ago",
    ]);
  });
});

it("a model in a folder is called as its folder", () => {
  expect(["/models/clip/", "builtin/minilm", "/"].map(modelName)).toEqual(["clip", "builtin/minilm", "/"]);
});

describe("a record's title", () => {
  it("is its first line, cut, or its id", () => {
    expect(titleOf({ id: "7", text: "\nfitsh\nSoftware" })).toBe("fitsh");
    expect(titleOf({ id: "7", text: "x".repeat(100) })).toHaveLength(80);
    expect(titleOf({ id: "7", text: null })).toBe("7");
  });
});

describe("what follows a title", () => {
  const rest = (text: string) => restOf(text, titleOf({ id: "7", text }));

  it("is the rest of the text", () => {
    expect([rest("one\ntwo three"), rest("one"), rest("so on…\nand on")]).toEqual([
      "two three",
      "",
      "and on",
    ]);
  });

  it("begins where a long first line was cut", () => {
    const line = "word ".repeat(30).trim();
    expect(titleOf({ id: "7", text: line }).slice(0, -1) + rest(line).slice(1)).toBe(line);
    expect(rest(line)).toMatch(/^… ?word/);
  });

  it("is all of a text that its title is not in", () => {
    expect(restOf("year 2020 · split train", "7")).toBe("year 2020 · split train");
  });
});
