import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import type { ProjectSummary } from "../api/types.ts";
import { StartBox } from "./start-box.tsx";

const PROJECT = {
  slug: "p",
  labels: [{ name: "golden_retriever" }],
  model: { takes_text: true, takes_images: false },
} as unknown as ProjectSummary;

/** What was asked of `sessions`. */
let begun: unknown[];

beforeEach(async () => {
  begun = [];
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    if (url.endsWith("/sessions")) begun.push(JSON.parse(init.body as string));
    return Promise.resolve(Response.json({ name: "s", records: [], classifiers: [] }));
  });
  await act(() => render(<StartBox project={PROJECT} />, document.body));
  await write("Only records where", "year > 2020");
  await write("What it is not", "cats");
});

afterEach(() => {
  render(null, document.body);
  vi.unstubAllGlobals();
});

function field(words: string): HTMLInputElement {
  const label = [...document.querySelectorAll("label")].find(({ textContent }) =>
    textContent.startsWith(words),
  );
  const input = label?.querySelector<HTMLInputElement>("input, textarea");
  if (input == null) throw new Error(`there is no field ${words}`);
  return input;
}

async function write(words: string, value: string): Promise<void> {
  const input = field(words);
  input.value = value;
  await act(() => void input.dispatchEvent(new Event("input", { bubbles: true })));
}

it("an example phrase starts with everything else that was asked for", async () => {
  await act(() => document.querySelector<HTMLElement>(".pill")?.click());
  expect(begun).toEqual([
    { start: { phrases: ["golden retriever"], not_phrases: ["cats"], where: "year > 2020" } },
  ]);
});

it("Enter starts from the fields of the session, and from none that searches or imports", () => {
  const started = (words: string) => field(words).form !== null;
  expect(["Only records where", "Name of the session"].map(started)).toEqual([true, true]);
  expect(["Find examples in the dataset", "Its class"].map(started)).toEqual([false, false]);
});
