/** The benchmark's table, and the figures that it reduces rounds to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { median, percentile } from "../../bench/statistics.ts";
import { formatTable, isOver } from "../../bench/table.ts";

test("a limit is one on the ratio where there is a baseline, else on the value", () => {
  const row = { measure: "m", unit: "µs", value: 30, limit: 2.5 };
  assert.equal(isOver({ ...row, baseline: { name: "nginx", value: 10 } }), true);
  assert.equal(isOver({ ...row, baseline: { name: "nginx", value: 12 } }), false);
  assert.equal(isOver({ ...row, baseline: { name: "nginx", value: 12 }, ratio: 2.6 }), true);
  assert.equal(isOver(row), true);
  assert.equal(isOver({ ...row, limit: 30 }), false);
  assert.equal(isOver({ measure: "m", unit: "µs", value: 30 }), false);
});

test("the table shows value, baseline, ratio and verdict in one line", () => {
  const text = formatTable([
    {
      measure: "whole",
      unit: "µs",
      value: 51.26,
      baseline: { name: "nginx", value: 17 },
      limit: 3,
    },
    { measure: "  part", unit: "µs", value: 2.345 },
  ]);
  const [heading, , first, second] = text.split("\n").map((line) => line.split(/ {2,}/));
  assert.equal(heading?.[2], "Tollgate");
  assert.deepEqual(first, ["whole", "µs", "51.3", "nginx", "17.0", "3.02", "≤ 3.00", "over"]);
  assert.deepEqual(second, ["", "part", "µs", "2.35"]);
});

test("medians and percentiles", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.equal(percentile(values, 0.5), 50);
  assert.equal(percentile(values, 0.99), 99);
  assert.equal(percentile(values, 0.999), 100);
});
