import { afterEach, describe, expect, it, vi } from "vitest";

import { ApiError, call, Unreachable, wordsOf } from "./client.ts";

const answer = (response: Response | Error) =>
  vi.stubGlobal(
    "fetch",
    vi.fn(() => (response instanceof Error ? Promise.reject(response) : Promise.resolve(response))),
  );

afterEach(() => vi.unstubAllGlobals());

describe("a call", () => {
  it("carries the header that no other site can send, and its body as JSON", async () => {
    answer(Response.json({ fine: true }));
    expect(await call("projects", { json: { name: "x" } })).toEqual({ fine: true });
    const [url, init] = vi.mocked(fetch).mock.calls[0] ?? [];
    const headers = new Headers(init?.headers);
    expect([url, init?.method, init?.body]).toEqual(["api/projects", "POST", '{"name":"x"}']);
    expect([headers.get("x-linprobe"), headers.get("content-type")]).toEqual(["1", "application/json"]);
  });

  it("may have no answer", async () => {
    answer(new Response(null, { status: 204 }));
    expect(await call("login", { json: {} })).toBeNull();
  });

  it("that is refused tells the problem and its remedy", async () => {
    const problem = {
      type: "https://linprobe.dev/problems/no-model",
      title: "no model",
      status: 409,
      detail: "the project has no model",
      hint: "index a dataset first",
    };
    answer(Response.json(problem, { status: 409 }));
    const error: unknown = await call("x").catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).slug).toBe("no-model");
    expect(wordsOf(error)).toEqual({ detail: "the project has no model", hint: "index a dataset first" });
  });

  it("that is refused without words still tells the status", async () => {
    answer(new Response("<h1>", { status: 404, statusText: "Not Found" }));
    await expect(call("x")).rejects.toThrow("the server answered 404 Not Found");
  });

  it("that nobody answers, or not to the end, can be tried again", async () => {
    for (const response of [
      new TypeError("failed"),
      new Response("{", { status: 200 }),
      new Response("", { status: 503 }),
    ]) {
      answer(response);
      await expect(call("x")).rejects.toBeInstanceOf(Unreachable);
    }
  });

  it("that is given up is no failure of the server", async () => {
    answer(new DOMException("gone", "AbortError"));
    await expect(call("x")).rejects.not.toBeInstanceOf(Unreachable);
  });
});
