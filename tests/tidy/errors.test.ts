/** The page of refusals and the table of refusals say the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { REFUSALS } from "../../src/core/refusal.ts";
import { filesOf } from "./sources.ts";

const PAGE = "docs/reference/errors.md";
const SECTION = /^## `(\w+)`\n([^]*?)(?=^## |$(?![^]))/gm;
/** The first row below the head of a section's table. */
const ROW = /^\|[-|]+\|\n\| (\d+) \| `(\w+)` \| ([^|]*)\|/m;

function sections(): ReadonlyMap<string, string> {
  const [page] = filesOf(PAGE);
  const found = [...(page?.text ?? "").matchAll(SECTION)];
  return new Map(found.map(([, code = "", text = ""]) => [code, text]));
}

test("every code has a section and every section a code, in the order of precedence", () => {
  assert.deepEqual([...sections().keys()], Object.keys(REFUSALS));
});

test("a section names its code's status, type and retry behaviour", () => {
  const written = [...sections()].map(([code, text]) => {
    const [, status, type, headers = ""] = ROW.exec(text) ?? [];
    const retry = !headers.includes("x-should-retry: false");
    return [code, { status: Number(status), type, retry }];
  });
  assert.deepEqual(Object.fromEntries(written), REFUSALS);
});

test("a section says when it comes and what to do", () => {
  const reserved = "The code is reserved.";
  const faults = [...sections()].filter(
    ([, text]) =>
      !text.includes("**When.**") || !(text.includes("**Do.**") || text.includes(reserved)),
  );
  assert.deepEqual(
    faults.map(([code]) => code),
    [],
  );
});
