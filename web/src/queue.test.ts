import { beforeEach, describe, expect, it } from "vitest";

import { ApiError, Unreachable } from "./api/client.ts";
import { backOff, Queue } from "./queue.ts";
import type { Op, Outcome } from "./queue.ts";

const SEAT = { project: "tickets", session: "refunds", annotator: "tab-1" };
const PROBLEM = {
  type: "unknown-session",
  title: "unknown session",
  status: 404,
  detail: "no session refunds",
};

/** A server that counts an answer once, and can be killed. */
class Server {
  alive = true;
  /** Does the work but dies before it answers. */
  mute = false;
  problem: typeof PROBLEM | null = null;
  requests: string[][] = [];
  readonly known = new Map<string, Op["act"]>();

  send = (ops: Op[]): Promise<Outcome[]> => {
    if (!this.alive) return Promise.reject(new Unreachable("gone"));
    if (this.problem !== null) return Promise.reject(new ApiError(this.problem));
    this.requests.push(ops.map(({ request }) => request));
    for (const op of ops) this.known.set(op.request, op.act);
    if (this.mute) return Promise.reject(new Unreachable("cut short"));
    return Promise.resolve(ops.map((op) => ({ op })));
  };
}

let server: Server;
let pauses: { ms: number; go: () => void }[];

function page(): Queue {
  const pause = (ms: number) =>
    ms === 0 ? Promise.resolve() : new Promise<void>((go) => pauses.push({ ms, go }));
  const queue = new Queue({ store: localStorage, send: server.send, pause, now: () => 1000 });
  queue.adopt();
  return queue;
}

const label = (request: string, id = request, session = "refunds"): Omit<Op, "order"> => ({
  seat: { ...SEAT, session },
  door: "labels",
  request,
  act: { kind: "label", id, label: 1 },
});
const undo = (request: string): Omit<Op, "order"> => ({
  seat: SEAT,
  door: "labels",
  request,
  act: { kind: "undo" },
});
const settle = () => new Promise((resolve) => setTimeout(resolve));

beforeEach(() => {
  localStorage.clear();
  server = new Server();
  pauses = [];
});

describe("the queue of answers", () => {
  it("sends, and keeps nothing that the server has", async () => {
    const queue = page();
    queue.push(label("r1"));
    expect(queue.unsaved.value).toBe(1);
    expect(localStorage.length).toBe(1);
    await queue.drained(SEAT, "labels");
    expect([queue.unsaved.value, localStorage.length, server.known.size]).toEqual([0, 0, 1]);
  });

  it("sends answers of one moment together, and an undo in its place", async () => {
    const queue = page();
    for (const op of [label("r1"), label("r2"), undo("u"), label("r3")]) queue.push(op);
    await queue.drained(SEAT, "labels");
    expect(server.requests).toEqual([["r1", "r2"], ["u"], ["r3"]]);
  });

  it("waits longer and longer for a server that is gone, and loses nothing", async () => {
    server.alive = false;
    const queue = page();
    queue.push(label("r1"));
    await settle();
    pauses[0]?.go();
    await settle();
    queue.push(label("r2"));
    expect(pauses.map(({ ms }) => ms)).toEqual([500, 1000]);
    expect([...queue.lanes.value.values()][0]?.state).toBe("waiting");
    server.alive = true;
    pauses[1]?.go();
    await queue.drained(SEAT, "labels");
    expect([...server.known.keys()]).toEqual(["r1", "r2"]);
  });

  it("sends again, under the same number, what was done but not acknowledged", async () => {
    server.mute = true;
    const queue = page();
    queue.push(label("r1"));
    await settle();
    server.mute = false;
    pauses[0]?.go();
    await queue.drained(SEAT, "labels");
    expect(server.requests).toEqual([["r1"], ["r1"]]);
    expect(server.known.size).toBe(1);
  });

  it("survives a reload, in order", async () => {
    server.alive = false;
    const before = page();
    for (const op of [label("z"), label("a"), undo("m")]) before.push(op);
    await settle();
    server.alive = true;
    const after = page();
    expect(after.pending(SEAT, "labels").map(({ request }) => request)).toEqual(["z", "a", "m"]);
    await after.drained(SEAT, "labels");
    expect([...server.known.keys()]).toEqual(["z", "a", "m"]);
    expect(localStorage.length).toBe(0);
  });

  it("of one session does not wait for that of another", async () => {
    server.problem = PROBLEM;
    const queue = page();
    queue.push(label("r1"));
    await settle();
    server.problem = null;
    queue.push(label("r2", "r2", "other"));
    await queue.drained({ ...SEAT, session: "other" }, "labels");
    expect([...server.known.keys()]).toEqual(["r2"]);
  });

  it("keeps what the server will not take until the user says so", async () => {
    server.problem = PROBLEM;
    const queue = page();
    queue.push(label("r1"));
    const [name] = [...queue.lanes.value.keys()];
    await expect(queue.drained(SEAT, "labels")).rejects.toThrow("no session refunds");
    expect(localStorage.length).toBe(1);
    server.problem = null;
    queue.retry(name ?? "");
    await queue.drained(SEAT, "labels");
    expect(server.known.size).toBe(1);
  });

  it("forgets what the user gives up", async () => {
    server.problem = PROBLEM;
    const queue = page();
    queue.push(label("r1"));
    await settle();
    queue.discard([...queue.lanes.value.keys()][0] ?? "");
    expect([queue.unsaved.value, localStorage.length]).toEqual([0, 0]);
  });

  it("tells when the browser keeps nothing, and sends all the same", async () => {
    const full = Object.create(localStorage, {
      setItem: {
        value: () => {
          throw new DOMException("full", "QuotaExceededError");
        },
      },
    }) as Storage;
    const queue = new Queue({ store: full, send: server.send, pause: () => Promise.resolve(), now: () => 1 });
    queue.push(label("r1"));
    expect(queue.volatile.value).toBe(true);
    await queue.drained(SEAT, "labels");
    expect(server.known.size).toBe(1);
  });

  it("starts when storage holds what nobody can read", () => {
    localStorage.setItem("linprobe/unsaved/x", "{");
    localStorage.setItem("linprobe/unsaved/y", "7");
    expect(page().unsaved.value).toBe(0);
  });
});

it("the wait doubles up to ten seconds", () => {
  const waits = [0, 1, 2, 3, 4, 5, 6].reduce<number[]>((all) => [...all, backOff(all.at(-1) ?? 0)], []);
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
});
