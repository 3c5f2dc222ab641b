// One door to the server: every call goes through `call`, so that errors come in two kinds only.
// `ApiError` is the server's own answer and says what is wrong; `Unreachable` means that nothing was answered, and
// that trying again is right.

import { far, transport } from "./transport.ts";
import type { Problem } from "./types.ts";

/** The server answered that it will not do it. */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }

  get slug(): string {
    return this.problem.type.split("/").at(-1) ?? this.problem.type;
  }
}

/** Nobody answered, or the answer was cut short: the request may or may not have been done. */
export class Unreachable extends Error {}

export interface CallOptions {
  method?: "GET" | "POST";
  json?: unknown;
  file?: Blob;
  signal?: AbortSignal;
}

/** Answers of these kinds say that the server is busy or restarting, not that the request is wrong. */
const PASSING = new Set([408, 425, 429, 502, 503, 504]);

/** Asks the server, and gives its answer as JSON; null where it has nothing to say. */
export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  const response = await send(path, options);
  if (PASSING.has(response.status)) throw new Unreachable(`the ${far()} answered ${response.status}`);
  if (!response.ok) throw new ApiError(await problemOf(response));
  if (response.status === 204) return null as T;
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new Unreachable("the answer was cut short", { cause: error });
  }
}

async function send(path: string, { method, json, file, signal }: CallOptions): Promise<Response> {
  const headers = new Headers({ accept: "application/json", "x-linprobe": "1" });
  if (json !== undefined) headers.set("content-type", "application/json");
  if (file !== undefined) headers.set("content-type", file.type || "application/octet-stream");
  try {
    return await transport().ask(path, {
      method: method ?? (json === undefined && file === undefined ? "GET" : "POST"),
      headers,
      body: file ?? (json === undefined ? null : JSON.stringify(json)),
      signal: signal ?? null,
    });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new Unreachable(`the ${far()} does not answer`, { cause: error });
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback: Problem = {
    type: "unknown",
    title: response.statusText,
    status: response.status,
    detail: `the ${far()} answered ${response.status} ${response.statusText}`.trim(),
  };
  const body: unknown = await response.json().catch(() => null);
  return typeof body === "object" && body !== null ? { ...fallback, ...body } : fallback;
}

/** Whether an error says only that nobody waits for the answer any more. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** What to tell a person about an error: what is wrong, and the remedy where there is one. */
export function wordsOf(error: unknown): { detail: string; hint?: string | undefined } {
  if (error instanceof ApiError) return { detail: error.message, hint: error.problem.hint ?? undefined };
  if (error instanceof Unreachable) return { detail: error.message, hint: transport().remedy };
  return { detail: error instanceof Error ? error.message : String(error) };
}
