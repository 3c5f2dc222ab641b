// What every scene stands on: a served folder of projects, made once for each worker, and the page on one of its sessions.

import { test as base, expect } from "@playwright/test";
import type { Locator, Page } from "@playwright/test";

import { copyOf, makeWorkspace, remove, Server } from "./linprobe.ts";

export { expect };

/** The token of the server that asks for one. */
export const TOKEN = "a-token-that-nobody-guesses";

interface Scene {
  /** A server that asks for its token, over a copy of the projects. */
  guarded: Server;
  /** A server of this scene alone, over a copy of the projects. */
  own: Server;
}

interface Stage {
  folder: string;
  server: Server;
}

export const test = base.extend<Scene, Stage>({
  folder: [
    // eslint-disable-next-line no-empty-pattern -- Playwright reads what a fixture needs from this pattern
    async ({}, use) => {
      const folder = makeWorkspace();
      await use(folder);
      remove(folder);
    },
    { scope: "worker", timeout: 120_000 },
  ],
  server: [
    async ({ folder }, use) => {
      const server = await Server.start(folder);
      await use(server);
      await server.kill();
    },
    { scope: "worker" },
  ],
  guarded: async ({ folder }, use) => {
    const copy = copyOf(folder);
    const server = await Server.start(copy, "--token", TOKEN);
    await use(server);
    await server.kill();
    remove(copy);
  },
  own: async ({ folder }, use) => {
    const copy = copyOf(folder);
    const server = await Server.start(copy, "--data-root", `${copy}/.sources`);
    await use(server);
    await server.kill();
    remove(copy);
  },
  // The page must never log an error, nor be stopped by its own content security policy.
  page: async ({ page }, use) => {
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
        errors.push(message.text());
    });
    await use(page);
    expect(errors).toEqual([]);
  },
});

let nSessions = 0;

/** Makes a session by the API, and gives its name. */
export async function newSession(
  server: Server,
  project: string,
  start: unknown = { phrases: ["refund"] },
): Promise<string> {
  nSessions += 1;
  const name = `s${process.pid}-${nSessions}`;
  await server.ask(`projects/${project}/sessions`, { name, start });
  return name;
}

/** Opens a session's label view, and waits for its round. */
export async function openLabels(
  page: Page,
  server: Server,
  project: string,
  session: string,
): Promise<void> {
  await page.goto(`${server.url}/#/p/${project}/s/${session}`);
  await expect(cards(page).first()).toBeVisible();
}

export const cards = (page: Page): Locator =>
  page.getByRole("region", { name: "Round" }).getByRole("article");
export const current = (page: Page): Locator => page.locator("article[aria-current=true]");
export const saved = (page: Page): Promise<void> =>
  expect(page.getByRole("button", { name: "All saved" })).toBeVisible();

/** Presses keys, one after the other. */
export async function press(page: Page, ...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

/** A session with two rounds of labels, so that every plot has something to show. */
export async function labelled(server: Server): Promise<string> {
  const session = await newSession(server, "tickets");
  const at = `projects/tickets/sessions/${session}`;
  for (let rounds = 0; rounds < 2; rounds++) {
    const { round } = await server.ask<{ round: { records: { record: { id: string; label: string } }[] } }>(
      `${at}/rounds`,
      { k: 10 },
    );
    const answers = round.records.map(({ record: { id, label } }) => ({
      request: crypto.randomUUID(),
      id,
      label: label === "refund" ? 1 : -1,
    }));
    await server.ask(`${at}/answers`, { answers });
  }
  await server.ask(`${at}/fit`, {});
  return session;
}

/** Every view: where it is, and what shows that it is there. */
export const VIEWS: {
  name: string;
  address: (session: string) => string;
  ready: (page: Page) => Promise<void>;
}[] = [
  {
    name: "home",
    address: () => "",
    ready: (page) => expect(page.getByRole("link", { name: "tickets" })).toBeVisible(),
  },
  {
    name: "project",
    address: () => "p/tickets",
    ready: (page) => expect(page.getByText("Go on with")).toBeVisible(),
  },
  {
    name: "label",
    address: (session) => `p/tickets/s/${session}`,
    ready: (page) => expect(cards(page).first()).toBeVisible(),
  },
  {
    name: "results",
    address: (session) => `p/tickets/s/${session}/results`,
    ready: (page) => expect(page.getByRole("option", { name: /^1: / })).toBeVisible(),
  },
  {
    name: "history",
    address: (session) => `p/tickets/s/${session}/history`,
    ready: (page) => expect(page.getByRole("heading", { name: "Round 1" })).toBeVisible(),
  },
  {
    name: "audit",
    address: (session) => `p/tickets/s/${session}/audit`,
    ready: (page) => expect(page.getByRole("button", { name: "Start the audit" })).toBeVisible(),
  },
  {
    name: "compare",
    address: (session) => `p/tickets/compare?a=${session}@1&b=${session}`,
    ready: (page) => expect(page.getByRole("heading", { name: "What moved" })).toBeVisible(),
  },
];
