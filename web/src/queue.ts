// Answers on their way to the server. An answer is kept in the browser before it is sent and forgotten after the
// server has it, so neither a reload nor a dead server loses one; it carries a number of its own, so that
// sending it twice changes nothing. Each waiting answer is kept under its own name: two tabs never overwrite one another.
//
// Answers of one person in one session go in order, in a lane; lanes do not wait for one another. The
// price of a name each is a slow start with thousands of unsent answers, which nobody has.

import { computed, signal } from "@preact/signals";

import type { Seat } from "./api/calls.ts";
import { ApiError, Unreachable } from "./api/client.ts";
import type { AuditState, Problem, UndoReply } from "./api/types.ts";
import { forget, keep, kept } from "./storage.ts";

/** Which of the two doors of a session an answer goes through. */
export type Door = "labels" | "audit";

/** Something that the user did and the server may not know yet. */
export interface Op {
  seat: Seat;
  door: Door;
  /** Client-made UUID. */
  request: string;
  /** Grows with time. */
  order: number;
  act: { kind: "label"; id: string; label: number } | { kind: "skip"; id: string } | { kind: "undo" };
}

/** What became of an operation. */
export interface Outcome {
  op: Op;
  refused?: Problem | undefined;
  undone?: UndoReply["undone"];
  /** How an audit stands after an undo. */
  judged?: AuditState;
}

/** How a lane stands: `waiting` for the server to come back, `stuck` on an answer that the server will not take. */
export interface Lane {
  seat: Seat;
  door: Door;
  ops: Op[];
  state: "sending" | "waiting" | "stuck";
  problem: Problem | null;
  retry_ms: number;
}

export interface QueueParts {
  store: Storage;
  /** Sends operations of one lane and one kind; throws `Unreachable` or `ApiError`. */
  send: (ops: Op[]) => Promise<Outcome[]>;
  /** Resolves after some milliseconds, or sooner if there is reason to hope. */
  pause: (ms: number) => Promise<void>;
  now: () => number;
}

const PREFIX = "linprobe/unsaved/";
const BATCH = 100;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;

/** The wait before the next attempt: doubles, up to ten seconds. */
export function backOff(previous_ms: number): number {
  return previous_ms === 0 ? FIRST_RETRY_MS : Math.min(LAST_RETRY_MS, previous_ms * 2);
}

const laneName = ({ seat, door }: Pick<Op, "seat" | "door">) =>
  [seat.project, seat.session, seat.annotator, door].map(encodeURIComponent).join("/");

export class Queue {
  /** All lanes with something in them. */
  readonly lanes = signal<ReadonlyMap<string, Lane>>(new Map());
  /** How many answers the server does not have. */
  readonly unsaved = computed(() =>
    [...this.lanes.value.values()].reduce((sum, { ops }) => sum + ops.length, 0),
  );
  /** Whether the browser refuses to keep answers: then closing the page would lose them. */
  readonly volatile = signal(false);
  private readonly listeners = new Set<(outcome: Outcome) => void>();
  private readonly waiters = new Map<string, { resolve: () => void; reject: (error: Error) => void }[]>();
  private lastOrder = 0;
  /** What the names begin with under which answers are kept. */
  private prefix = PREFIX;

  constructor(private readonly parts: QueueParts) {}

  /** Takes up what an earlier page has left, and keeps answers under names that begin alike. */
  adopt(prefix = PREFIX): void {
    const { store } = this.parts;
    this.prefix = prefix;
    const names = Array.from({ length: store.length }, (_, idx) => store.key(idx) ?? "");
    const ops = names.filter((name) => name.startsWith(prefix)).map((name) => kept(store, name, asOp));
    for (const op of ops.filter((op) => op !== null).sort((a, b) => a.order - b.order)) this.enqueue(op);
  }

  /** Keeps an operation, then sends it. */
  push(op: Omit<Op, "order">): Op {
    this.lastOrder = Math.max(this.lastOrder + 1, this.parts.now());
    const whole = { ...op, order: this.lastOrder };
    if (!keep(this.parts.store, this.nameOf(whole), whole)) this.volatile.value = true;
    this.enqueue(whole);
    return whole;
  }

