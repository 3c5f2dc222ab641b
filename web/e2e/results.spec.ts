// Results: ten thousand records, the threshold, corrections, and files that others can read.

import { readFileSync } from "node:fs";

import { N_VECTORS } from "./linprobe.ts";
import { expect, newSession, press, saved, test } from "./scene.ts";
import type { Server } from "./linprobe.ts";

/** A session over the vectors that has learned the small cluster. */
async function learned(server: Server): Promise<string> {
  const session = await newSession(server, "vectors", { records: ["0"] });
  const answers = Array.from({ length: 40 }, (_, idx) => ({
    request: crypto.randomUUID(),
    id: String(idx * 10),
    label: (idx * 10) % 20 === 0 ? 1 : -1,
  }));
  await server.ask(`projects/vectors/sessions/${session}/answers`, { answers });
  await server.ask(`projects/vectors/sessions/${session}/fit`, {});
  return session;
}

test("ten thousand records scroll, and only those in the window exist", async ({ page, server }) => {
  const session = await learned(server);
  await page.goto(`${server.url}/#/p/vectors/s/${session}/results`);
  await page.getByLabel("Fold near-duplicates").uncheck();
  const list = page.getByRole("listbox", { name: "Records by score" });
  await expect(
    page.getByRole("heading", { name: `${N_VECTORS.toLocaleString("en")} records` }),
  ).toBeVisible();
  await list.evaluate(async (box) => {
    for (let at = 0; at < box.scrollHeight; at += box.scrollHeight / 40) {
      box.scrollTop = at;
      await new Promise(requestAnimationFrame);
    }
    box.scrollTop = box.scrollHeight;
  });
  await expect(list.getByRole("option", { name: new RegExp(`^${N_VECTORS}: `) })).toBeVisible();
  expect(await list.getByRole("option").count()).toBeLessThan(80);
});

test("records that are alike share a place, and leave no gap", async ({ page, server }) => {
  const session = await newSession(server, "photos", { records: ["round/0.png"] });
  await page.goto(`${server.url}/#/p/photos/s/${session}/results`);
  const list = page.getByRole("listbox", { name: "Records by score" });
  await expect(list.getByRole("option", { name: /and \d+ alike/ }).first()).toBeVisible();
  await expect(async () => {
    await list.evaluate((box) => (box.scrollTop = box.scrollHeight));
    const last = list.getByRole("option").last();
    const place = await last.getAttribute("aria-posinset");
    expect(place).not.toBeNull();
    expect(place).toBe(await last.getAttribute("aria-setsize"));
  }).toPass();
  await expect(list.getByRole("option", { name: "Loading" })).toHaveCount(0);
});

test("on a phone a list of texts is as high as it may be, and each row holds what is in it", async ({
  page,
  server,
}) => {
  await page.setViewportSize({ width: 390, height: 844 });
  const session = await newSession(server, "tickets");
  await page.goto(`${server.url}/#/p/tickets/s/${session}/results`);
  const list = page.getByRole("listbox", { name: "Records by score" });
  await expect(list.getByRole("option", { name: /^2: / })).toBeVisible();
  expect((await list.boundingBox())?.height).toBeGreaterThan(0.7 * 844);
  const leaks = await list.getByRole("option").evaluateAll((rows) =>
    rows.flatMap((row) => {
      const { bottom } = row.getBoundingClientRect();
      return [...row.children].filter((part) => part.getBoundingClientRect().bottom > bottom + 1);
    }),
  );
  expect(leaks).toEqual([]);
});

test("the threshold moves by keys and by promise, and the cut moves with it", async ({ page, server }) => {
  const session = await learned(server);
  await page.goto(`${server.url}/#/p/vectors/s/${session}/results`);
  const slider = page.getByRole("slider", { name: "Threshold" });
  const before = await slider.getAttribute("aria-valuetext");
  await slider.focus();
  await press(page, "ArrowRight", "ArrowRight");
  expect(await slider.getAttribute("aria-valuetext")).not.toBe(before);
  await page.getByLabel("Threshold for").selectOption("count");
  await page.getByLabel("Value").fill("7");
  await page.getByRole("button", { name: "Set", exact: true }).click();
  const below = page.getByRole("option", { name: /below the threshold/ }).first();
  await expect(below).toHaveAttribute("aria-posinset", "8");
  await expect(slider).toHaveAttribute("aria-valuetext", /: 7 records/);
});

test("records are selected and corrected where they stand", async ({ page, server }) => {
  const session = await learned(server);
  await page.goto(`${server.url}/#/p/vectors/s/${session}/results`);
  const rows = page.getByRole("listbox", { name: "Records by score" }).getByRole("option");
  await rows.nth(0).click();
  await rows.nth(2).click();
  await expect(page.getByText("2 selected")).toBeVisible();
  await press(page, "1");
  await expect(rows.nth(0)).toHaveAttribute("aria-label", /labelled −1/);
  await expect(rows.nth(2)).toHaveAttribute("aria-label", /labelled −1/);
  await saved(page);
  const wrong = [...(await server.labels("vectors", session))].filter(
    ([id, label]) => Number(id) % 20 === 0 && label === -1,
  );
  expect(wrong).toHaveLength(2);
  await press(page, "Enter");
  await expect(page.getByRole("status").filter({ hasText: "Fitted again" })).toBeAttached();
});

test("the exported classifier and predictions say the same as the page", async ({ page, server }) => {
  const session = await learned(server);
  await page.goto(`${server.url}/#/p/vectors/s/${session}/results`);
  await page.getByLabel("Threshold for").selectOption("count");
  await page.getByLabel("Value").fill("25");
  await page.getByRole("button", { name: "Set", exact: true }).click();
  await expect(page.getByRole("slider", { name: "Threshold" })).toHaveAttribute(
    "aria-valuetext",
    /: 25 records/,
  );
  await page.getByRole("button", { name: "Export…" }).click();
  const dialog = page.getByRole("dialog", { name: "Export" });
  await expect(dialog.getByRole("region", { name: "Code in python" })).toContainText("safetensors");
  const [classifier] = await Promise.all([
    page.waitForEvent("download"),
    dialog.getByRole("link", { name: "Download classifier" }).click(),
  ]);
  const file = readFileSync(await classifier.path());
  const header = JSON.parse(file.subarray(8, 8 + Number(file.readBigUInt64LE(0))).toString()) as Record<
    string,
    { shape: number[] }
  >;
  expect([header["weight"]?.shape, header["bias"]?.shape]).toEqual([[1, 16], [1]]);
  const [predictions] = await Promise.all([
    page.waitForEvent("download"),
    dialog.getByRole("link", { name: "csv" }).first().click(),
  ]);
  const rows = readFileSync(await predictions.path(), "utf8")
    .trim()
    .split("\n");
  expect(rows).toHaveLength(26);
  await dialog.getByRole("button", { name: "SQL" }).click();
  await expect(dialog.getByRole("region", { name: "Code in sql" })).toContainText(/order by/i);
});
