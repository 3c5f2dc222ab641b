// Every view: what it says, that a machine finds no barrier in it, that it fits a phone, and a picture of it to look at.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { cards, expect, labelled, newSession, openLabels, press, saved, test, VIEWS } from "./scene.ts";

/** What a machine finds to be a barrier, a line each. */
async function barriers(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(({ id, nodes }) => `${id} ${nodes.map(({ target }) => target.join(" ")).join("; ")}`);
}

/** Makes the window that of a phone, in which nothing may be wider, and takes a picture. */
async function fitsPhone(page: Page, path: string): Promise<void> {
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await page.screenshot({ path });
}

for (const { name, address, ready } of VIEWS) {
  test(`${name} is without barriers, light and dark, and fits a phone`, async ({ page, server }, info) => {
    const session = await labelled(server);
    await page.goto(`${server.url}/#/${address(session)}`);
    await ready(page);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      expect.soft(await barriers(page), colorScheme).toEqual([]);
      await page.screenshot({ path: info.outputPath(`${name}-${colorScheme}.png`) });
    }
    await page.setViewportSize({ width: 360, height: 740 });
    await ready(page);
    await fitsPhone(page, info.outputPath(`${name}-phone.png`));
  });
}

const DIALOGS: { name: string; tab: string; open: (page: Page) => Promise<void> }[] = [
  { name: "keys", tab: "", open: (page) => press(page, "?") },
  { name: "zoom", tab: "", open: (page) => press(page, "z") },
  { name: "unsaved", tab: "", open: (page) => page.getByRole("button", { name: "All saved" }).click() },
  {
    name: "export",
    tab: "/results",
    open: (page) => page.getByRole("button", { name: "Export…" }).click(),
  },
];

for (const { name, tab, open } of DIALOGS) {
  test(`the dialog “${name}” is without barriers and fits a phone`, async ({ page, server }, info) => {
    const session = await labelled(server);
    await page.goto(`${server.url}/#/p/tickets/s/${session}${tab}`);
    await expect(page.locator("article, div[role=option]").first()).toBeVisible();
    await open(page);
    const dialog = page.getByRole("dialog");
    await expect(dialog).toBeVisible();
    expect(await barriers(page)).toEqual([]);
    await fitsPhone(page, info.outputPath(`${name}-phone.png`));
    for (const inside of await dialog.locator("a, button, label, input").all()) {
      const box = await inside.boundingBox();
      if (box !== null) expect.soft(box.x + box.width, await inside.innerText()).toBeLessThanOrEqual(345);
    }
  });
}

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
  const session = await labelled(server);
  await openLabels(page, server, "tickets", session);
  const panel = page.getByRole("complementary", { name: "Insight" });
  await expect(panel.getByRole("img", { name: /^Histogram of scores/ })).toBeVisible();
  await expect(panel.getByRole("img", { name: /positives? found with 20 labels in 2 rounds/ })).toBeVisible();
  await expect(panel.getByRole("img", { name: /^Way of the query over/ })).toBeVisible();
  await expect(panel.locator("canvas")).toHaveCount(2);
});

test("history branches from a round, and two sessions are compared", async ({ page, server }) => {
  const session = await labelled(server);
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

test("an audit is judged blind by keys, and reports with intervals", async ({ page, server }, info) => {
  const session = await labelled(server);
  await page.goto(`${server.url}/#/p/tickets/s/${session}/audit`);
  await page.getByLabel("Judge").fill("20");
  await page.getByRole("button", { name: "Start the audit" }).click();
  await expect(page.getByRole("heading", { name: "Blind audit" })).toBeVisible();
  await fitsPhone(page, info.outputPath("audit-open-phone.png"));
  const finish = page.getByRole("button", { name: "Show the report" });
  for (let judged = 0; judged < 40 && !(await finish.isVisible()); judged++)
    await press(page, judged % 3 === 0 ? "9" : "1");
  await saved(page);
  await expect(page.getByText(/among|explores|boundary/)).toHaveCount(0);
  await press(page, "Enter");
  await expect(page.getByRole("heading", { name: "What the audit found" })).toBeVisible();
  await expect(page.getByRole("row", { name: /Precision/ })).toContainText("%");
  await fitsPhone(page, info.outputPath("audit-report-phone.png"));
});

test("an undo in an audit takes back what was judged before a reload", async ({ page, server }) => {
  const session = await labelled(server);
  await page.goto(`${server.url}/#/p/tickets/s/${session}/audit`);
  await page.getByLabel("Judge").fill("20");
  await page.getByRole("button", { name: "Start the audit" }).click();
  await press(page, "9", "1", "7");
  await saved(page);
  const judged = page.getByText(/^\d+ of \d+$/);
  const before = await judged.innerText();
  await page.reload();
  await expect(judged).toHaveText(before);
  await press(page, "Backspace");
  await expect(judged).toHaveText(before.replace(/^\d+/, (n) => String(Number(n) - 1)));
  await saved(page);
  const { n_answered } = await server.ask<{ n_answered: number }>(
    `projects/tickets/sessions/${session}/audit`,
  );
  expect(n_answered).toBe(Number.parseInt(before, 10) - 1);
});
