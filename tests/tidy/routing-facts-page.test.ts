/** The committed page of facts and policies is the one that the source makes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { factsPage } from "../../scripts/routing-facts-page.ts";

test("docs/reference/routing-facts.md is fresh: node scripts/routing-facts-page.ts writes it", () => {
  const url = new URL("../../docs/reference/routing-facts.md", import.meta.url);
  assert.equal(readFileSync(url, "utf8"), factsPage());
});
