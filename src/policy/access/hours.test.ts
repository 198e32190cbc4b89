/** Hours against Temporal's clocks: both edges of daylight saving, odd offsets, and nights. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { DAYS, type HoursConfig } from "../../config/access-config.ts";
import { hoursText, isWithin, wallClock } from "./hours.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000_000);
const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "America/St_Johns",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "Pacific/Apia",
  "Pacific/Chatham",
];
/** Near these clocks change in one of the zones, or a week or year ends. */
const EDGES = [
  "2026-03-29T01:00:00Z",
  "2026-10-25T01:00:00Z",
  "2026-03-08T07:00:00Z",
  "2026-11-01T06:00:00Z",
  "2026-04-04T15:00:00Z",
  "2026-10-03T15:30:00Z",
  "2026-09-26T14:00:00Z",
  "2026-12-31T23:00:00Z",
  "2011-12-30T10:00:00Z",
].map((text) => Date.parse(text));
const HOUR_MS = 3_600_000;

const moment = fc
  .tuple(fc.constantFrom(...EDGES), fc.integer({ min: -30 * HOUR_MS, max: 30 * HOUR_MS }))
  .map(([edge, off]) => edge + off);
const hours: fc.Arbitrary<HoursConfig> = fc
  .record({
    days: fc.subarray([...DAYS]),
    fromMinute: fc.integer({ min: 0, max: 1439 }),
    toMinute: fc.integer({ min: 1, max: 1440 }),
  })
  .filter(({ fromMinute, toMinute }) => fromMinute !== toMinute);

/** By each day on which a stretch may have begun, in minutes of a week of wall time. */
function isWithinModel(config: HoursConfig, zone: string, atMs: number): boolean {
  const wall = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(zone);
  const minuteOfWeek = (wall.dayOfWeek % 7) * 1440 + wall.hour * 60 + wall.minute;
  return config.days.some((day) => {
    const start = DAYS.indexOf(day) * 1440 + config.fromMinute;
    const length = (config.toMinute - config.fromMinute + 1440) % 1440 || 1440;
    const since = (minuteOfWeek - start + 7 * 1440) % (7 * 1440);
    return since < length;
  });
}

test("hours are those of the wall clock, wherever and whenever", () => {
  console.log(`seed ${SEED}`);
  const clocks = new Map(ZONES.map((zone) => [zone, wallClock(zone)]));
  fc.assert(
    fc.property(hours, fc.constantFrom(...ZONES), moment, (config, zone, atMs) => {
      const wall = clocks.get(zone)?.(atMs);
      assert.ok(wall !== undefined);
      assert.equal(isWithin(config, wall), isWithinModel(config, zone, atMs));
    }),
    { seed: SEED, numRuns: 3_000 },
  );
});

describe("a night of two to three in Berlin", () => {
  const night: HoursConfig = { days: ["sun"], fromMinute: 120, toMinute: 180 };
  const clock = wallClock("Europe/Berlin");
  const minutesOn = (day: string): number => {
    const startMs = Date.parse(`${day}T00:00:00Z`) - 2 * HOUR_MS;
    let minutes = 0;
    for (let at = 0; at < 28 * 60; at++)
      if (isWithin(night, clock(startMs + at * 60_000))) minutes += 1;
    return minutes;
  };
  test("has an hour on most Sundays", () => assert.equal(minutesOn("2026-06-07"), 60));
  test("is not there when clocks go forward", () => assert.equal(minutesOn("2026-03-29"), 0));
  test("is there twice when they go back", () => assert.equal(minutesOn("2026-10-25"), 120));
});

test("a stretch over midnight belongs to the day on which it begins", () => {
  const clock = wallClock("Asia/Kathmandu");
  const friday: HoursConfig = { days: ["fri"], fromMinute: 22 * 60, toMinute: 6 * 60 };
  const at = (text: string): boolean => isWithin(friday, clock(Date.parse(`${text}+05:45`)));
  assert.equal(at("2026-11-27T21:59:59"), false);
  assert.equal(at("2026-11-27T22:00:00"), true);
  assert.equal(at("2026-11-28T05:59:59"), true);
  assert.equal(at("2026-11-28T06:00:00"), false);
  assert.equal(at("2026-11-28T22:30:00"), false);
  assert.equal(hoursText(friday), "fri 22:00-06:00");
});

test("a clock that jumps back is read anew", () => {
  const clock = wallClock("UTC");
  const at = (text: string): number => clock(Date.parse(text)).minute;
  assert.equal(at("2026-11-24T10:00:30Z"), 600);
  assert.equal(at("2026-11-24T09:00:30Z"), 540);
  assert.equal(at("2026-11-24T10:00:59Z"), 600);
});
