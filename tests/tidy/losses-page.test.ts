/** The page of losses is what the translators say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { lossesPage } from "../../scripts/losses-page.ts";
import { filesOf } from "./sources.ts";

test("docs/reference/losses.md is current", () => {
  const [page] = filesOf("docs/reference/losses.md");
  assert.ok(page?.text === lossesPage(), "run node scripts/losses-page.ts");
});
