// Writes src/api/openapi.ts from docs/openapi.json; with --check it fails where the file is another one. The page uses
// the schemas alone, so the operations are left out.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv, exit, stderr } from "node:process";

import openapiTS, { astToString } from "openapi-typescript";

const TARGET = join(import.meta.dirname, "src/api/openapi.ts");
const described = JSON.parse(readFileSync(join(import.meta.dirname, "../docs/openapi.json"), "utf8"));
const types = astToString(await openapiTS({ ...described, paths: {} }));

if (!argv.includes("--check")) writeFileSync(TARGET, types);
else if (readFileSync(TARGET, "utf8") !== types) {
  stderr.write("src/api/openapi.ts is not what docs/openapi.json says\nhint: npm run types\n");
  exit(1);
}
