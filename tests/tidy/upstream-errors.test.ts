/** The page of upstream errors shows the table of error classes as it is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ERROR_CLASSES,
  errorRow,
  type ErrorClass,
} from "../../src/routing/attempts/error-class.ts";
import { filesOf } from "./sources.ts";

const PAGE = "docs/reference/upstream-errors.md";
const KEY = { stays: "", rests: "rests", out: "is taken out" };

/** One line of the page's table. */
function lineOf(name: ErrorClass): string {
  const row = errorRow(name);
  const asks = [
    row.ownFallback ? "its own fallback" : "",
    row.otherKey ? "another key" : "",
    row.otherTarget ? "another target" : "",
    row.sameKey ? "the same key" : "",
  ].filter((part) => part !== "");
  const counts = [row.countsForKey ? "key" : "", row.countsForProvider ? "provider" : ""];
  const cells = [
    `\`${name}\``,
    row.what,
    asks.length === 0 ? "nobody" : asks.join(", "),
    KEY[row.key],
    counts.filter((part) => part !== "").join(", "),
    row.relayed ? "the provider's answer" : "503",
  ];
  return `|${cells.map((cell) => (cell === "" ? " " : ` ${cell} `)).join("|")}|`;
}

test("the table is that of the code, in its order", () => {
  const [page] = filesOf(PAGE);
  const written = (page?.text ?? "").split("\n").filter((line) => line.startsWith("| `"));
  const expected = (Object.keys(ERROR_CLASSES) as ErrorClass[]).map(lineOf);
  assert.deepEqual(written, expected, `${PAGE} must hold these lines:\n${expected.join("\n")}\n`);
});
