/** Tables fit their width, keep figures whole, and print nothing that commands a terminal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { counting, dollars, shortCount, shortDollars, sumDollars } from "./numbers.ts";
import { tableLines, type Column } from "./table.ts";

interface Row {
  readonly name: string;
  readonly cost: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: "NAME", cut: true, value: ({ name }) => name },
  { title: "COST", align: "right", value: ({ cost }) => cost },
];

test("columns are as wide as their longest cell, figures to the right", () => {
  const rows = [
    { name: "a", cost: "$1.00" },
    { name: "bbb", cost: "$10.00" },
  ];
  assert.deepEqual(tableLines(rows, COLUMNS), ["NAME    COST", "a      $1.00", "bbb   $10.00"]);
});

test("only text is cut where a table is too wide", () => {
  const [, line = ""] = tableLines([{ name: "x".repeat(100), cost: "$1.00" }], COLUMNS, 20);
  assert.equal(line, `${"x".repeat(12)}…  $1.00`);
  const [, whole = ""] = tableLines([{ name: "x", cost: "$".repeat(40) }], COLUMNS, 20);
  assert.ok(whole.includes("$".repeat(40)));
});

test("control characters of names reach no terminal", () => {
  const [, line = ""] = tableLines([{ name: "a\u001b[31m\nb\u202e", cost: "1" }], COLUMNS);
  assert.equal(line, "a·[31m·b·     1");
});

test("dollars keep every digit, and sums are exact", () => {
  assert.equal(dollars("1234567.123456789"), "$1,234,567.123456789");
  assert.equal(dollars("0"), "$0.00");
  assert.equal(dollars("-0.5"), "-$0.50");
  assert.equal(sumDollars(["0.1", "0.2", "0.000000001"]), "0.300000001");
  assert.equal(sumDollars(["9007199254740993", "0.000000001"]), "9007199254740993.000000001");
  assert.equal(sumDollars([]), "0");
  assert.equal(shortDollars("0.00005"), "<$0.0001");
  assert.equal(shortDollars("0.00015"), "$0.0002");
  assert.equal(shortDollars("1234.000000001"), "$1,234.0000");
  assert.equal(shortDollars("0"), "$0.0000");
  assert.deepEqual([99_999, 100_000, 1_234_567].map(shortCount), ["99,999", "100K", "1.23M"]);
  assert.equal(counting(1, "line"), "1 line");
  assert.equal(counting(1200, "line"), "1,200 lines");
});
