// A round against a server made of answers: what a person sees while requests are slow, fail, or come late.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Round, ShownRecord } from "../api/types.ts";
import { Labelling, modelScore } from "./labelling.ts";
import { queue } from "./saving.ts";

const SEAT = { project: "p", session: "s", annotator: "tab-1" };

const shown = (id: string, answer: ShownRecord["answer"] = null): ShownRecord => ({
  record: { id, kind: "text", text: id, metadata: {} },
  score: 2,
  probability: 0.88,
  reason: "top",
  reason_words: "among the highest scores",
  odds: 1,
  n_alike: 0,
  answer,
});
const round = (number: number, ...records: ShownRecord[]): Round => ({ number, records });

const INSIGHT = { n_positive_found: 0, n_expected_left: { low: 0, estimate: 0, high: 0 } };

/** Replies by the last part of a request's path; a request without one fails as a dead server does. */
let replies: Record<string, unknown>;
let requests: { door: string; body: unknown }[];

beforeEach(() => {
  localStorage.clear();
  requests = [];
  replies = {
    s: { round_open: null },
    insight: INSIGHT,
    rounds: { round: round(1, shown("a"), shown("b"), shown("c")), insight: INSIGHT },
    answers: { version: 1, answers: [], n_labels: 1, n_positive: 1 },
    undo: { undone: null, version: 2 },
  };
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    const door = url.split("?")[0]?.split("/").at(-1) ?? "";
    requests.push({ door, body: typeof init.body === "string" ? JSON.parse(init.body) : null });
    const reply = replies[door];
    return reply === undefined
      ? Promise.reject(new TypeError("gone"))
      : Promise.resolve(Response.json(reply));
  });
});

afterEach(async () => {
  replies["answers"] ??= { version: 1, answers: [], n_labels: 1, n_positive: 1 };
  window.dispatchEvent(new Event("online"));
  await queue.drained(SEAT, "labels");
  vi.unstubAllGlobals();
});

async function opened(): Promise<Labelling> {
  const labelling = new Labelling(SEAT);
  await labelling.open();
  return labelling;
}

const given = ({ deck }: Labelling) => Object.fromEntries(deck.answers.given.value);
const sent = (door: string) => requests.filter((request) => request.door === door);

describe("a round", () => {
  it("is asked for when none is open, and is the open one when there is one", async () => {
    expect((await opened()).deck.cards.value).toHaveLength(3);
    replies["s"] = { round_open: round(4, shown("x", { label: 1 }), shown("y")) };
    const again = await opened();
    expect([again.round.value, again.deck.cursor.value, given(again)]).toEqual([4, 1, { x: { label: 1 } }]);
    expect(sent("rounds")).toHaveLength(1);
  });

  it("moves to the next open card after a score, and stays at the end", async () => {
    const { deck } = await opened();
    const cursors = [1, 0.5, -1].map((score) => {
      deck.labelCurrent(() => score);
      return deck.cursor.value;
    });
    expect(cursors).toEqual([1, 2, 2]);
    expect(deck.open.value).toEqual([]);
  });

  it("shows answers before the server has them, and says which it has not", async () => {
    const labelling = await opened();
    labelling.deck.labelCurrent(() => 1);
    expect([...labelling.deck.answers.unsaved.value]).toEqual(["a"]);
    await labelling.deck.answers.saved();
    expect([...labelling.deck.answers.unsaved.value]).toEqual([]);
  });

  it("scores the rest in one step, each by the model or all alike", async () => {
    const labelling = await opened();
    labelling.deck.labelCurrent(() => -1);
    labelling.deck.labelRest(modelScore);
    expect(given(labelling)).toEqual({ a: { label: -1 }, b: { label: 0.75 }, c: { label: 0.75 } });
  });
});

