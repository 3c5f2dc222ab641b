// Stamps a build with a hash of what it was built from, so that a stale page is found without Node:
// `cargo xtask quick` hashes the same files in the same way and compares.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

/** What decides how the built page looks, relative to this folder; `cargo xtask` reads the same list. */
const SOURCES = JSON.parse(readFileSync(join(import.meta.dirname, "stamped.json"), "utf8")) as string[];

/** Writes `sources.sha256` beside the built page. */
export function stamp(): Plugin {
  return {
    name: "linprobe-stamp",
    apply: "build",
    generateBundle() {
      this.emitFile({ type: "asset", fileName: "sources.sha256", source: `${hashOfSources()}\n` });
    },
  };
}

/** SHA-256 over name, NUL, content, NUL of each file, in the order of their names; tests are left out. */
export function hashOfSources(): string {
  const hash = createHash("sha256");
  for (const path of SOURCES.flatMap(filesUnder)
    .filter((path) => !path.includes(".test."))
    .sort()) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(import.meta.dirname, path)))
      .update("\0");
  }
  return hash.digest("hex");
}

function filesUnder(path: string): string[] {
  const absolute = join(import.meta.dirname, path);
  if (!statSync(absolute).isDirectory()) return [path];
  return readdirSync(absolute).flatMap((name) => filesUnder(`${path}/${name}`));
}
