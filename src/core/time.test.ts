/** Times of the contract's form are read back exactly; other texts are none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatTime, parseTime, systemClock } from "./time.ts";

test("what is printed is read back, to the millisecond, and sorts by time", () => {
  const time = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
  fc.assert(
    fc.property(time, time, (one, other) => {
      assert.equal(parseTime(formatTime(one)), one);
      assert.equal(formatTime(one) < formatTime(other), one < other);
    }),
    { numRuns: 1000 },
  );
});

const NOON_MS = Date.UTC(2026, 10, 23, 12);
const TIMES = [
  ["2026-11-23T12:00:00.000Z", NOON_MS],
  ["2026-11-23T12:00:00Z", NOON_MS],
  ["2026-11-23T12:00Z", NOON_MS],
  ["2026-11-23T13:00:00+01:00", NOON_MS],
  ["2026-11-23T06:15:00-05:45", NOON_MS],
  ["2026-11-23T12:00:00.5Z", NOON_MS + 500],
  ["2026-11-23T12:00:00.123456789Z", NOON_MS + 123],
  ["2026-11-23", NOON_MS - 43_200_000],
] as const;
for (const [text, timeMs] of TIMES)
  test(`${text} is a time`, () => assert.equal(parseTime(text), timeMs));

const NONE = [
  "",
  "now",
  "2026",
  "2026-11",
  "2026-11-23T12:00:00",
  "2026-11-23 12:00:00Z",
  "2026-11-23T12Z",
  "2026-11-23T12:00:00z",
  "2026-11-23T12:00:00+0100",
  "2026-11-23T12:00:00,5Z",
  "2026-13-01T00:00:00Z",
  "2026-11-32",
  "2026-11-23T25:00:00Z",
  "2026-11-23T12:60:00Z",
  " 2026-11-23",
  "+002026-11-23T12:00:00Z",
  "1763899200000",
];
for (const text of NONE) test(`"${text}" is none`, () => assert.equal(parseTime(text), null));

for (const text of ["2026-02-29", "2026-02-30T00:00:00Z", "2026-04-31", "2026-11-31T23:59:59Z"])
  test(`${text} is no day of the calendar`, () => assert.equal(parseTime(text), null));

test("the leap day is one", () => {
  assert.equal(parseTime("2028-02-29"), Date.UTC(2028, 1, 29));
});

test("the monotonic clock of the system runs forwards", () => {
  const before = systemClock.monotonicMs();
  assert.ok(systemClock.monotonicMs() >= before);
  assert.ok(Number.isFinite(systemClock.wallMs()));
});