describe("fit and next", () => {
  it("asks once about open cards, then skips them", async () => {
    const labelling = await opened();
    labelling.deck.labelCurrent(() => 1);
    await labelling.fitAndNext();
    expect([labelling.asksAgain.value, sent("rounds").length]).toEqual([true, 1]);
    replies["rounds"] = { round: round(2, shown("d")), insight: { ...INSIGHT, n_positive_found: 1 } };
    await labelling.fitAndNext();
    expect([labelling.round.value, sent("rounds").length]).toEqual([2, 2]);
    const skips = sent("answers")
      .flatMap(({ body }) => (body as { answers: { id: string; skip?: boolean }[] }).answers)
      .filter(({ skip }) => skip);
    expect(skips.map(({ id }) => id)).toEqual(["b", "c"]);
  });

  it("asks anew when something was answered in between", async () => {
    const labelling = await opened();
    await labelling.fitAndNext();
    labelling.deck.labelCurrent(() => 1);
    expect(labelling.asksAgain.value).toBe(false);
  });

  it("answers nothing with a key that is pressed before the next round is there", async () => {
    const labelling = await opened();
    labelling.deck.labelRest(() => 1);
    const next = labelling.fitAndNext();
    labelling.deck.labelCurrent(() => -1);
    labelling.deck.undo();
    await next;
    expect(sent("undo")).toEqual([]);
    const scores = sent("answers").flatMap(({ body }) =>
      (body as { answers: { label: number }[] }).answers.map(({ label }) => label),
    );
    expect(scores).toEqual([1, 1, 1]);
  });

  it("is held up while the server does not answer, and goes on when it does", async () => {
    const labelling = await opened();
    const { heldUp } = labelling.deck.answers;
    delete replies["answers"];
    labelling.deck.labelRest(() => 1);
    const next = labelling.fitAndNext();
    await vi.waitUntil(() => heldUp.value);
    expect([labelling.phase.value, sent("rounds").length]).toEqual(["fitting", 1]);
    replies["answers"] = { version: 1, answers: [], n_labels: 3, n_positive: 3 };
    window.dispatchEvent(new Event("online"));
    await next;
    expect([heldUp.value, sent("rounds").length]).toEqual([false, 2]);
  });

  it("that fails keeps the round and its answers", async () => {
    const labelling = await opened();
    labelling.deck.labelRest(() => 1);
    delete replies["rounds"];
    await labelling.fitAndNext();
    expect([labelling.phase.value, labelling.round.value, Object.keys(given(labelling))]).toEqual([
      "labelling",
      1,
      ["a", "b", "c"],
    ]);
  });
});

describe("undo", () => {
  it("brings back what stood there before, and the cursor to it", async () => {
    const labelling = await opened();
    const stop = labelling.deck.listen();
    labelling.deck.labelCurrent(() => 1);
    labelling.deck.moveTo(0);
    labelling.deck.labelCurrent(() => -1);
    labelling.deck.undo();
    expect([given(labelling), labelling.deck.cursor.value]).toEqual([{ a: { label: 1 } }, 0]);
    labelling.deck.undo();
    expect(given(labelling)).toEqual({});
    stop();
  });

  it("takes the server's word for what stands there", async () => {
    replies["s"] = { round_open: round(1, shown("a", { label: 1 }), shown("b")) };
    replies["undo"] = { undone: { id: "a", answer: { label: 1 }, label_now: null }, version: 3 };
    const labelling = await opened();
    const stop = labelling.deck.listen();
    labelling.deck.undo();
    await labelling.deck.answers.saved();
    await Promise.resolve();
    expect([given(labelling), labelling.deck.cursor.value]).toEqual([{}, 0]);
    stop();
  });
});

it("an answer that reaches the server while it is asked for the session is shown", async () => {
  delete replies["answers"];
  (await opened()).deck.labelCurrent(() => 1);
  await vi.waitUntil(() => queue.lane(SEAT, "labels")?.state === "waiting");
  // The server speaks before it has the answer, and is heard after it said that it has it.
  const usual = fetch;
  let nAsked = 0;
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    if (!url.endsWith("/s?annotator=tab-1")) return usual(url, init);
    nAsked += 1;
    if (nAsked > 1) return Response.json({ round_open: round(1, shown("a", { label: 1 }), shown("b")) });
    replies["answers"] = { version: 1, answers: [], n_labels: 1, n_positive: 1 };
    window.dispatchEvent(new Event("online"));
    await queue.drained(SEAT, "labels");
    return Response.json({ round_open: round(1, shown("a"), shown("b")) });
  });
  const labelling = new Labelling(SEAT);
  const stop = labelling.deck.listen();
  await labelling.open();
  expect([nAsked, given(labelling), labelling.deck.cursor.value]).toEqual([2, { a: { label: 1 } }, 1]);
  stop();
});

it("an answer that the server refuses is shown as open again", async () => {
  const labelling = await opened();
  const stop = labelling.deck.listen();
  vi.stubGlobal("fetch", (_: string, init: RequestInit) => {
    const { answers } = JSON.parse(init.body as string) as { answers: { request: string; id: string }[] };
    const problem = { type: "unknown-record", title: "unknown record", status: 404, detail: "no record a" };
    return Promise.resolve(
      Response.json({
        version: 1,
        answers: answers.map((one) => ({ ...one, status: "refused", problem })),
        n_labels: 0,
        n_positive: 0,
      }),
    );
  });
  labelling.deck.labelCurrent(() => 1);
  await labelling.deck.answers.saved();
  await Promise.resolve();
  expect(given(labelling)).toEqual({});
  stop();
});
