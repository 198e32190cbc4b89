/** The page of providers is what the catalogue says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { providersPage } from "../../scripts/providers-page.ts";
import { filesOf } from "./sources.ts";

test("docs/reference/providers.md is current", () => {
  const [page] = filesOf("docs/reference/providers.md");
  assert.equal(page?.text, providersPage(), "run node scripts/providers-page.ts");
});
