/** Writes docs/reference/config.schema.json from the schema; with --check only says whether it is fresh. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { configJsonSchema } from "../src/config/json-schema.ts";

const TARGET = fileURLToPath(new URL("../docs/reference/config.schema.json", import.meta.url));

const schema = configJsonSchema();
if (!process.argv.includes("--check")) writeFileSync(TARGET, schema);
else if (compact(readFileSync(TARGET, "utf8")) !== compact(schema)) {
  process.stderr.write(
    "docs/reference/config.schema.json is stale: run node scripts/config-schema.ts\n",
  );
  process.exitCode = 1;
}

/** The formatter lays the committed file out in its own way: what it says counts. */
function compact(json: string): string {
  return JSON.stringify(JSON.parse(json));
}
