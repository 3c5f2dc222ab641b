import { defineConfig } from "@playwright/test";

// Scenes over the real binary in Debian's Chromium; `cargo xtask ci` builds the one and installs the other.
export default defineConfig({
  testDir: "e2e",
  workers: 2,
  fullyParallel: false,
  retries: 0,
  // How long something may take is not what scenes are about: these are limits for a machine that is busy.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: {
    viewport: { width: 1440, height: 900 },
    // Containers run as root, where Chromium's own sandbox cannot start.
    launchOptions: { executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: ["--no-sandbox"] },
    trace: "retain-on-failure",
  },
});
