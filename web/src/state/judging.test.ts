// An audit against a server made of answers: what an undo shows of judgements from before the page was loaded.

import { afterEach, beforeEach, expect, it, vi } from "vitest";

import type { AuditState, GivenAnswer } from "../api/types.ts";
import { Judging } from "./judging.ts";
import { queue } from "./saving.ts";

const SEAT = { project: "p", session: "s", annotator: "tab-1" };

/** An audit of the records a, b and c with these answers. */
const audit = (...answers: (GivenAnswer | null)[]): AuditState => ({
  n_answered: answers.filter((answer) => answer !== null).length,
  n_total: answers.length,
  open: true,
  records: answers.map((answer, idx) => {
    const id = "abc".charAt(idx);
    return { record: { id, kind: "text", text: id, metadata: {} }, answer };
  }),
});

/** Replies by the last part of a request's path. */
let replies: Record<string, AuditState>;
let stop: () => void;

beforeEach(() => {
  localStorage.clear();
  replies = { audit: audit({ label: 1 }, { label: -1 }, null), answers: audit(null, null, null) };
  vi.stubGlobal("fetch", (url: string) =>
    Promise.resolve(Response.json(replies[url.split("/").at(-1) ?? ""])),
  );
});

afterEach(async () => {
  await settled();
  stop();
  vi.unstubAllGlobals();
});

async function opened(): Promise<Judging> {
  const judging = new Judging(SEAT);
  stop = judging.deck.listen();
  await judging.open();
  return judging;
}

async function settled(): Promise<void> {
  await queue.drained(SEAT, "audit");
  await Promise.resolve();
}

const given = ({ deck }: Judging) => Object.fromEntries(deck.answers.given.value);

it("an undo takes back a judgement from before the page was loaded, and the cursor goes there", async () => {
  const judging = await opened();
  replies["undo"] = audit(null, { label: -1 }, null);
  judging.deck.moveTo(2);
  judging.deck.undo();
  await settled();
  expect([given(judging), judging.deck.cursor.value]).toEqual([{ b: { label: -1 } }, 0]);
});

it("an undo goes to the judgement that was changed back", async () => {
  const judging = await opened();
  replies["undo"] = audit({ label: 1 }, { label: 0.5 }, null);
  judging.deck.undo();
  await settled();
  expect([given(judging), judging.deck.cursor.value]).toEqual([{ a: { label: 1 }, b: { label: 0.5 } }, 1]);
});

it("an undo of what was judged here is shown at once, and later judgements stay", async () => {
  const judging = await opened();
  replies["undo"] = audit({ label: 1 }, { label: -1 }, null);
  judging.deck.labelCurrent(() => 1);
  judging.deck.undo();
  judging.deck.labelCurrent(() => 0.5);
  await settled();
  expect(given(judging)).toEqual({ a: { label: 1 }, b: { label: -1 }, c: { label: 0.5 } });
});

it("what is judged and taken back while an older undo is on its way stays taken back", async () => {
  const judging = await opened();
  replies["undo"] = audit({ label: 1 }, null, null);
  judging.deck.undo();
  judging.deck.labelCurrent(() => 1);
  judging.deck.undo();
  await settled();
  expect(given(judging)).toEqual({ a: { label: 1 } });
});
