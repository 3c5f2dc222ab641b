// Starts the page.

import { render } from "preact";

import { App } from "./app.tsx";
import { claimTab } from "./identity.ts";
import { queue } from "./state/saving.ts";

async function start(): Promise<void> {
  await claimTab();
  queue.adopt();
  const root = document.getElementById("app");
  if (root !== null) render(<App />, root);
}

void start();