  /** Calls back with what becomes of each operation; gives the way to stop that. */
  listen(listener: (outcome: Outcome) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The lane of somebody in a session, if something is in it. */
  lane(seat: Seat, door: Door): Lane | undefined {
    return this.lanes.value.get(laneName({ seat, door }));
  }

  /** What of a lane is not sent. */
  pending(seat: Seat, door: Door): Op[] {
    return this.lane(seat, door)?.ops ?? [];
  }

  /** Resolves when the server has everything of a lane; rejects if the server will not take it. */
  drained(seat: Seat, door: Door): Promise<void> {
    const name = laneName({ seat, door });
    const lane = this.lanes.value.get(name);
    if (lane === undefined) return Promise.resolve();
    if (lane.problem !== null && lane.state === "stuck") return Promise.reject(new ApiError(lane.problem));
    return new Promise((resolve, reject) => {
      this.waiters.set(name, [...(this.waiters.get(name) ?? []), { resolve, reject }]);
    });
  }

  /** Tries a stuck lane again. */
  retry(name: string): void {
    const lane = this.lanes.value.get(name);
    if (lane?.state === "stuck") void this.work(name);
  }

  /** Gives up what a stuck lane holds. */
  discard(name: string): void {
    const lane = this.lanes.value.get(name);
    if (lane?.state === "stuck") this.remove(name, lane.ops);
  }

  private enqueue(op: Op): void {
    const name = laneName(op);
    const lane = this.lanes.value.get(name);
    this.lastOrder = Math.max(this.lastOrder, op.order);
    if (lane?.ops.some(({ request }) => request === op.request) === true) return;
    if (lane !== undefined) {
      this.update(name, { ops: [...lane.ops, op] });
      return;
    }
    const { seat, door } = op;
    this.set(name, { seat, door, ops: [op], state: "sending", problem: null, retry_ms: 0 });
    void this.work(name);
  }

  /** Sends what is in a lane until it is empty or stuck. */
  private async work(name: string): Promise<void> {
    this.update(name, { state: "sending", problem: null });
    // One turn of the event loop, so that keys pressed together go together.
    await this.parts.pause(0);
    for (let lane = this.lanes.value.get(name); lane !== undefined; lane = this.lanes.value.get(name)) {
      const batch = batchOf(lane.ops);
      try {
        const outcomes = await this.parts.send(batch);
        this.remove(name, batch);
        for (const outcome of outcomes) this.tell(outcome);
      } catch (error) {
        if (!(error instanceof Unreachable)) {
          this.stick(name, error);
          return;
        }
        const retry_ms = backOff(lane.retry_ms);
        this.update(name, { state: "waiting", retry_ms });
        await this.parts.pause(retry_ms);
      }
    }
  }

  private stick(name: string, error: unknown): void {
    const unknown = { type: "unknown", title: "failed", status: 0, detail: String(error) };
    const problem = error instanceof ApiError ? error.problem : unknown;
    this.update(name, { state: "stuck", problem });
    this.settle(name, ({ reject }) => reject(new ApiError(problem)));
  }

  private remove(name: string, gone: Op[]): void {
    const requests = new Set(gone.map(({ request }) => request));
    for (const op of gone) forget(this.parts.store, this.nameOf(op));
    const ops = this.lanes.value.get(name)?.ops.filter(({ request }) => !requests.has(request)) ?? [];
    if (ops.length > 0) {
      this.update(name, { ops, state: "sending", retry_ms: 0 });
      return;
    }
    const lanes = new Map(this.lanes.value);
    lanes.delete(name);
    this.lanes.value = lanes;
    this.settle(name, ({ resolve }) => resolve());
  }

  private nameOf(op: Op): string {
    return `${this.prefix}${op.request}`;
  }

  private settle(
    name: string,
    how: (waiter: { resolve: () => void; reject: (error: Error) => void }) => void,
  ): void {
    const waiting = this.waiters.get(name) ?? [];
    this.waiters.delete(name);
    waiting.forEach(how);
  }

  private tell(outcome: Outcome): void {
    for (const listener of this.listeners) listener(outcome);
  }

  private update(name: string, change: Partial<Lane>): void {
    const lane = this.lanes.value.get(name);
    if (lane !== undefined) this.set(name, { ...lane, ...change });
  }

  private set(name: string, lane: Lane): void {
    this.lanes.value = new Map(this.lanes.value).set(name, lane);
  }
}

/** The longest beginning that one request can carry: an undo goes alone, and in its place. */
function batchOf(ops: Op[]): Op[] {
  const first = ops.findIndex(({ act }) => act.kind === "undo");
  if (first === 0) return ops.slice(0, 1);
  return ops.slice(0, Math.min(BATCH, first === -1 ? ops.length : first));
}

function asOp(value: unknown): Op | null {
  if (typeof value !== "object" || value === null) return null;
  return "seat" in value && "request" in value && "act" in value && "order" in value ? (value as Op) : null;
}
