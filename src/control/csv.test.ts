/** Comma-separated values: what is printed is read back, and faults name their line. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatCsv, parseCsv } from "./csv.ts";

test("rows know the line on which they begin, whatever ends a line", () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    const text = ["\uFEFFid,team", "a,t", "", '"b', 'c","x ""y"""', ",", "last,t"].join(end);
    assert.deepEqual(parseCsv(text), [
      { line: 1, cells: ["id", "team"] },
      { line: 2, cells: ["a", "t"] },
      { line: 4, cells: [`b${end}c`, 'x "y"'] },
      { line: 6, cells: ["", ""] },
      { line: 7, cells: ["last", "t"] },
    ]);
  }
  assert.deepEqual(parseCsv(""), []);
});

test("a quote that is open, or in the wrong place, is told by its line", () => {
  for (const [text, line] of [
    ['a,b\n"c', 2],
    ['a"b', 1],
    ['a\n\n"b"c', 3],
    ['"', 1],
  ] as const) {
    const parsed = parseCsv(text);
    assert.ok("message" in parsed, text);
    assert.equal(parsed.line, line, text);
  }
});

test("what is printed is read back as it was", () => {
  const cell = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "\r", " ", "ü") });
  const rows = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1 });
  fc.assert(
    fc.property(rows, (written) => {
      const read = parseCsv(formatCsv(written));
      assert.ok(!("message" in read));
      assert.deepEqual(
        read.map(({ cells }) => cells),
        written,
      );
    }),
  );
});

test("a million quotes are read like any other text", () => {
  const quotes = '""'.repeat(500_000);
  const read = parseCsv(`"${quotes}"`);
  assert.ok(!("message" in read));
  assert.equal(read[0]?.cells[0]?.length, 500_000);
});
