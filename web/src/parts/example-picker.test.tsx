import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, expect, it, vi } from "vitest";

import type { ProjectSummary } from "../api/types.ts";
import { ExamplePicker } from "./example-picker.tsx";

afterEach(() => {
  render(null, document.body);
  vi.unstubAllGlobals();
});

const buttons = () =>
  [...document.querySelectorAll<HTMLElement>(".picker .row button")].map(({ textContent }) => textContent);

async function press(words: string): Promise<void> {
  const all = [...document.querySelectorAll("button")];
  await act(() => all.find(({ textContent }) => textContent === words)?.click());
}

const seen = (...words: string[]) => vi.waitFor(() => expect(buttons()).toEqual(words));

it("the records of a dataset have an end, and a way back from it", async () => {
  vi.stubGlobal("fetch", (url: string) =>
    Promise.resolve(Response.json({ records: [], next: url.includes("after=") ? null : "12" })),
  );
  const project = { slug: "p", model: null } as unknown as ProjectSummary;
  await act(() =>
    render(<ExamplePicker project={project} examples={[]} onChange={() => undefined} />, document.body),
  );
  await seen("More records");
  await press("More records");
  await seen("From the start");
  await press("From the start");
  await seen("More records");
});
