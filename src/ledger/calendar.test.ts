/** Calendar windows where zones did odd things: skipped days, half hours, midnights that came twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CALENDAR_PERIODS } from "../core/span.ts";
import { calendarWindow } from "./calendar.ts";

const HOUR_MS = 3_600_000;

const CASES = [
  // Samoa skipped 30 December 2011.
  ["day", "Pacific/Apia", "2011-12-30T09:59:59.999Z", "2011-12-29T10:00Z", "2011-12-30T10:00Z"],
  ["day", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00Z", "2011-12-31T10:00Z"],
  ["week", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-26T10:00Z", "2012-01-01T10:00Z"],
  ["month", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-01T10:00Z", "2011-12-31T10:00Z"],
  // Kwajalein skipped 21 August 1993.
  ["day", "Pacific/Kwajalein", "1993-08-21T12:00:00Z", "1993-08-21T12:00Z", "1993-08-22T12:00Z"],
  // Newfoundland changed at 00:01: for a minute the next day was shown, then the old one again.
  ["day", "America/St_Johns", "2006-10-29T02:29:59.999Z", "2006-10-28T02:30Z", "2006-10-29T02:30Z"],
  ["day", "America/St_Johns", "2006-10-29T02:30:30Z", "2006-10-29T02:30Z", "2006-10-30T03:30Z"],
  ["day", "America/St_Johns", "2006-10-29T03:29:59Z", "2006-10-29T02:30Z", "2006-10-30T03:30Z"],
  ["month", "America/St_Johns", "2009-11-01T02:29:59Z", "2009-10-01T02:30Z", "2009-11-01T02:30Z"],
  ["month", "America/St_Johns", "2009-11-01T03:00:00Z", "2009-11-01T02:30Z", "2009-12-01T03:30Z"],
  ["day", "America/St_Johns", "2006-04-02T03:31:00Z", "2006-04-02T03:30Z", "2006-04-03T02:30Z"],
  ["hour", "America/St_Johns", "2006-10-29T02:31:00Z", "2006-10-29T02:30Z", "2006-10-29T03:30Z"],
  // Lord Howe Island's summer is half an hour: an hour of half the length ends or begins it.
  ["hour", "Australia/Lord_Howe", "2026-04-04T14:59:59Z", "2026-04-04T14:00Z", "2026-04-04T15:00Z"],
  ["hour", "Australia/Lord_Howe", "2026-04-04T15:00:00Z", "2026-04-04T15:00Z", "2026-04-04T15:30Z"],
  ["hour", "Australia/Lord_Howe", "2026-10-03T15:29:59Z", "2026-10-03T14:30Z", "2026-10-03T15:30Z"],
  ["hour", "Australia/Lord_Howe", "2026-10-03T15:30:00Z", "2026-10-03T15:30Z", "2026-10-03T16:00Z"],
  ["day", "Australia/Lord_Howe", "2026-04-05T00:00:00Z", "2026-04-04T13:00Z", "2026-04-05T13:30Z"],
  // Cairo's summer begins at midnight, which does not exist on that day.
  ["day", "Africa/Cairo", "2010-04-30T00:00:00Z", "2010-04-29T22:00Z", "2010-04-30T21:00Z"],
  ["day", "Africa/Cairo", "2023-04-28T00:00:00Z", "2023-04-27T22:00Z", "2023-04-28T21:00Z"],
  ["day", "Africa/Cairo", "2010-09-30T12:00:00Z", "2010-09-29T21:00Z", "2010-09-30T22:00Z"],
  // Gaza's summer of 2011 ended, began again and ended once more.
  ["day", "Asia/Gaza", "2011-08-01T12:00:00Z", "2011-07-31T22:00Z", "2011-08-01T22:00Z"],
  ["month", "Asia/Gaza", "2011-08-15T12:00:00Z", "2011-07-31T22:00Z", "2011-08-31T22:00Z"],
  // Nepal moved by a quarter of an hour when 1986 began.
  ["hour", "Asia/Kathmandu", "1985-12-31T18:30:00Z", "1985-12-31T18:30Z", "1985-12-31T19:15Z"],
  ["day", "Asia/Kathmandu", "1985-12-31T18:30:00Z", "1985-12-31T18:30Z", "1986-01-01T18:15Z"],
  ["day", "Asia/Kathmandu", "2026-11-23T12:00:00Z", "2026-11-22T18:15Z", "2026-11-23T18:15Z"],
  // Troll keeps the time of its owners in summer: two hours more.
  ["day", "Antarctica/Troll", "2026-03-29T12:00:00Z", "2026-03-29T00:00Z", "2026-03-29T22:00Z"],
  ["day", "Antarctica/Troll", "2026-10-25T12:00:00Z", "2026-10-24T22:00Z", "2026-10-26T00:00Z"],
  // Months and weeks end by the zone's clock, not by UTC's.
  ["month", "Europe/Berlin", "2026-10-31T22:59:59.999Z", "2026-09-30T22:00Z", "2026-10-31T23:00Z"],
  ["week", "America/New_York", "2026-11-02T04:59:59Z", "2026-10-26T04:00Z", "2026-11-02T05:00Z"],
] as const;

for (const [per, zone, time, start, end] of CASES)
  test(`the ${per} of ${zone} at ${time} is ${start} to ${end}`, () => {
    assert.deepEqual(calendarWindow(per, zone, Date.parse(time)), {
      startMs: Date.parse(start),
      endMs: Date.parse(end),
    });
  });

test("windows hold their time and meet their neighbours in years of odd changes", () => {
  const zones = [
    "Pacific/Apia",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Gaza",
    "Antarctica/Troll",
    "Asia/Kathmandu",
    "Africa/Monrovia",
    "Europe/Amsterdam",
  ];
  const time = fc.integer({ min: Date.UTC(1930, 0), max: Date.UTC(2037, 0) });
  fc.assert(
    fc.property(
      fc.constantFrom(...CALENDAR_PERIODS),
      fc.constantFrom(...zones),
      time,
      (per, zone, atMs) => {
        const { startMs, endMs } = calendarWindow(per, zone, atMs);
        assert.ok(startMs <= atMs && atMs < endMs);
        assert.equal(calendarWindow(per, zone, endMs).startMs, endMs);
        assert.equal(calendarWindow(per, zone, startMs - 1).endMs, startMs);
        assert.deepEqual(calendarWindow(per, zone, endMs - 1), { startMs, endMs });
        if (per === "hour") assert.ok(endMs - startMs <= HOUR_MS);
      },
    ),
    { numRuns: 1000 },
  );
});
