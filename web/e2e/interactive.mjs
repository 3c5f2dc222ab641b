// Prints the median time, in milliseconds, from navigation to the label view of an address being usable: its first card
// has the focus. Run by `cargo xtask bench serve`: node web/e2e/interactive.mjs URL.

/* global document, performance */
import { argv, env, stdout } from "node:process";

import { chromium } from "@playwright/test";

const N_RUNS = 15;
const [url] = argv.slice(2);
if (url === undefined) throw new Error("usage: interactive.mjs URL");

const browser = await chromium.launch({
  executablePath: env["CHROMIUM"] ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const times = [];
for (let run = 0; run < N_RUNS; run++) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(url);
  const usable = await page.waitForFunction(
    () => document.activeElement?.matches(".card") && performance.now(),
  );
  times.push(Number(await usable.jsonValue()));
  await context.close();
}
await browser.close();
times.sort((a, b) => a - b);
stdout.write(`${times[Math.floor(N_RUNS / 2)].toFixed(1)}\n`);
