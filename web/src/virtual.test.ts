import { describe, expect, it } from "vitest";

import { pageOf, pagesOf, scrollTo, startsOf, windowOf } from "./virtual.ts";

describe("the window on a long list", () => {
  it("holds what is seen and some more, and never leaves the list", () => {
    expect(windowOf({ top: 0, height: 500 }, 100, 10_000, 2)).toEqual({ first: 0, end: 7 });
    expect(windowOf({ top: 4250, height: 500 }, 100, 10_000, 2)).toEqual({ first: 40, end: 50 });
    expect(windowOf({ top: 999_900, height: 500 }, 100, 10_000, 2)).toEqual({ first: 9997, end: 10_000 });
    expect(windowOf({ top: -300, height: 200 }, 100, 10_000, 0)).toEqual({ first: 0, end: 0 });
  });

  it("asks for each page that it touches, once", () => {
    const starts = startsOf(250, 100, () => undefined);
    expect(pagesOf({ first: 95, end: 205 }, starts)).toEqual([0, 1, 2]);
    expect(pagesOf({ first: 100, end: 200 }, starts)).toEqual([1]);
    expect(pagesOf({ first: 5, end: 5 }, starts)).toEqual([]);
  });

  it("closes up where records of a page share an item", () => {
    const lengths = [90, undefined, 40];
    const starts = startsOf(250, 100, (page) => lengths[page]);
    expect(starts).toEqual([0, 90, 190, 230]);
    expect([0, 89, 90, 189, 190, 229, 500].map((item) => pageOf(item, starts))).toEqual([
      0, 0, 1, 1, 2, 2, 2,
    ]);
    expect(
      pageOf(
        0,
        startsOf(0, 100, () => undefined),
      ),
    ).toBe(0);
  });

  it("moves only as far as a row needs", () => {
    const seen = { top: 1000, height: 500 };
    expect(scrollTo(12, seen, 100)).toBe(1000);
    expect(scrollTo(3, seen, 100)).toBe(300);
    expect(scrollTo(20, seen, 100)).toBe(1600);
    expect(scrollTo(0, { top: 0, height: 500 }, 600)).toBe(0);
  });
});
