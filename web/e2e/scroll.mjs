// Prints how even the results view scrolls: the median and the 95th percentile of the time between frames, in milliseconds,
// while a wheel goes down its list, and how many frames took longer than two. Run as: node web/e2e/scroll.mjs URL.

/* global document, performance, requestAnimationFrame */
import { argv, env, stdout } from "node:process";

import { chromium } from "@playwright/test";

const N_TURNS = 120;
/** A turn of the wheel, in pixels, and the pause after it: a quick hand. */
const [TURN, PAUSE_MS] = [360, 40];
const [url] = argv.slice(2);
if (url === undefined) throw new Error("usage: scroll.mjs URL");

const browser = await chromium.launch({
  executablePath: env["CHROMIUM"] ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
await page.goto(url);
const list = page.getByRole("listbox", { name: "Records by score" });
await list.getByRole("option", { name: /^1: / }).waitFor();
await list.hover();
const frames = page.evaluate(async (frameOf) => {
  const times = [];
  const box = document.querySelector("[role=listbox]");
  for (let last = performance.now(); box.dataset["scrolled"] === undefined;) {
    const now = await new Promise((done) => requestAnimationFrame(done));
    if (now - last > frameOf / 4) times.push(now - last);
    last = now;
  }
  return times;
}, 1000 / 60);
for (let turn = 0; turn < N_TURNS; turn++) {
  await page.mouse.wheel(0, TURN);
  await page.waitForTimeout(PAUSE_MS);
}
const scrolled = await list.evaluate((box) => {
  box.dataset["scrolled"] = "true";
  return box.scrollTop;
});
const times = (await frames).sort((a, b) => a - b);
await browser.close();
const at = (share) => Number(times[Math.min(times.length - 1, Math.floor(times.length * share))].toFixed(1));
const slow = times.filter((time) => time > 2 * (1000 / 60) + 1).length;
stdout.write(
  `${JSON.stringify({ frames: times.length, median_ms: at(0.5), p95_ms: at(0.95), slow, scrolled })}\n`,
);
