import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzzScanner } from "./scanner.ts";

test("20,000 hostile bodies are read as JSON.parse and a naive scanner read them", () => {
  const { accepted, refused } = fuzzScanner(20_000, 20261123);
  assert.ok(accepted > 5000 && refused > 3000, `${accepted} accepted, ${refused} refused`);
});
