import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { composeBatch } from "./batch.ts";
import { checkLine, composeLine, GENESIS_HASH, hashLine, LineFault } from "./line.ts";
import type { Entry } from "./queue.ts";

const START = { seq: 0, hash: GENESIS_HASH, time: null };

function entry(json: string, time = "2026-11-03T10:00:00.000Z"): Entry {
  return { json, time, queuedMs: 0, waiter: null };
}

test("a batch has one exact form on disk", () => {
  const records = [
    '{"type":"cancel","time":"2026-11-03T10:00:00.000Z","reason":"é"}',
    '{"type":"cancel","time":"2026-11-03T10:00:00.001Z"}',
  ];
  const batch = composeBatch(
    records.map((json) => entry(json)),
    START,
    "first",
  );
  const first = `{"format":1,"seq":1,"prev":"${GENESIS_HASH}","type":"cancel","time":"2026-11-03T10:00:00.000Z","reason":"é"}`;
  const hash = createHash("sha256").update(first).digest("hex");
  assert.equal(hash, "4ba99d3d8fbeaa460089bd973d2ff4d5129159cc519c2b3385fd97054cc8ae2e");
  const second = `{"seq":2,"prev":"${hash}","type":"cancel","time":"2026-11-03T10:00:00.001Z"}`;
  assert.equal(batch.bytes.toString(), `${first}\n${second}\n`);
  assert.equal(batch.last.seq, 2);
  assert.equal(batch.last.hash, createHash("sha256").update(second).digest("hex"));
});

test("the mark's time is the latest of all, also where a deferred record is older", () => {
  const entries = [
    entry('{"a":1}', "2026-11-03T10:00:02.000Z"),
    entry('{"a":1}', "2026-11-03T10:00:01.000Z"),
  ];
  assert.equal(composeBatch(entries, START, "later").last.time, "2026-11-03T10:00:02.000Z");
});

test("any text survives: a batch is read back as it was given, each line chained to the one before", () => {
  const text = fc.string({ unit: "binary", maxLength: 50_000 });
  const record = fc.record({ type: text, time: fc.constant("t"), more: fc.jsonValue() });
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), (records) => {
      const entries = records.map((value) => entry(JSON.stringify(value)));
      const { bytes, last } = composeBatch(entries, START, "first");
      let [seq, prev] = [0, GENESIS_HASH];
      let rest = bytes;
      for (const value of records) {
        const line = rest.subarray(0, rest.indexOf(10));
        const checked = checkLine(line, {
          seq: seq + 1,
          prev,
          place: seq === 0 ? "first" : "later",
        });
        assert.ok(!(checked instanceof LineFault));
        const { format: _format, seq: _seq, prev: _prev, ...given } = { format: 1, ...checked };
        assert.deepEqual(given, JSON.parse(JSON.stringify(value)));
        [seq, prev, rest] = [seq + 1, hashLine(line), rest.subarray(line.length + 1)];
      }
      assert.deepEqual([rest.length, last.seq, last.hash], [0, seq, prev]);
    }),
    { numRuns: 100, seed: 20261103 },
  );
});

const GOOD = composeLine('{"type":"gap","time":"t"}', {
  seq: 7,
  prev: GENESIS_HASH,
  place: "later",
});
const OTHER = "1".repeat(64);
const CASES = [
  ["fits", GOOD, { seq: 7, prev: GENESIS_HASH, place: "later" }, null],
  ["fits anywhere", GOOD, { seq: null, prev: null, place: "later" }, null],
  ["seq", GOOD, { seq: 8, prev: GENESIS_HASH, place: "later" }, "seq is not the next number"],
  ["prev", GOOD, { seq: 7, prev: OTHER, place: "later" }, "prev is not the hash"],
  ["format", GOOD, { seq: 7, prev: GENESIS_HASH, place: "first" }, "the segment's first line"],
  ["no JSON", GOOD.slice(1), { seq: 7, prev: GENESIS_HASH, place: "later" }, "not a record"],
  ["no object", "[]", { seq: 7, prev: GENESIS_HASH, place: "later" }, "not a record"],
  [
    "no type",
    '{"seq":7,"prev":"","time":""}',
    { seq: 7, prev: "", place: "later" },
    "not a record",
  ],
] as const;
for (const [name, line, expected, fault] of CASES) {
  test(`a line is checked: ${name} → ${fault ?? "record"}`, () => {
    const checked = checkLine(Buffer.from(line), expected);
    if (fault === null) assert.ok(!(checked instanceof LineFault));
    else assert.ok(checked instanceof LineFault && checked.sentence().startsWith(fault));
  });
}
