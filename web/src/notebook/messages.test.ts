// Requests as messages: what is sent, what is heard, and what becomes of those that nobody answers.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Messages } from "./messages.ts";
import type { Bytes, Model } from "./model.ts";

interface Asked {
  ask: string;
  method: string;
  path: string;
  body: string;
}

/** A kernel that answers when it is told to. */
class Kernel implements Model {
  asked: Asked[] = [];
  private listeners = new Set<(content: unknown, buffers: readonly Bytes[]) => void>();

  get = (): unknown => "";
  send = (content: unknown): void => void this.asked.push(content as Asked);
  on: Model["on"] = (_, listener) => void this.listeners.add(listener);
  off: Model["off"] = (_, listener) => void this.listeners.delete(listener);

  say(content: unknown, body?: string): void {
    const buffers = body === undefined ? [] : [new DataView(new TextEncoder().encode(body).buffer)];
    for (const listener of this.listeners) listener(content, buffers);
  }

  answer(ask: string | undefined, body: string, form = "application/json", status = 200): void {
    this.say({ begun: ask });
    this.say({ answered: ask, status, form }, body);
  }
}

let kernel: Kernel;
let messages: Messages;
beforeEach(() => {
  vi.useFakeTimers();
  kernel = new Kernel();
  messages = new Messages(kernel);
});
afterEach(() => vi.useRealTimers());

describe("a request", () => {
  it("goes out with its method, path and body, and comes back as a response", async () => {
    const answer = messages.ask("projects/p", { method: "POST", body: '{"k":1}' });
    expect(kernel.asked).toMatchObject([{ method: "POST", path: "projects/p", body: '{"k":1}' }]);
    kernel.answer(kernel.asked[0]?.ask, '{"name":"p"}');
    const response = await answer;
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(await response.json()).toEqual({ name: "p" });
  });

  it("gets its own answer, in whatever order answers come", async () => {
    const answers = ["first", "second"].map((path) => messages.ask(path, {}));
    for (const { ask, path } of [...kernel.asked].reverse()) kernel.answer(ask, path, "text/plain");
    expect(await Promise.all((await Promise.all(answers)).map((one) => one.text()))).toEqual([
      "first",
      "second",
    ]);
  });

  it("may have an answer without a body", async () => {
    const answer = messages.ask("nothing", {});
    kernel.say({ answered: kernel.asked[0]?.ask, status: 204, form: "" }, "");
    expect((await answer).status).toBe(204);
  });

  it("fails when the kernel does not begin with it, and waits for one that has begun", async () => {
    const silent = messages.ask("silent", {});
    const begun = messages.ask("begun", {});
    kernel.say({ begun: kernel.asked[1]?.ask });
    const failed = expect(silent).rejects.toThrow("silent");
    await vi.advanceTimersByTimeAsync(60_000);
    await failed;
    kernel.answer(kernel.asked[1]?.ask, "late", "text/plain");
    expect(await (await begun).text()).toBe("late");
  });

  it("ends with whoever has asked", async () => {
    const control = new AbortController();
    const answer = messages.ask("slow", { signal: control.signal });
    control.abort();
    await expect(answer).rejects.toMatchObject({ name: "AbortError" });
    kernel.answer(kernel.asked[0]?.ask, "late");
  });
});

describe("a picture", () => {
  it("is asked for once, and a lost one is an error", async () => {
    vi.stubGlobal(
      "URL",
      Object.assign(URL, { createObjectURL: () => "blob:1", revokeObjectURL: () => undefined }),
    );
    const both = [messages.address("a/thumbnail"), messages.address("a/thumbnail")];
    expect(kernel.asked).toHaveLength(1);
    kernel.answer(kernel.asked[0]?.ask, "jpeg", "image/jpeg");
    expect(await Promise.all(both)).toEqual(["blob:1", "blob:1"]);
    const lost = messages.address("b/thumbnail");
    kernel.answer(kernel.asked[1]?.ask, "{}", "application/problem+json", 404);
    await expect(lost).rejects.toThrow("404");
  });
});

it("tells those who listen of changes, until they stop", () => {
  let nChanges = 0;
  const stop = messages.onChange(() => (nChanges += 1));
  kernel.say({ changed: true });
  stop();
  kernel.say({ changed: true });
  expect(nChanges).toBe(1);
});
