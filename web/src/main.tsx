// Starts the page.

import { render } from "preact";

import { App } from "./app.tsx";
import { claimTab } from "./identity.ts";
import { queue } from "./state/saving.ts";
import { showTheme } from "./state/theme.ts";

async function start(): Promise<void> {
  showTheme();
  await claimTab();
  queue.adopt();
  const root = document.getElementById("app");
  if (root !== null) render(<App />, root);
}

void start();
