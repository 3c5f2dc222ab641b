// Every view: what it says, that a machine finds no barrier in it, that it fits a phone, and a picture of it to look at.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import type { Server } from "./linprobe.ts";
import { cards, expect, newSession, openLabels, press, saved, test } from "./scene.ts";

/** A session with two rounds of labels, so that every plot has something to show. */
async function labelled(page: Page, server: Server): Promise<string> {
  const session = await newSession(server, "tickets");
  await openLabels(page, server, "tickets", session);
  for (const round of [2, 3]) {
    await press(page, "9", "9", "1", "9", "3", "r", "Enter");
    await expect(page.getByRole("heading", { name: `Round ${round}` })).toBeVisible();
  }
  return session;
}

const VIEWS: { name: string; address: (session: string) => string; ready: (page: Page) => Promise<void> }[] =
  [
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

test("every view is without barriers, light and dark, and fits a phone", async ({ page, server }, info) => {
  test.setTimeout(120_000);
  const session = await labelled(page, server);
  for (const { name, address, ready } of VIEWS) {
    await page.goto(`${server.url}/#/${address(session)}`);
    await ready(page);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect
        .soft(
          violations.map(
            ({ id, nodes }) =>
              `${name}, ${colorScheme}: ${id} ${nodes.map(({ target }) => target.join(" ")).join("; ")}`,
          ),
        )
        .toEqual([]);
      await page.screenshot({ path: info.outputPath(`${name}-${colorScheme}.png`) });
    }
    await page.setViewportSize({ width: 360, height: 740 });
    await ready(page);
    expect
      .soft(await page.evaluate(() => document.documentElement.scrollWidth), `${name} is wider than a phone`)
      .toBeLessThanOrEqual(360);
    await page.screenshot({ path: info.outputPath(`${name}-phone.png`) });
    await page.setViewportSize({ width: 1440, height: 900 });
  }
});

test("dialogs are without barriers", async ({ page, server }) => {
  const session = await labelled(page, server);
  const open: [name: string, tab: string, how: () => Promise<void>][] = [
    ["keys", "", () => press(page, "?")],
    ["zoom", "", () => press(page, "z")],
    ["unsaved", "", () => page.getByRole("button", { name: "All saved" }).click()],
    ["export", "/results", () => page.getByRole("button", { name: "Export…" }).click()],
  ];
  for (const [name, tab, how] of open) {
    await page.goto(`${server.url}/#/p/tickets/s/${session}${tab}`);
    await page.reload();
    await expect(page.locator("article, div[role=option]").first()).toBeVisible();
    await how();
    await expect(page.getByRole("dialog")).toBeVisible();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect
      .soft(
        violations.map(
          ({ id, nodes }) => `${name}: ${id} ${nodes.map(({ target }) => target.join(" ")).join("; ")}`,
        ),
      )
      .toEqual([]);
    await press(page, "Escape");
  }
});

test("empty and broken projects say what to do", async ({ page, server }) => {
  await page.goto(server.url);
  const project = (name: string) =>
    page.getByRole("article").filter({ has: page.getByRole("link", { name, exact: true }) });
  await expect(project("empty")).toContainText("nothing indexed");
  await expect(project("broken")).toContainText("broken");
  await expect(project("broken").getByRole("alert")).not.toBeEmpty();
  await project("empty").getByRole("link").click();
  await expect(page.getByRole("heading", { name: "Index a dataset" })).toBeVisible();
  await page.goto(`${server.url}/#/p/broken`);
  await expect(page.getByRole("heading", { name: "This project cannot be opened" })).toBeVisible();
  await page.goto(`${server.url}/#/p/nowhere`);
  await expect(page.getByRole("alert")).toContainText("nowhere");
});

test("a phone labels by touch", async ({ browser, server }) => {
  const session = await newSession(server, "tickets");
  const context = await browser.newContext({
    viewport: { width: 360, height: 740 },
    hasTouch: true,
    isMobile: true,
  });
  const page = await context.newPage();
  await openLabels(page, server, "tickets", session);
  await page.getByRole("button", { name: "Score +1" }).tap();
  await page.getByRole("button", { name: "Score −1" }).tap();
  await page.getByRole("button", { name: "Skip", exact: true }).tap();
  await expect(page.getByText("3 of 10")).toBeVisible();
  await saved(page);
  await page.getByRole("button", { name: /Insight/ }).tap();
  await expect(page.getByRole("slider", { name: "Threshold" })).toBeVisible();
  await context.close();
});

test("after fits the panel shows the scores, the curve and the way of the query", async ({
  page,
  server,
}) => {
  await labelled(page, server);
  const panel = page.getByRole("complementary", { name: "Insight" });
  await expect(panel.getByRole("img", { name: /^Histogram of scores/ })).toBeVisible();
  await expect(panel.getByRole("img", { name: /positives? found with 20 labels in 2 rounds/ })).toBeVisible();
  await expect(panel.getByRole("img", { name: /^Way of the query over/ })).toBeVisible();
  await expect(panel.locator("canvas")).toHaveCount(2);
});

test("history branches from a round, and two sessions are compared", async ({ page, server }) => {
  const session = await labelled(page, server);
  await page.goto(`${server.url}/#/p/tickets/s/${session}/history`);
  await page.getByRole("button", { name: "Show records again" }).click();
  await expect(page.getByText("records may be shown again")).toBeVisible();
  expect((await server.labels("tickets", session)).size).toBe(20);
  await page
    .getByRole("article", { name: "Round 1" })
    .getByRole("button", { name: "Branch from here" })
    .click();
  await expect(cards(page).first()).toBeVisible();
  const branch = decodeURIComponent(page.url().split("/s/")[1] ?? "");
  expect(branch).not.toBe(session);
  expect((await server.labels("tickets", encodeURIComponent(branch))).size).toBe(10);
  await page.goto(`${server.url}/#/p/tickets/compare?a=${session}&b=${encodeURIComponent(branch)}`);
  await expect(page.getByText("angle between them")).toBeVisible();
});

test("an audit is judged blind by keys, and reports with intervals", async ({ page, server }) => {
  test.setTimeout(60_000);
  const session = await labelled(page, server);
  await page.goto(`${server.url}/#/p/tickets/s/${session}/audit`);
  await page.getByLabel("Judge").fill("20");
  await page.getByRole("button", { name: "Start the audit" }).click();
  await expect(page.getByRole("heading", { name: "Blind audit" })).toBeVisible();
  const finish = page.getByRole("button", { name: "Show the report" });
  for (let judged = 0; judged < 40 && !(await finish.isVisible()); judged++)
    await press(page, judged % 3 === 0 ? "9" : "1");
  await saved(page);
  await expect(page.getByText(/among|explores|boundary/)).toHaveCount(0);
  await press(page, "Enter");
  await expect(page.getByRole("heading", { name: "What the audit found" })).toBeVisible();
  await expect(page.getByRole("row", { name: /Precision/ })).toContainText("%");
});
