/** Where calendar windows begin and end, in any IANA time zone. */
import { Temporal } from "temporal-polyfill";
import type { CalendarPeriod } from "../core/span.ts";
import type { Bounds } from "./state.ts";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const NANOSECONDS_PER_MS = 1e6;
const STEPS = { day: { days: 1 }, week: { weeks: 1 }, month: { months: 1 } } as const;

/**
 * The calendar window that holds `timeMs`. Windows of one period and zone follow each other without a
 * gap or an overlap: days have 23, 24 or 25 hours, weeks start on Monday, and where a zone's clocks
 * repeat an hour across midnight the earlier day ends at the first midnight.
 */
export function calendarWindow(per: CalendarPeriod, timeZone: string, timeMs: number): Bounds {
  switch (per) {
    case "second":
      return aligned(timeMs, SECOND_MS);
    case "minute":
      return aligned(timeMs, MINUTE_MS);
    case "hour":
      return hourWindow(timeZone, timeMs);
    case "day":
    case "week":
    case "month":
      return dateWindow(per, timeZone, timeMs);
  }
}

function aligned(timeMs: number, sizeMs: number): Bounds {
  const startMs = Math.floor(timeMs / sizeMs) * sizeMs;
  return { startMs, endMs: startMs + sizeMs };
}

/** Hours of the local clock; a transition by part of an hour ends the running one. */
function hourWindow(timeZone: string, timeMs: number): Bounds {
  const zoned = zonedAt(timeZone, timeMs);
  const offsetMs = zoned.offsetNanoseconds / NANOSECONDS_PER_MS;
  const local = aligned(timeMs + offsetMs, HOUR_MS);
  // A transition at this very moment has happened: "previous" alone looks before it.
  const previous = zoned.add({ nanoseconds: 1 }).getTimeZoneTransition("previous");
  const next = zoned.getTimeZoneTransition("next");
  return {
    startMs: Math.max(local.startMs - offsetMs, misalignedMs(previous) ?? -Infinity),
    endMs: Math.min(local.endMs - offsetMs, misalignedMs(next) ?? Infinity),
  };
}

/** The moment of a transition that shifts the clock by part of an hour; null for all others. */
function misalignedMs(transition: Temporal.ZonedDateTime | null): number | null {
  if (transition === null) return null;
  const before = transition.subtract({ nanoseconds: 1 }).offsetNanoseconds;
  const shiftMs = (transition.offsetNanoseconds - before) / NANOSECONDS_PER_MS;
  return shiftMs % HOUR_MS === 0 ? null : transition.epochMilliseconds;
}

function dateWindow(per: "day" | "week" | "month", timeZone: string, timeMs: number): Bounds {
  const step = STEPS[per];
  let date = firstDate(per, zonedAt(timeZone, timeMs).toPlainDate());
  let startMs = startOfDayMs(date, timeZone);
  for (;;) {
    const nextDate = date.add(step);
    const endMs = startOfDayMs(nextDate, timeZone);
    // Clocks set back across midnight show the old date again after the new one has begun.
    if (timeMs < endMs) return { startMs, endMs };
    date = nextDate;
    startMs = endMs;
  }
}

function firstDate(per: "day" | "week" | "month", date: Temporal.PlainDate): Temporal.PlainDate {
  if (per === "week") return date.subtract({ days: date.dayOfWeek - 1 });
  return per === "month" ? date.with({ day: 1 }) : date;
}

function startOfDayMs(date: Temporal.PlainDate, timeZone: string): number {
  return date.toZonedDateTime(timeZone).epochMilliseconds;
}

function zonedAt(timeZone: string, timeMs: number): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(timeMs).toZonedDateTimeISO(timeZone);
}
