// What a session starts from, as it is put together in the start box, and example phrases from a dataset's own classes.

import type { Start } from "./api/types.ts";

/** A record, a picture or a text that is an example, or a counterexample, of what is looked for. */
export interface Example {
  from: "record" | "upload";
  id: string;
  name: string;
  side: "like" | "unlike";
}

export interface Draft {
  phrase: string;
  /** More phrases, one a line. */
  others: string;
  /** What it is not, one a line. */
  not: string;
  examples: Example[];
  classifier: string;
  /** Which records are looked at, as the server reads filters; empty for all. */
  where: string;
  /** What the session is to be called; empty to leave it to the server. */
  name: string;
}

export const EMPTY_DRAFT: Draft = {
  phrase: "",
  others: "",
  not: "",
  examples: [],
  classifier: "",
  where: "",
  name: "",
};

/** The start that a draft describes; null if it says nothing of what is looked for. */
export function startOf(draft: Draft): Start | null {
  const of = (from: Example["from"], side: Example["side"]) =>
    draft.examples.filter((example) => example.from === from && example.side === side).map(({ id }) => id);
  const whole = {
    phrases: [draft.phrase, ...draft.others.split("\n")]
      .map((line) => line.trim())
      .filter((line) => line !== ""),
    not_phrases: draft.not
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== ""),
    records: of("record", "like"),
    not_records: of("record", "unlike"),
    uploads: of("upload", "like"),
  };
  const start: Start = Object.fromEntries(Object.entries(whole).filter(([, values]) => values.length > 0));
  if (draft.classifier !== "") start.classifier = draft.classifier;
  if (draft.where.trim() !== "") start.where = draft.where.trim();
  const says = [start.phrases, start.records, start.uploads].some((values) => values !== undefined);
  return says || start.classifier !== undefined ? start : null;
}

/** A class's name as a phrase: `golden_retriever` is `golden retriever`; numbers are no phrases. */
export function phraseOf(label: string): string | null {
  const phrase = label.replace(/[_-]+/g, " ").replace(/\s+/g, " ").trim();
  return /\p{Letter}{2}/u.test(phrase) && phrase.length <= 60 ? phrase : null;
}
