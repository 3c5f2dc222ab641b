/// <reference types="vitest/config" />
import { defineConfig } from "vite";

import { stamp } from "./stamp.ts";

// `npm run dev` shows the page as it is written, over a server that runs: `linprobe serve` prints its address.
const server = process.env["LINPROBE_URL"] ?? "http://127.0.0.1:7878";

// The page is built into the crate that embeds it, and is committed there, so that cargo needs no Node.
export default defineConfig({
  base: "./",
  plugins: [stamp()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  server: { proxy: { "/api": { target: server, changeOrigin: true, headers: { origin: server } } } },
  build: {
    outDir: "../crates/server/assets",
    emptyOutDir: true,
    target: "es2022",
    // What the style sheet is written in: `light-dark()`, and layers.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.ts", "src/**/*.test.tsx"] },
});
