// Labelling: by key, by slider, back and forth.

import { cards, current, expect, newSession, openLabels, press, saved, test } from "./scene.ts";

test("ten records are labelled from a sentence on, by keys alone", async ({ page, server }) => {
  await page.goto(`${server.url}/#/p/tickets`);
  await page.getByLabel("What are you looking for?").focus();
  await page.keyboard.type("money back");
  await page.keyboard.press("Enter");
  await expect(cards(page)).toHaveCount(10);
  await expect(current(page)).toBeFocused();
  await press(page, "9", "1", "a", "x", "7", "3", "5", "8", "2");
  await press(page, "ArrowLeft", "ArrowRight", "Space");
  await expect(page.getByText("10 of 10")).toBeVisible();
  await saved(page);
  const session = decodeURIComponent(page.url().split("/s/")[1] ?? "");
  const labels = await server.labels("tickets", encodeURIComponent(session));
  expect([...labels.values()].sort((a, b) => a - b)).toEqual([-1, -1, -0.75, -0.5, 0, 0.5, 0.75, 1, 1]);
  await press(page, "Enter");
  await expect(page.getByRole("heading", { name: "Round 2" })).toBeVisible();
  await expect(page.getByText("0 of 10")).toBeVisible();
});

test("a slide is one answer, with the score where the thumb was let go", async ({ page, server }) => {
  const session = await newSession(server, "tickets");
  await openLabels(page, server, "tickets", session);
  const slider = cards(page).first().getByRole("slider");
  const version = async () =>
    (await server.ask<{ version: number }>(`projects/tickets/sessions/${session}`)).version;
  const before = await version();
  const box = (await slider.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  const [from, to, y] = [box.x + box.width / 2, box.x + box.width - 2, box.y + box.height / 2];
  await page.mouse.move(from, y);
  await page.mouse.down();
  await page.mouse.move((from + to) / 2, y, { steps: 4 });
  // A hand that hesitates has not let go.
  await page.waitForTimeout(400);
  await page.mouse.move(to, y, { steps: 4 });
  await page.mouse.up();
  await expect(slider).toHaveAttribute("aria-valuetext", "+1, relevant");
  await saved(page);
  expect([...(await server.labels("tickets", session)).values()]).toEqual([1]);
  expect(await version()).toBe(before + 1);
  await slider.focus();
  await press(page, "ArrowLeft", "ArrowLeft");
  await expect(slider).toHaveAttribute("aria-valuetext", "+0.90, rather relevant");
  await expect.poll(async () => [...(await server.labels("tickets", session)).values()]).toEqual([0.9]);
});

test("the concept counts along with its fits", async ({ page, server }) => {
  const session = await newSession(server, "tickets");
  await openLabels(page, server, "tickets", session);
  const chip = page
    .getByRole("list", { name: "Concepts of this dataset" })
    .getByRole("link", { name: session });
  await expect(chip).toContainText(/0$/);
  await press(page, "9", "9", "9", "r", "Enter");
  await expect(page.getByRole("heading", { name: "Round 2" })).toBeVisible();
  await expect(chip).toContainText(/3$/);
  await page.getByRole("link", { name: "Results" }).click();
  await expect(page.getByRole("option", { name: /^1: / })).toBeVisible();
  await expect(chip).toContainText(/3$/);
});

test("a desktop shows a round and its panel without scrolling the page", async ({ page, server }) => {
  const session = await newSession(server, "tickets");
  await openLabels(page, server, "tickets", session);
  const { whole, seen } = await page.evaluate(() => ({
    whole: document.documentElement.scrollHeight,
    seen: document.documentElement.clientHeight,
  }));
  expect(whole).toBe(seen);
});

test("fine steps start from what the model says", async ({ page, server }) => {
  const session = await newSession(server, "tickets");
  await openLabels(page, server, "tickets", session);
  await press(page, "5", "ArrowLeft", "Shift+ArrowRight", "Shift+ArrowRight");
  await expect(cards(page).first().getByRole("slider")).toHaveAttribute(
    "aria-valuetext",
    "+0.10, slightly relevant",
  );
});

test("a reload in the middle of a round gives the same round and answers", async ({ page, server }) => {
  const session = await newSession(server, "tickets");
  await openLabels(page, server, "tickets", session);
  await press(page, "9", "1", "Space");
  await saved(page);
  const before = await cards(page).evaluateAll((all) => all.map((card) => card.getAttribute("aria-label")));
  await page.reload();
  await expect(cards(page)).toHaveCount(10);
  expect(await cards(page).evaluateAll((all) => all.map((card) => card.getAttribute("aria-label")))).toEqual(
    before,
  );
  await expect(page.getByText("3 of 10")).toBeVisible();
});

test("undo takes back the last answer, also after a reload", async ({ page, server }) => {
  const session = await newSession(server, "tickets");
  await openLabels(page, server, "tickets", session);
  await press(page, "9", "1", "7", "Backspace");
  await expect(page.getByText("2 of 10")).toBeVisible();
  await expect(current(page)).toHaveAttribute("aria-label", /, open$/);
  await saved(page);
  expect([...(await server.labels("tickets", session)).values()].sort((a, b) => a - b)).toEqual([-1, 1]);
  await page.reload();
  await expect(page.getByText("2 of 10")).toBeVisible();
  await press(page, "Control+z");
  await expect(page.getByText("1 of 10")).toBeVisible();
  await saved(page);
  expect([...(await server.labels("tickets", session)).values()]).toEqual([1]);
});

test("one key scores the rest, one agrees with the model, and a round left open is asked about", async ({
  page,
  server,
}) => {
  const session = await newSession(server, "tickets");
  await openLabels(page, server, "tickets", session);
  await press(page, "9", "m", "Enter");
  await expect(page.getByText(/8 records not scored/)).toBeVisible();
  await press(page, "r");
  await expect(page.getByText("10 of 10")).toBeVisible();
  await expect(page.getByText(/not scored\. /)).toBeHidden();
  await saved(page);
  expect((await server.labels("tickets", session)).size).toBe(10);
  await press(page, "Enter");
  await expect(page.getByRole("heading", { name: "Round 2" })).toBeVisible();
  await press(page, "Enter", "Enter");
  await expect(page.getByRole("heading", { name: "Round 3" })).toBeVisible();
  expect((await server.labels("tickets", session)).size).toBe(10);
});

test("when every record was shown, they can be shown again", async ({ page, server }) => {
  const session = await newSession(server, "handful");
  await openLabels(page, server, "handful", session);
  await press(page, "r", "Enter");
  await expect(page.getByText("0 of 2")).toBeVisible();
  await press(page, "r", "Enter");
  await expect(page.getByRole("heading", { name: "Every record was shown" })).toBeVisible();
  await page.getByRole("button", { name: "Show records again" }).click();
  await expect(cards(page).first()).toBeVisible();
});

test("keys can be bound anew, and stay so", async ({ page, server }) => {
  const session = await newSession(server, "tickets");
  await openLabels(page, server, "tickets", session);
  await press(page, "?");
  const dialog = page.getByRole("dialog", { name: "Keys and settings" });
  await dialog.getByRole("button", { name: /^Skip: space/ }).click();
  await press(page, "n");
  await expect(dialog.getByRole("button", { name: /^Skip: n\./ })).toBeVisible();
  await press(page, "Escape");
  await page.reload();
  await expect(cards(page)).toHaveCount(10);
  await expect(page.getByRole("button", { name: "Skip" })).toContainText("n");
  await press(page, "n");
  await expect(page.getByText("1 of 10")).toBeVisible();
});

test("long texts open where they stand, and whole", async ({ page, server }) => {
  const session = await newSession(server, "tickets");
  await openLabels(page, server, "tickets", session);
  const cut = cards(page)
    .filter({ has: page.getByRole("button", { name: "More" }) })
    .first();
  while (!(await cut.isVisible())) await press(page, "r", "Enter");
  const long = page.getByRole("article", { name: (await cut.getAttribute("aria-label")) ?? "" });
  await long.getByRole("button", { name: "More" }).click();
  await expect(long.getByRole("button", { name: "Less" })).toBeVisible();
  await press(page, "Escape");
  await long.getByRole("slider").focus();
  await press(page, "z");
  await expect(page.getByRole("region", { name: "The whole text" })).toBeVisible();
  await press(page, "Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
});

test("pictures keep their shape", async ({ page, server }) => {
  const session = await newSession(server, "photos", { records: ["round/0.png"] });
  await openLabels(page, server, "photos", session);
  const pictures = cards(page).getByRole("img");
  await expect(pictures).toHaveCount(10);
  await expect
    .poll(() => pictures.evaluateAll((all) => all.every((one) => (one as HTMLImageElement).naturalWidth > 0)))
    .toBe(true);
  expect(
    await pictures.evaluateAll((all) => all.every((one) => getComputedStyle(one).objectFit === "contain")),
  ).toBe(true);
  await press(page, "z");
  await expect(page.getByRole("dialog").getByRole("img")).toBeVisible();
});

for (const { late, url } of [
  { late: "nothing", url: /nothing/ },
  { late: "the project", url: /\/api\/projects\/photos$/ },
  { late: "the session", url: /\/sessions\/[^/]+\?/ },
  { late: "the round", url: /\/rounds$/ },
  { late: "what the fit says", url: /\/insight$/ },
  { late: "a picture", url: /\/thumbnail/ },
]) {
  test(`nothing moves when ${late} comes late`, async ({ page, server }) => {
    const session = await newSession(server, "photos", { records: ["round/0.png"] });
    await page.route(url, async (route) => {
      await new Promise((done) => setTimeout(done, 400));
      await route.continue();
    });
    await page.addInitScript(watchShifts);
    await openLabels(page, server, "photos", session);
    await expect(cards(page)).toHaveCount(10);
    await page.waitForLoadState("networkidle");
    expect(await page.evaluate(() => document.documentElement.dataset["shifts"] ?? "none")).toBe("none");
  });
}

/** Writes into the page how far its parts have moved by themselves, and which. */
function watchShifts(): void {
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & {
      value: number;
      sources: LayoutMove[];
    })[]) {
      if (entry.value < 0.005) continue;
      const parts = entry.sources.map(({ node }) => (node instanceof Element ? node.className : "text"));
      document.documentElement.dataset["shifts"] = `${entry.value.toFixed(3)} ${parts.join(", ")}`;
    }
  }).observe({ type: "layout-shift", buffered: true });
}

interface LayoutMove {
  node: Node | null;
}
