/** Hours and days of time zones, at the changes of their clocks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { intervalsOf } from "./intervals.ts";

const HOUR_MS = 3_600_000;

const DAYS = [
  // zone, a moment in the day, its start, its hours
  ["UTC", "2026-11-23T12:00:00Z", "2026-11-23T00:00:00.000Z", 24],
  ["Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00.000Z", 23],
  ["Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-24T22:00:00.000Z", 25],
  ["America/New_York", "2026-11-01T05:30:00Z", "2026-11-01T04:00:00.000Z", 25],
  ["Asia/Kathmandu", "2026-06-01T00:00:00Z", "2026-05-31T18:15:00.000Z", 24],
  ["Australia/Lord_Howe", "2026-04-04T20:00:00Z", "2026-04-04T13:00:00.000Z", 24.5],
  // The first hour of this day does not exist.
  ["Africa/Cairo", "2026-04-24T10:00:00Z", "2026-04-23T22:00:00.000Z", 23],
] as const;

for (const [zone, moment, start, hours] of DAYS) {
  test(`the day of ${moment} in ${zone} begins at ${start} and has ${hours} hours`, () => {
    const fromMs = Date.parse(moment);
    const [day, next] = intervalsOf({ fromMs, toMs: fromMs + 30 * HOUR_MS }, "day", zone);
    assert.equal(new Date(day?.startMs ?? 0).toISOString(), start);
    assert.equal(day?.fromMs, fromMs);
    assert.equal(day?.toMs, Date.parse(start) + hours * HOUR_MS);
    assert.equal(next?.startMs, day?.toMs);
  });
}

test("an hour that the clock repeats is two hours", () => {
  const fromMs = Date.parse("2026-10-25T00:00:00Z");
  const hours = intervalsOf({ fromMs, toMs: fromMs + 3 * HOUR_MS }, "hour", "Europe/Berlin");
  assert.deepEqual(
    hours.map((hour) => hour.startMs - fromMs),
    [0, HOUR_MS, 2 * HOUR_MS],
  );
});

test("hours begin where the local clock shows a full one", () => {
  const fromMs = Date.parse("2026-06-01T10:40:00Z");
  const [first, second] = intervalsOf({ fromMs, toMs: fromMs + HOUR_MS }, "hour", "Asia/Kolkata");
  assert.equal(first?.startMs, Date.parse("2026-06-01T10:30:00Z"));
  assert.equal(second?.startMs, Date.parse("2026-06-01T11:30:00Z"));
  assert.equal(second?.toMs, fromMs + HOUR_MS);
});

for (const interval of ["hour", "day"] as const) {
  test(`the ${interval}s of a zone follow each other without gap or overlap for a year`, () => {
    const range = {
      fromMs: Date.parse("2026-01-05T07:07:07Z"),
      toMs: Date.parse("2027-01-05T07:07:07Z"),
    };
    const zones = interval === "day" ? DAY_ZONES : HOUR_ZONES;
    for (const zone of zones) {
      let atMs = range.fromMs;
      let startMs = Number.NEGATIVE_INFINITY;
      for (const piece of intervalsOf(range, interval, zone)) {
        assert.equal(piece.fromMs, atMs, zone);
        assert.ok(piece.startMs > startMs && piece.startMs <= piece.fromMs, zone);
        atMs = piece.toMs;
        startMs = piece.startMs;
      }
      assert.equal(atMs, range.toMs, zone);
    }
  });
}

/** Every eighth of them: a year of days of all takes seconds. */
const DAY_ZONES = Intl.supportedValuesOf("timeZone").filter((_, index) => index % 8 === 0);
const HOUR_ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"];

test("clocks that are set back across midnight do not begin a day twice", () => {
  const range = {
    fromMs: Date.parse("2010-11-06T12:00:00Z"),
    toMs: Date.parse("2010-11-09T12:00:00Z"),
  };
  const days = intervalsOf(range, "day", "America/St_Johns");
  assert.equal(days.length, 4);
});

test("an unknown time zone is refused", () => {
  assert.throws(() => intervalsOf({ fromMs: 0, toMs: 1 }, "day", "Mars/Olympus"), RangeError);
});
