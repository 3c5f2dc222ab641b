// What a session starts from, and how records come into a project.

import { writePictures } from "./datasets.ts";
import { cards, expect, newSession, TOKEN, test } from "./scene.ts";

test("examples that were searched and picked", async ({ page, server }) => {
  await page.goto(`${server.url}/#/p/tickets`);
  await page.getByText("Examples, what it is not, a classifier").click();
  await page.getByLabel("Find examples in the dataset").fill("parcel");
  await page.keyboard.press("Enter");
  await page
    .getByRole("button", { name: /^Like .*(parcel|courier|tracking)/ })
    .first()
    .click();
  await expect(page.getByRole("list", { name: "Chosen examples" }).getByRole("listitem")).toHaveCount(1);
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect(cards(page)).toHaveCount(10);
});

test("a phrase made from a class of the dataset, in one click", async ({ page, server }) => {
  await page.goto(`${server.url}/#/p/tickets`);
  await page.getByRole("button", { name: "delivery" }).click();
  await expect(cards(page)).toHaveCount(10);
});

test("a picture from the user's machine, under a name of the user's", async ({ page, server }, info) => {
  writePictures(info.outputPath("own"), 1);
  await page.goto(`${server.url}/#/p/photos`);
  await page.getByText("Examples, what it is not, a classifier").click();
  await page.getByLabel(/^A picture of your own/).setInputFiles(info.outputPath("own/round/0.png"));
  await expect(page.getByRole("list", { name: "Chosen examples" })).toContainText("0.png");
  await page.getByLabel("Name of the session").fill("my own circle");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect(cards(page)).toHaveCount(10);
  await expect(page).toHaveTitle(/my own circle/);
});

test("a filter goes with an example phrase and with Enter, and is shown in the session", async ({
  page,
  server,
}) => {
  for (const begin of ["pill", "Enter"]) {
    await page.goto(`${server.url}/#/p/tickets`);
    await page.getByText("Examples, what it is not, a classifier").click();
    if (begin === "Enter") await page.getByLabel("What are you looking for?").fill("parcel");
    await page.getByLabel("Only records where").fill("label = 'delivery'");
    if (begin === "Enter") await page.getByLabel("Only records where").press("Enter");
    else await page.getByRole("button", { name: "delivery" }).click();
    await expect(cards(page)).toHaveCount(10);
    await expect(page.getByText("Only records where label = 'delivery'")).toBeVisible();
  }
});

test("what is wrong with a filter is marked where it is wrong", async ({ page, server }) => {
  await page.goto(`${server.url}/#/p/tickets`);
  await page.getByText("Examples, what it is not, a classifier").click();
  await page.getByLabel("Only records where").fill("label ~ 'delivery'");
  await page.getByRole("button", { name: "delivery" }).click();
  const words = page.getByRole("alert").getByText("the filter is wrong");
  await expect(words).toHaveCSS("white-space", "pre-wrap");
  expect(await words.innerText()).toMatch(/\n +label ~ 'delivery'\n +\^/);
});

test("a vector project takes examples only, and says so", async ({ page, server }) => {
  await page.goto(`${server.url}/#/p/vectors`);
  await expect(page.getByLabel("What are you looking for?")).toBeDisabled();
  await page
    .getByRole("button", { name: /^Like / })
    .first()
    .click();
  await page
    .getByRole("button", { name: /^Unlike / })
    .nth(3)
    .click();
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect(cards(page)).toHaveCount(10);
});

test("a classifier that was exported and imported", async ({ page, server }, info) => {
  const session = await newSession(server, "tickets");
  const file = info.outputPath("carried.safetensors");
  await page.goto(`${server.url}/#/p/tickets/s/${session}/results`);
  await page.getByRole("button", { name: "Export…" }).click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download classifier" }).click(),
  ]);
  await download.saveAs(file);
  await page.goto(`${server.url}/#/p/tickets`);
  await page.getByText("Examples, what it is not, a classifier").click();
  await page.getByLabel("Import a classifier").setInputFiles(file);
  await expect(page.getByLabel("A classifier to start from")).toHaveValue("carried");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect(cards(page)).toHaveCount(10);
});

test("an empty project takes a dataset, and tells how far it is", async ({ page, own }) => {
  await page.goto(`${own.url}/#/p/empty`);
  const source = `${own.args[0] ?? ""}/.sources/tickets.csv`;
  await page.getByLabel(/^Folder of pictures, or a file/).fill(source);
  await page.getByRole("button", { name: "Index", exact: true }).click();
  await expect(page.getByLabel("What are you looking for?")).toBeVisible();
  await expect(page.getByRole("region", { name: /^Index job of/ })).toContainText("Indexed");
});

test("an index job that the server knows no more is told and taken away", async ({ page, own }) => {
  let nAsked = 0;
  await page.route("**/projects/tickets/jobs", async (route) => {
    nAsked += 1;
    const job = { id: "gone", state: "running", source: "a.csv", n_done: 3, n_skipped: 0, n_pruned: 0 };
    if (nAsked === 1) await route.fulfill({ json: { jobs: [job] } });
    else await route.fallback();
  });
  await page.goto(`${own.url}/#/p/tickets`);
  await expect(page.getByText("the server was restarted; index again to go on")).toBeVisible();
  await expect(page.getByRole("region", { name: /^Index job of/ })).toHaveCount(0);
});

test("a server that asks for its token gets it once", async ({ page, guarded }) => {
  await page.goto(guarded.url.replace(/\?.*/, ""));
  await page.getByLabel("Token").fill(TOKEN);
  await page.getByRole("button", { name: "Enter" }).click();
  await expect(page.getByRole("link", { name: "tickets" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("link", { name: "tickets" })).toBeVisible();
});
