/** Suggestions: which slips are recognised, and that they end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createSuggester, editDistance } from "./nearest.ts";

const DISTANCES = [
  ["", "", 0],
  ["team", "team", 0],
  ["team", "teams", 1],
  ["taem", "team", 1],
  ["kitten", "sitting", 3],
  ["", "abc", 3],
] as const;

for (const [a, b, distance] of DISTANCES) {
  test(`${a} and ${b} are ${distance} apart`, () => assert.equal(editDistance(a, b, 99), distance));
}

test("a limit changes nothing below it and caps what is above", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 8 });
  fc.assert(
    fc.property(word, word, fc.integer({ min: 1, max: 9 }), (a, b, limit) => {
      assert.equal(editDistance(a, b, limit), Math.min(limit, editDistance(a, b, 99)));
      assert.equal(editDistance(a, b, 99), editDistance(b, a, 99));
    }),
    { seed: 3, numRuns: 1000 },
  );
});

test("a slip is named, few names are listed, of many the nearest is told", () => {
  const { remedy } = createSuggester();
  assert.equal(remedy("platfrom", ["data", "platform"]), 'did you mean "platform"?');
  assert.equal(remedy("x", ["data", "platform"]), 'use one of "data", "platform"');
  const many = Array.from({ length: 20 }, (_, index) => `department-${index}`);
  assert.equal(remedy("dept", many), 'the nearest is "department-0"');
  assert.equal(remedy("x", []), "");
});

test("suggestions end when they would take too long, and cost nothing then", () => {
  const { slipOf } = createSuggester();
  const valid = Array.from({ length: 100_000 }, (_, index) => `team-${index}`);
  const found = [1, 2, 3, 4].map(() => slipOf("taem-7", valid));
  assert.deepEqual(found, ["team-7", "team-7", "team-7", null]);
});
