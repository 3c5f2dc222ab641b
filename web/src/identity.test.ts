// Tabs as the browser makes them: each a fresh module, with storage of its own beside the storage that all share.

import { beforeEach, expect, it, vi } from "vitest";

/** The locks of one browser: held until the tab that holds them is closed. */
let held: Set<string>;

beforeEach(() => {
  held = new Set();
  localStorage.clear();
  sessionStorage.clear();
  vi.stubGlobal("navigator", { locks: { request } });
});

function request(name: string, _: unknown, use: (lock: object | null) => unknown): Promise<void> {
  const free = !held.has(name);
  held.add(name);
  use(free ? {} : null);
  return Promise.resolve();
}

/** Opens a tab, with the session storage of another or with none, and gives the name that the server knows it by. */
async function openTab(from: "new" | "duplicated" | "reloaded"): Promise<string> {
  if (from === "new") sessionStorage.clear();
  if (from === "reloaded") held.clear();
  vi.resetModules();
  const { annotator, claimTab } = await import("./identity.ts");
  await claimTab();
  return annotator();
}

it("two tabs have different names, also when one is a copy of the other", async () => {
  const names = [await openTab("new"), await openTab("duplicated"), await openTab("new")];
  expect(new Set(names).size).toBe(3);
});

it("a reloaded tab keeps its name", async () => {
  expect(await openTab("new")).toBe(await openTab("reloaded"));
});

it("a new tab takes the name of one that was closed", async () => {
  const closed = await openTab("new");
  held.clear();
  expect(await openTab("new")).toBe(closed);
});

it("without locks a tab still keeps its name, and new ones differ", async () => {
  vi.stubGlobal("navigator", {});
  const first = await openTab("new");
  expect(await openTab("reloaded")).toBe(first);
  expect(await openTab("new")).not.toBe(first);
});

it("numbers of answers are UUIDs, each another one", async () => {
  const { uuid } = await import("./identity.ts");
  const numbers = Array.from({ length: 100 }, uuid);
  expect(new Set(numbers).size).toBe(100);
  for (const number of numbers) {
    expect(number).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});
