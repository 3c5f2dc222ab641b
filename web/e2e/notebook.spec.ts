// The widget of notebooks: the built file on a page that gives it what anywidget does, with the real server for a kernel.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import AxeBuilder from "@axe-core/playwright";
import type { Locator, Page } from "@playwright/test";

import type { Server } from "./linprobe.ts";
import { expect, newSession, press, test } from "./scene.ts";

const WIDGET = readFileSync(resolve(import.meta.dirname, "../../python/linprobe/widget.js"), "utf8");

/** A notebook in one page: an output for each session, a cell to type in, and styles that know no bounds. */
const host = (project: string, sessions: string[]): string => `<!doctype html>
<html lang="en"><head><title>notebook</title><style>
  body { background: white; color: #222 }
  body.night { background: #111; color: #eee }
  button, h1, h2, p, article { font: 40px fantasy !important; color: red; display: inline }
</style></head><body>
<main><textarea aria-label="cell"></textarea>${sessions.map((name) => `<div id="${name}"></div>`).join("")}</main>
<script type="module">
  import widget from "/widget.js";
  window.leaked = [];
  for (const kind of ["keydown", "keypress", "keyup"])
    document.addEventListener(kind, (event) => window.leaked.push(event.key));
  window.isAlive = true;
  const modelOf = (session) => {
    const listeners = new Set();
    const say = (content, buffers = []) => listeners.forEach((listener) => listener(content, buffers));
    const traits = { project: "${project}", folder: "/here/${project}", session, height: 640 };
    window.say = say;
    return {
      get: (name) => traits[name],
      on: (_, listener) => listeners.add(listener),
      off: (_, listener) => listeners.delete(listener),
      async send({ ask, method, path, body }) {
        if (!window.isAlive) return;
        say({ begun: ask });
        const headers = { "content-type": "application/json", "x-linprobe": "1" };
        const init = method === "GET" ? { headers } : { method, headers, body };
        const answer = await fetch("/api/" + path, init);
        const form = answer.headers.get("content-type") ?? "";
        say({ answered: ask, status: answer.status, form }, [new DataView(await answer.arrayBuffer())]);
      },
    };
  };
  for (const session of ${JSON.stringify(sessions)}) {
    const { initialize, render } = await widget();
    const model = modelOf(session);
    await initialize({ model });
    await render({ model, el: document.getElementById(session) });
  }
</script></body></html>`;

/** Opens a notebook that shows sessions, and gives their cards. */
async function notebook(
  page: Page,
  server: Server,
  project: string,
  ...sessions: string[]
): Promise<Locator[]> {
  await page.route("**/widget.js", (route) =>
    route.fulfill({ contentType: "text/javascript", body: WIDGET }),
  );
  await page.route("**/notebook", (route) =>
    route.fulfill({ contentType: "text/html", body: host(project, sessions) }),
  );
  await page.goto(`${server.url}/notebook`);
  return sessions.map((session) => page.locator(`#${session}`).getByRole("article"));
}

const leaked = (page: Page): Promise<unknown> =>
  page.evaluate(() => (window as unknown as { leaked: string[] }).leaked);

test("cards are scored by keys, gone on from and taken back, and the notebook hears none of it", async ({
  page,
  server,
}) => {
  const session = await newSession(server, "tickets");
  const [cards] = await notebook(page, server, "tickets", session);
  await expect(cards ?? page.locator("none")).toHaveCount(10);
  // Until the widget is gone to, keys are the notebook's.
  await press(page, "9");
  expect(await leaked(page)).toEqual(["9", "9", "9"]);
  await page.evaluate(() => ((window as unknown as { leaked: string[] }).leaked = []));
  await cards?.first().click({ position: { x: 20, y: 20 } });
  await press(page, "9", "1", "7", "Space", "d", "d", "Backspace", "r");
  await expect(page.getByText("10 of 10")).toBeVisible();
  await expect(page.getByRole("button", { name: "All saved" })).toBeVisible();
  expect([...(await server.labels("tickets", session)).values()].sort()).toEqual(
    [-1, -1, -1, -1, -1, -1, -1, -1, 0.5, 1].sort(),
  );
  await press(page, "Enter");
  await expect(page.getByRole("heading", { name: "Round 2" })).toBeVisible();
  // The cards that had the focus are gone; the keys still mean the widget.
  await press(page, "a", "a");
  await expect(page.getByText("2 of 10")).toBeVisible();
  await press(page, "Control+z");
  await expect(page.getByText("1 of 10")).toBeVisible();
  await expect(page.getByRole("button", { name: "All saved" })).toBeVisible();
  expect((await server.labels("tickets", session)).size).toBe(11);
  expect(await leaked(page)).toEqual([]);
  await expect(page.getByText("Positives found by labels")).toBeVisible();
});

