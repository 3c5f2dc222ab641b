// The API by messages to the kernel. A request is `{ask, method, path, body}`; the kernel says `{begun}` when it begins with it
// and `{answered, status, form}` with the body beside it when it is done. It says `{changed}` when the session was written to
// by other means.
//
// A kernel that runs a cell hears nothing until that has ended, and one that was restarted never does; both look alike from
// here. So a request that is not begun after some seconds counts as not answered. It may still be done later: whatever
// changes something may be sent twice.

import type { Transport } from "../api/transport.ts";
import { uuid } from "../identity.ts";
import type { Bytes, Model } from "./model.ts";

/** How long the kernel may take to begin with a request. */
const SILENCE_MS = 10_000;
/** How many pictures are kept. */
const MOST_PICTURES = 400;

interface Waiting {
  settle: (answer: Response) => void;
  fail: (why: unknown) => void;
  timer: ReturnType<typeof setTimeout>;
}

/** The API of the kernel behind a widget. */
export class Messages implements Transport {
  readonly far = "kernel";
  readonly remedy =
    "a cell may be running, or the kernel was restarted: then run this cell again. Labels are kept here until it answers.";
  private readonly waiting = new Map<string, Waiting>();
  private readonly listeners = new Set<() => void>();
  private readonly pictures = new Map<string, Promise<string>>();

  constructor(private readonly model: Model) {
    model.on("msg:custom", this.hear);
  }

  ask = (path: string, { method, body, signal }: RequestInit): Promise<Response> => {
    const ask = uuid();
    return new Promise<Response>((settle, fail) => {
      const stop = () => {
        this.forget(ask);
        fail(new DOMException("nobody waits for it", "AbortError"));
      };
      if (signal?.aborted === true) {
        stop();
        return;
      }
      signal?.addEventListener("abort", stop, { once: true });
      const silent = () => {
        this.forget(ask);
        fail(new Error("the kernel is silent"));
      };
      this.waiting.set(ask, { settle, fail, timer: setTimeout(silent, SILENCE_MS) });
      const text = typeof body === "string" ? body : "";
      this.model.send({ ask, method: method ?? "GET", path, body: text });
    });
  };

  /** A picture becomes an address of the browser's own memory, until there are too many. */
  address = (path: string): Promise<string> => {
    const kept = this.pictures.get(path) ?? this.fetched(path);
    this.pictures.delete(path);
    this.pictures.set(path, kept);
    for (const oldest of this.pictures.keys()) {
      if (this.pictures.size <= MOST_PICTURES) break;
      this.drop(oldest);
    }
    return kept;
  };

  /** Calls back when the session was written to by other means; gives the way to stop that. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Lets go of what it holds. */
  close(): void {
    this.model.off("msg:custom", this.hear);
    for (const ask of this.waiting.keys()) this.forget(ask);
    for (const path of this.pictures.keys()) this.drop(path);
  }

  private async fetched(path: string): Promise<string> {
    const answer = await this.ask(path, {});
    if (!answer.ok) throw new Error(`the kernel answered ${answer.status}`);
    return URL.createObjectURL(await answer.blob());
  }

  private drop(path: string): void {
    const picture = this.pictures.get(path);
    this.pictures.delete(path);
    picture?.then(
      (address) => URL.revokeObjectURL(address),
      () => undefined,
    );
  }

  private readonly hear = (content: unknown, buffers: readonly Bytes[]): void => {
    if (typeof content !== "object" || content === null) return;
    if ("changed" in content) for (const listener of this.listeners) listener();
    if ("begun" in content) clearTimeout(this.waiting.get(String(content.begun))?.timer);
    if (!("answered" in content)) return;
    const ask = String(content.answered);
    const waiting = this.waiting.get(ask);
    this.forget(ask);
    try {
      waiting?.settle(answerOf(content, buffers[0]));
    } catch (error) {
      waiting?.fail(error);
    }
  };

  private forget(ask: string): void {
    clearTimeout(this.waiting.get(ask)?.timer);
    this.waiting.delete(ask);
  }
}

function answerOf(content: object, body: Bytes | undefined): Response {
  const status = "status" in content ? Number(content.status) : 500;
  const form = "form" in content ? String(content.form) : "";
  const headers = new Headers(form === "" ? [] : [["content-type", form]]);
  return new Response(body === undefined || body.byteLength === 0 ? null : body, { status, headers });
}
