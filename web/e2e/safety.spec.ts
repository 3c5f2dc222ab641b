// No label is lost, and nobody labels what another one has.

import { cards, expect, newSession, openLabels, press, saved, test } from "./scene.ts";

test("a server killed in the middle loses nothing: answers wait, say so, and arrive", async ({
  page,
  own,
}) => {
  const session = await newSession(own, "tickets");
  await openLabels(page, own, "tickets", session);
  await press(page, "9", "1");
  await saved(page);
  await own.kill();
  await press(page, "7", "3", "Space");
  await expect(page.getByRole("button", { name: /3 not saved, retrying/ })).toBeVisible();
  await expect(cards(page).nth(2).getByText("not saved yet")).toBeVisible();
  await expect(page.getByText("5 of 10")).toBeVisible();
  await own.restart();
  await saved(page);
  const labels = await own.labels("tickets", session);
  expect([...labels.values()].sort((a, b) => a - b)).toEqual([-1, -0.5, 0.5, 1]);
  const { n_labels } = await own.ask<{ n_labels: number }>(`projects/tickets/sessions/${session}`);
  expect(n_labels).toBe(4);
});

test("a round that waits for a lost server says so beside its button, and comes when the server does", async ({
  page,
  own,
}) => {
  const session = await newSession(own, "tickets");
  await openLabels(page, own, "tickets", session);
  await own.kill();
  await press(page, "r", "Enter");
  const answers = page.getByRole("group", { name: "Answers" });
  await expect(answers.getByText(/^The server does not answer\. .* the next round comes/)).toBeVisible();
  await own.restart();
  await expect(page.getByRole("heading", { name: "Round 2" })).toBeVisible();
  await expect(answers.getByText(/does not answer/)).toBeHidden();
  expect((await own.labels("tickets", session)).size).toBe(10);
});

test("answers that a page left unsaved are sent by the next one", async ({ page, own }) => {
  const session = await newSession(own, "tickets");
  await openLabels(page, own, "tickets", session);
  await page.route("**/answers", (route) => route.abort());
  await press(page, "9", "1", "6");
  await expect(page.getByRole("button", { name: /3 not saved/ })).toBeVisible();
  await page.unroute("**/answers");
  await page.route("**/api/**", (route) => route.abort());
  await page.reload();
  await page.unroute("**/api/**");
  await saved(page);
  await expect.poll(async () => (await own.labels("tickets", session)).size).toBe(3);
});

test("an acknowledgement that is lost makes no second label", async ({ page, own }) => {
  const session = await newSession(own, "tickets");
  await openLabels(page, own, "tickets", session);
  let lost = 0;
  await page.route("**/answers", async (route) => {
    if (lost > 0) return route.continue();
    lost += 1;
    await route.fetch();
    await route.abort();
  });
  await press(page, "9");
  await expect(page.getByRole("button", { name: /not saved/ })).toBeVisible();
  await saved(page);
  const { n_labels, version } = await own.ask<{ n_labels: number; version: number }>(
    `projects/tickets/sessions/${session}`,
  );
  await press(page, "9");
  await saved(page);
  const after = await own.ask<{ n_labels: number; version: number }>(`projects/tickets/sessions/${session}`);
  expect([n_labels, after.n_labels, after.version - version]).toEqual([1, 2, 1]);
});

test("two tabs of one session get different records", async ({ page, context, server }) => {
  const session = await newSession(server, "tickets");
  await openLabels(page, server, "tickets", session);
  const second = await context.newPage();
  await openLabels(second, server, "tickets", session);
  const names = (of: typeof page) =>
    cards(of).evaluateAll((all) => all.map((card) => card.getAttribute("aria-label")));
  const [one, two] = [await names(page), await names(second)];
  expect(two).toHaveLength(10);
  expect(two.filter((name) => one.includes(name))).toEqual([]);
  await press(page, "9");
  await press(second, "1");
  await Promise.all([saved(page), saved(second)]);
  expect((await server.labels("tickets", session)).size).toBe(2);
});

test("a tab that was closed leaves its open round to the next one", async ({ page, context, server }) => {
  const session = await newSession(server, "tickets");
  await openLabels(page, server, "tickets", session);
  await press(page, "9", "1");
  await saved(page);
  const names = (of: typeof page) =>
    cards(of).evaluateAll((all) => all.map((card) => card.getAttribute("aria-label")));
  const before = await names(page);
  await page.close();
  const next = await context.newPage();
  await openLabels(next, server, "tickets", session);
  await expect(next.getByText("2 of 10")).toBeVisible();
  expect(await names(next)).toEqual(before);
});

test("two windows steer to different concepts", async ({ page, context, server }) => {
  const [refunds, praise] = [
    await newSession(server, "tickets"),
    await newSession(server, "tickets", { phrases: ["thank you"] }),
  ];
  await openLabels(page, server, "tickets", refunds);
  const second = await context.newPage();
  await openLabels(second, server, "tickets", praise);
  for (const window of [page, second]) await press(window, "r", "Enter");
  for (const window of [page, second])
    await expect(window.getByRole("heading", { name: "Round 2" })).toBeVisible();
  await expect(
    page.getByRole("list", { name: "Concepts of this dataset" }).getByRole("link", { name: refunds }),
  ).toHaveAttribute("aria-current", "true");
  expect([
    (await server.labels("tickets", refunds)).size,
    (await server.labels("tickets", praise)).size,
  ]).toEqual([10, 10]);
});
