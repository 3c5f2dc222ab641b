import { describe, expect, it } from "vitest";

import { EMPTY_DRAFT, phraseOf, startOf } from "./starts.ts";

describe("a start", () => {
  it("names only what was given", () => {
    expect(startOf({ ...EMPTY_DRAFT, phrase: " dogs in the snow ", not: "cats\n\n wolves" })).toEqual({
      phrases: ["dogs in the snow"],
      not_phrases: ["cats", "wolves"],
    });
  });

  it("of examples keeps like and unlike, records and uploads apart", () => {
    const start = startOf({
      ...EMPTY_DRAFT,
      examples: [
        { from: "record", id: "a", name: "a", side: "like" },
        { from: "record", id: "b", name: "b", side: "unlike" },
        { from: "upload", id: "c", name: "c.png", side: "like" },
      ],
    });
    expect(start).toEqual({ records: ["a"], not_records: ["b"], uploads: ["c"] });
  });

  it("needs something to look for: what it is not does not do", () => {
    expect(startOf({ ...EMPTY_DRAFT, not: "cats" })).toBeNull();
    expect(startOf({ ...EMPTY_DRAFT, classifier: "refunds" })).toEqual({ classifier: "refunds" });
  });

  it("may look at some records only, which is nothing to look for by itself", () => {
    const where = " split = 'train' ";
    expect(startOf({ ...EMPTY_DRAFT, phrase: "dogs", where })).toEqual({
      phrases: ["dogs"],
      where: "split = 'train'",
    });
    expect(startOf({ ...EMPTY_DRAFT, where })).toBeNull();
  });
});

it("classes become phrases where they are words", () => {
  expect(["golden_retriever", "n02-dog", "7", "", "x".repeat(90)].map(phraseOf)).toEqual([
    "golden retriever",
    "n02 dog",
    null,
    null,
    null,
  ]);
});
