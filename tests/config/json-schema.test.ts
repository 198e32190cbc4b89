/** The committed JSON Schema is the one that the source makes, and it describes every field. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { configJsonSchema } from "../../src/config/json-schema.ts";

const COMMITTED = fileURLToPath(
  new URL("../../docs/reference/config.schema.json", import.meta.url),
);

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly description?: string;
}

function undescribed(node: Node, path: string): string[] {
  const fields = Object.entries(node.properties ?? {}).flatMap(([name, field]) => [
    ...(field.description === undefined ? [`${path}.${name}`] : []),
    ...undescribed(field, `${path}.${name}`),
  ]);
  return node.items === undefined ? fields : [...fields, ...undescribed(node.items, `${path}[]`)];
}

test("docs/reference/config.schema.json is fresh: node scripts/config-schema.ts writes it", () => {
  assert.deepEqual(JSON.parse(readFileSync(COMMITTED, "utf8")), JSON.parse(configJsonSchema()));
});

test("every field has a description", () => {
  assert.deepEqual(undescribed(JSON.parse(configJsonSchema()) as Node, ""), []);
});
