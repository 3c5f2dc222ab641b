import { defineConfig } from "vite";

import { hashOfSources } from "./stamp.ts";

// The widget of the Python package: one file, which anywidget sends to the notebook. It is a function that evaluates everything
// when it is called, once for each widget, so that two widgets share nothing.
export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../python/linprobe",
    emptyOutDir: false,
    copyPublicDir: false,
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    lib: {
      entry: "src/notebook/widget.tsx",
      formats: ["iife"],
      name: "widget",
      fileName: () => "widget.js",
    },
    rolldownOptions: {
      output: {
        postBanner: `// Built from web/ by "cargo xtask web"; sources: ${hashOfSources()}\nexport default () => {`,
        postFooter: "return widget;\n};",
      },
    },
  },
});
