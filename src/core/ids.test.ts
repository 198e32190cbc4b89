/** Request ids sort by time and do not repeat; random text favours no character. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BASE62, newRequestId, randomBase62 } from "./ids.ts";

const time = fc.integer({ min: 0, max: Date.UTC(8000, 0) });

test("a request id has its form for any time", () => {
  fc.assert(
    fc.property(time, (timeMs) => assert.match(newRequestId(timeMs), /^req_[0-9A-Za-z]{24}$/)),
  );
});

test("ids sort by the millisecond in which they were made", () => {
  fc.assert(
    fc.property(time, fc.integer({ min: 1, max: 1e10 }), (timeMs, laterMs) => {
      assert.ok(newRequestId(timeMs) < newRequestId(timeMs + laterMs));
    }),
    { numRuns: 1000 },
  );
});

test("ids of one millisecond share their head and nothing else", () => {
  const timeMs = Date.parse("2026-11-23T10:00:00Z");
  const ids = Array.from({ length: 20_000 }, () => newRequestId(timeMs));
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(new Set(ids.map((id) => id.slice(0, "req_".length + 8))).size, 1);
});

test("random text draws every character about equally often", () => {
  const length = 62 * 2_000;
  const counts = new Map<string, number>();
  for (const character of randomBase62(length))
    counts.set(character, (counts.get(character) ?? 0) + 1);
  assert.deepEqual([...counts.keys()].toSorted(), BASE62.split(""));
  // Ten standard deviations: a bias of the first eight characters would be a quarter.
  for (const [character, count] of counts)
    assert.ok(Math.abs(count - 2_000) < 450, `${character} ${count}`);
});

test("the alphabet is in the order in which text sorts", () => {
  assert.equal(BASE62.split("").toSorted().join(""), BASE62);
  assert.equal(new Set(BASE62).size, 62);
});
