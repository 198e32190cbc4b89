/** Calendar windows around every change of the clocks in every time zone, against the runtime's calendar. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { calendarWindow } from "../../src/ledger/calendar.ts";
import { calendarLabel, localClock, offsetAt } from "./labels.ts";

const FROM_MS = Date.UTC(2020, 0, 1);
const TO_MS = Date.UTC(2031, 0, 1);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** No zone changes its clocks twice within so few days. */
const STEP_MS = 6 * DAY_MS;
const PERIODS = ["hour", "day", "week", "month"] as const;

interface Change {
  readonly zone: string;
  readonly atMs: number;
}

interface Moment extends Change {
  /** Of the change, whose windows on both sides must meet. */
  readonly side: "before" | "after";
}

/** Every change of a zone's offset, found by looking at its clocks. */
function changesOf(zone: string): Change[] {
  const changes: Change[] = [];
  for (let timeMs = FROM_MS; timeMs < TO_MS; timeMs += STEP_MS) {
    let [same, other] = [timeMs, timeMs + STEP_MS];
    const offsetMs = offsetAt(zone, same);
    if (offsetAt(zone, other) === offsetMs) continue;
    while (other - same > 1000) {
      const middle = Math.floor((same + other) / 2000) * 1000;
      if (offsetAt(zone, middle) === offsetMs) same = middle;
      else other = middle;
    }
    changes.push({ zone, atMs: other });
  }
  return changes;
}

describe("calendar windows of 2020 to 2030", () => {
  const zones = Intl.supportedValuesOf("timeZone");
  let changes: Change[] = [];
  /** Moments before, at and after each change; for zones that have none, the span's ends. */
  let moments: Moment[] = [];

  before(() => {
    changes = zones.flatMap(changesOf);
    const changing = new Set(changes.map(({ zone }) => zone));
    const steady = zones.filter((zone) => !changing.has(zone));
    moments = [
      ...changes.flatMap(({ zone, atMs }): Moment[] => [
        { zone, atMs: atMs - 1, side: "before" },
        { zone, atMs, side: "after" },
      ]),
      ...steady.flatMap((zone): Moment[] => [
        { zone, atMs: FROM_MS, side: "before" },
        { zone, atMs: TO_MS, side: "after" },
      ]),
    ];
    assert.ok(zones.length > 400 && changes.length > 2000);
  });

  for (const per of PERIODS)
    test(`${per}: each holds its time and meets its neighbours: one ${per} of the wall calendar`, () => {
      for (const { zone, atMs, side } of moments) {
        const window = calendarWindow(per, zone, atMs);
        const at = `${zone} ${new Date(atMs).toISOString()}`;
        assert.ok(window.startMs <= atMs && atMs < window.endMs, at);
        if (side === "before")
          assert.equal(calendarWindow(per, zone, window.endMs).startMs, window.endMs, at);
        else assert.equal(calendarWindow(per, zone, window.startMs - 1).endMs, window.startMs, at);
        const label = (timeMs: number) =>
          calendarLabel({ kind: "calendar", per, timeZone: zone }, timeMs);
        assert.equal(label(window.startMs), label(atMs), at);
        assert.equal(label(window.endMs - 1), label(atMs), at);
        assert.notEqual(label(window.startMs - 1), label(atMs), at);
        assert.notEqual(label(window.endMs), label(atMs), at);
      }
    });

  test("days have 23, 24 or 25 hours, but for these", () => {
    const exceptions = new Map<string, Set<number>>();
    for (const { zone, atMs } of moments) {
      const { startMs, endMs } = calendarWindow("day", zone, atMs);
      const hours = (endMs - startMs) / HOUR_MS;
      if (hours === 23 || hours === 24 || hours === 25) continue;
      exceptions.set(zone, (exceptions.get(zone) ?? new Set()).add(hours));
    }
    assert.deepEqual(exceptions, ODD_DAYS);
  });

  test("weeks start on Monday and months on the first, as their zone sees it", () => {
    for (const { zone, atMs } of moments) {
      const shown = (timeMs: number) => new Date(localClock(zone, timeMs).shownMs);
      assert.equal(shown(calendarWindow("week", zone, atMs).startMs).getUTCDay(), 1, zone);
      assert.equal(shown(calendarWindow("month", zone, atMs).startMs).getUTCDate(), 1, zone);
    }
  });
});

/** Stations in Antarctica that moved by hours, and the island whose summer is half an hour long. */
const ODD_DAYS = new Map([
  ["Antarctica/Casey", new Set([27, 21])],
  ["Antarctica/Troll", new Set([22, 26])],
  ["Antarctica/Vostok", new Set([26])],
  ["Australia/Lord_Howe", new Set([24.5, 23.5])],
]);
