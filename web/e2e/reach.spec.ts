// Without a mouse, and without eyes: whatever can be done is reached by keys, is seen when it has the focus, has a name, and
// says what has become of it.

import type { Locator, Page } from "@playwright/test";

import {
  cards,
  current,
  expect,
  labelled,
  newSession,
  openLabels,
  press,
  saved,
  test,
  VIEWS,
} from "./scene.ts";

/** Where Tab stops. */
interface Stop {
  what: string;
  /** The number of the element on the page. */
  order: number;
  /** What a person who looks would miss; null where all is well. */
  fault: string | null;
}

/** Everything that Tab can stop at, in the order of the page. */
const STOPS =
  ":is(a[href], button, input, select, textarea, summary, [tabindex='0']):not([tabindex='-1'], :disabled, [hidden])";

/** Goes round the page with Tab. */
async function goRound(page: Page): Promise<Stop[]> {
  await page.getByRole("link", { name: "Skip to the content" }).focus();
  const stops: Stop[] = [];
  for (;;) {
    const stop = await page.evaluate(stopAt, STOPS);
    if (stop === null || stops.some(({ order }) => order === stop.order)) return stops;
    stops.push(stop);
    await page.keyboard.press("Tab");
  }
}

/** The element that has the focus, as somebody sees it who looks; null outside of the page. */
function stopAt(selector: string): Stop | null {
  const active = document.activeElement;
  if (active === null || active === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(active);
  const outlined = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  const { left, right, top, bottom } = active.getBoundingClientRect();
  const points = [0.1, 0.5, 0.9].flatMap((x) =>
    [0.1, 0.5, 0.9].map((y) => [left + (right - left) * x, top + (bottom - top) * y] as const),
  );
  const seen = points.some(([x, y]) => {
    const found = document.elementFromPoint(x, y);
    return found !== null && (active.contains(found) || found.contains(active));
  });
  return {
    what: active.outerHTML.slice(0, 120),
    order: [...document.querySelectorAll(selector)].indexOf(active),
    fault: !seen ? "hidden behind something" : !outlined ? "without an outline" : null,
  };
}

/** What can be stopped at, without what is folded away or not shown. */
const reachable = (page: Page): Promise<{ what: string; order: number }[]> =>
  page.evaluate((selector) => {
    const all = [...document.querySelectorAll(selector)];
    const shown = all.map((element, order) => ({ element, order }));
    return shown
      .filter(({ element }) => element.checkVisibility({ visibilityProperty: true }))
      .filter(
        ({ element }) =>
          !(element instanceof HTMLInputElement && element.type === "radio" && !element.checked),
      )
      .map(({ element, order }) => ({ what: element.outerHTML.slice(0, 120), order }));
  }, STOPS);

/** Controls of the accessibility tree that have no name. */
async function nameless(page: Page): Promise<string[]> {
  const tree = await page.locator("body").ariaSnapshot();
  const control =
    /^\s*- (button|link|slider|textbox|searchbox|combobox|spinbutton|checkbox|radio|option|listbox|img|dialog|article|region|navigation|complementary)(?! ")/;
  return tree.split("\n").filter((line) => control.test(line));
}

for (const { name, address, ready } of VIEWS) {
  test(`${name}: Tab reaches all there is, in order, and is seen where it stops`, async ({
    page,
    server,
  }) => {
    const session = await labelled(server);
    await page.goto(`${server.url}/#/${address(session)}`);
    await ready(page);
    const stops = await goRound(page);
    expect(stops.filter(({ fault }) => fault !== null)).toEqual([]);
    const orders = stops.map(({ order }) => order);
    expect(orders).toEqual([...orders].sort((a, b) => a - b));
    const missed = (await reachable(page)).filter(({ order }) => !orders.includes(order));
    expect(missed).toEqual([]);
    expect(await nameless(page)).toEqual([]);
  });
}

interface Window {
  name: string;
  tab: string;
  /** Opens it by key, from what is then to have the focus again. */
  open: (page: Page) => Promise<Locator>;
}

/** Puts the focus on something and presses Enter. */
async function enter(from: Locator): Promise<Locator> {
  await from.focus();
  await from.press("Enter");
  return from;
}

const WINDOWS: Window[] = [
  {
    name: "Keys and settings",
    tab: "",
    open: (page) => enter(page.getByRole("button", { name: "Keys and settings" })),
  },
  {
    name: "Unsaved answers",
    tab: "",
    open: (page) => enter(page.getByRole("button", { name: "All saved" })),
  },
  {
    name: "Export",
    tab: "/results",
    open: (page) => enter(page.getByRole("button", { name: "Export…" })),
  },
  {
    name: "",
    tab: "",
    open: async (page) => {
      await expect(current(page)).toBeFocused();
      await press(page, "ArrowRight", "z");
      return current(page);
    },
  },
];

for (const { name, tab, open } of WINDOWS) {
  test(`the window “${name || "zoom"}” takes the focus, keeps it, and gives it back`, async ({
    page,
    server,
  }) => {
    const session = await labelled(server);
    await page.goto(`${server.url}/#/p/tickets/s/${session}${tab}`);
    await expect(page.locator("article, div[role=option]").first()).toBeVisible();
    const opener = await open(page);
    const dialog = page.getByRole("dialog", name === "" ? {} : { name });
    await expect(dialog.locator(":focus")).toHaveCount(1);
    expect(await nameless(page)).toEqual([]);
    for (let step = 0; step < 60; step++) {
      await page.keyboard.press("Tab");
      const inside = () =>
        document.activeElement === document.body || document.activeElement?.closest("dialog") !== null;
      expect(await page.evaluate(inside)).toBe(true);
    }
    await press(page, "Escape");
    await expect(dialog).toBeHidden();
    await expect(opener).toBeFocused();
  });
}

test("somebody without a mouse comes from the list of projects to a classifier's file", async ({
  page,
  server,
}) => {
  await page.goto(server.url);
  await expect(page.getByRole("link", { name: "tickets", exact: true })).toBeVisible();
  await tabTo(page, page.getByRole("link", { name: "tickets", exact: true }));
  await press(page, "Enter");
  await expect(page.getByLabel("What are you looking for?")).toBeVisible();
  await tabTo(page, page.getByLabel("What are you looking for?"));
  await page.keyboard.type("refund for my order");
  await press(page, "Enter");
  await expect(current(page)).toBeFocused();
  await press(page, "9", "9", "m", "r");
  await expect(page.getByText("10 of 10")).toBeVisible();
  await press(page, "Enter");
  await expect(page.getByRole("heading", { name: "Round 2" })).toBeVisible();
  await expect(current(page)).toBeFocused();
  await tabTo(page, page.getByRole("link", { name: "Results" }));
  await press(page, "Enter");
  const list = page.getByRole("listbox", { name: "Records by score" });
  await expect(list.getByRole("option", { name: /^1: / })).toBeVisible();
  await tabTo(page, list);
  await press(page, "End");
  await expect(list.locator(".is-current")).toHaveAttribute("aria-posinset", /\d{2,}/);
  await press(page, "Home", "ArrowDown", "Space");
  await expect(page.getByText("1 selected")).toBeVisible();
  await press(page, "9");
  await expect(list.getByRole("option").nth(1)).toHaveAttribute("aria-label", /labelled \+1/);
  await saved(page);
  await tabTo(page, page.getByRole("button", { name: "Export…" }));
  await press(page, "Enter");
  await tabTo(page, page.getByRole("link", { name: "Download classifier" }));
  const [download] = await Promise.all([page.waitForEvent("download"), press(page, "Enter")]);
  expect(download.suggestedFilename()).toMatch(/\.safetensors$/);
});

/** Presses Tab until something has the focus. */
async function tabTo(page: Page, goal: Locator): Promise<void> {
  for (let step = 0; step < 120; step++) {
    if (await goal.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab never comes to ${String(goal)}`);
}

test("who does not see the page hears what was answered, and what each fit has come to", async ({
  page,
  server,
}) => {
  const session = await newSession(server, "tickets");
  await openLabels(page, server, "tickets", session);
  const voice = page.locator("p[role=status][aria-live=polite]");
  const [first] = await cards(page).evaluateAll((all) =>
    all.map((card) => card.getAttribute("aria-label") ?? ""),
  );
  await press(page, "9");
  await expect(voice).toHaveText(`${first?.replace(/, open$/, "") ?? ""}: +1, relevant`);
  await press(page, "Space");
  await expect(voice).toHaveText(/: skipped/);
  await press(page, "Backspace");
  await expect(voice).toHaveText(/: taken back, open/);
  await press(page, "Enter");
  await expect(voice).toHaveText("9 records are not scored. Fit again to skip them.");
  await press(page, "r");
  await expect(voice).toHaveText("9 more scored");
  await press(page, "Enter");
  await expect(voice).toHaveText(/^Round 2: 10 records\. 1 positive found, .* expected to be left\.$/);
  await page.goto(`${server.url}/#/p/tickets/s/${session}/results`);
  await expect(page.getByRole("option", { name: /^1: / })).toBeVisible();
  await press(page, "1", "Enter");
  await expect(voice).toHaveText(/^Fitted again: \d+ positives? found/);
});
