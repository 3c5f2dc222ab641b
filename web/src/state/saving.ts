// The one queue of the page, and how its answers reach the server.

import { answer, answerAudit, undo, undoAudit } from "../api/calls.ts";
import { far } from "../api/transport.ts";
import type { NewAnswer } from "../api/types.ts";
import { Queue } from "../queue.ts";
import type { Op, Outcome } from "../queue.ts";
import { local } from "../storage.ts";

export const queue = new Queue({ store: local, send, pause, now: () => Date.now() });

/** Sends operations of one lane, all labels and skips or one undo. */
async function send(ops: Op[]): Promise<Outcome[]> {
  const [first] = ops;
  if (first === undefined) return [];
  if (first.act.kind === "undo") return [await sendUndo(first)];
  const answers = ops.map(given).filter((one) => one !== null);
  if (first.door === "audit") {
    await answerAudit(first.seat, answers);
    return ops.map((op) => ({ op }));
  }
  const reply = await answer(first.seat, answers);
  return ops.map((op) => {
    const status = reply.answers.find(({ request }) => request === op.request);
    if (status?.status !== "refused") return { op };
    const unknown = {
      type: "refused",
      title: "refused",
      status: 422,
      detail: `the ${far()} refused the answer`,
    };
    return { op, refused: status.problem ?? unknown };
  });
}

async function sendUndo(op: Op): Promise<Outcome> {
  if (op.door === "audit") {
    return { op, judged: await undoAudit(op.seat, op.request) };
  }
  const { undone } = await undo(op.seat, op.request);
  return { op, undone: undone ?? null };
}

function given({ request, act }: Op): NewAnswer | null {
  if (act.kind === "undo") return null;
  return act.kind === "skip"
    ? { request, id: act.id, skip: true }
    : { request, id: act.id, label: act.label };
}

/** Waits, but no longer than until the network or the user comes back. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      document.removeEventListener("visibilitychange", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (ms === 0) return;
    addEventListener("online", done);
    document.addEventListener("visibilitychange", done);
  });
}