test("pictures are shown, and each of two widgets has its own keys", async ({ page, server }) => {
  const sessions = [
    await newSession(server, "photos", { phrases: ["red"] }),
    await newSession(server, "photos", { phrases: ["blue"] }),
  ];
  const [first, second] = await notebook(page, server, "photos", ...sessions);
  const picture = first?.first().getByRole("img");
  await expect.poll(() => picture?.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBeGreaterThan(0);
  await second?.first().click({ position: { x: 20, y: 20 } });
  await press(page, "9", "9");
  await first?.first().click({ position: { x: 20, y: 20 } });
  await press(page, "1", "z");
  await expect(page.getByRole("dialog").getByRole("img")).toBeVisible();
  await page.keyboard.press("Escape");
  const counts = await Promise.all(
    sessions.map((name) => page.locator(`#${name}`).getByText(/of 10/).innerText()),
  );
  expect(counts).toEqual(["1 of 10", "2 of 10"]);
  // Without room beside the cards, what the fit says opens above them, and is gone to.
  await page.setViewportSize({ width: 900, height: 800 });
  await press(page, "9", "9", "9", "9", "i");
  await expect(page.locator(`#${sessions[0]}`).getByText("→ Keep going")).toBeInViewport();
  await page.getByLabel("cell").focus();
  await page.keyboard.type("9a");
  await expect(page.getByLabel("cell")).toHaveValue("9a");
});

test("a kernel that is silent loses no label", async ({ page, server }) => {
  const session = await newSession(server, "tickets");
  const [cards] = await notebook(page, server, "tickets", session);
  const revive = (isAlive: boolean) =>
    page.evaluate((alive) => ((window as unknown as { isAlive: boolean }).isAlive = alive), isAlive);
  await cards?.first().click({ position: { x: 20, y: 20 } });
  await revive(false);
  await press(page, "9", "1");
  await expect(page.getByRole("button", { name: "2 not saved, retrying" })).toBeVisible();
  expect((await server.labels("tickets", session)).size).toBe(0);
  // The notebook is loaded again: what was not sent is sent.
  await notebook(page, server, "tickets", session);
  await expect(page.getByText("2 of 10")).toBeVisible();
  await expect.poll(async () => (await server.labels("tickets", session)).size).toBe(2);
});

test("what was scored elsewhere shows, and what went wrong does", async ({ page, server }) => {
  const session = await newSession(server, "tickets");
  const [cards] = await notebook(page, server, "tickets", session);
  await expect(cards ?? page.locator("none")).toHaveCount(10);
  const { round_open } = await server.ask<{ round_open: { records: { record: { id: string } }[] } }>(
    `projects/tickets/sessions/${session}`,
  );
  const id = round_open.records[0]?.record.id;
  const answer = { request: crypto.randomUUID(), id, label: 1 };
  await server.ask(`projects/tickets/sessions/${session}/answers`, { answers: [answer] });
  await page.evaluate(() =>
    (window as unknown as { say: (content: unknown) => void }).say({ changed: true }),
  );
  await expect(page.getByText("1 of 10")).toBeVisible();
  await notebook(page, server, "tickets", "nowhere");
  await expect(page.getByRole("alert")).toContainText("nowhere");
});

test("it keeps its styles, follows the notebook's colours, and is without barriers", async ({
  page,
  server,
}) => {
  const session = await newSession(server, "tickets");
  const [cards] = await notebook(page, server, "tickets", session);
  const style = (locator: Locator | undefined, name: string) =>
    locator?.evaluate((element, property) => getComputedStyle(element).getPropertyValue(property), name);
  expect(await style(cards?.first(), "font-size")).toBe("14px");
  expect(await style(page.locator("textarea"), "font-size")).not.toBe("14px");
  for (const night of [false, true]) {
    await page.evaluate((isNight) => document.body.classList.toggle("night", isNight), night);
    await expect
      .poll(() => style(cards?.first(), "background-color"))
      .toBe(night ? "rgb(27, 29, 32)" : "rgb(255, 255, 255)");
    const { violations } = await new AxeBuilder({ page }).include(`#${session}`).analyze();
    expect(
      violations.map(({ id, nodes }) => `${id} ${nodes.map(({ target }) => target.join(" ")).join("; ")}`),
    ).toEqual([]);
  }
});
