/** Cuts a range of time into the hours or days of a time zone. */
import { Temporal } from "temporal-polyfill";

/** From ≤ time < to, Unix milliseconds. */
export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A piece of a range; `startMs` is where its whole hour or day begins, which may be before `fromMs`. */
export interface Interval extends Range {
  readonly startMs: number;
}

const HOUR_MS = 3_600_000;

/**
 * The hours or days of `timeZone` (an IANA name) that a range touches, in order, cut to the range.
 * A day has 23, 24 or 25 hours where clocks change; an hour that a clock repeats is two intervals.
 *
 * @throws RangeError where the time zone is unknown.
 */
export function intervalsOf(
  range: Range,
  interval: "hour" | "day",
  timeZone: string,
): readonly Interval[] {
  const intervals: Interval[] = [];
  const edges = interval === "day" ? dayEdges : hourEdges;
  for (let fromMs = range.fromMs; fromMs < range.toMs;) {
    const { startMs, endMs } = edges(zoned(fromMs, timeZone));
    intervals.push({ startMs, fromMs, toMs: Math.min(endMs, range.toMs) });
    fromMs = endMs;
  }
  return intervals;
}

interface Edges {
  readonly startMs: number;
  readonly endMs: number;
}

function zoned(timeMs: number, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(timeMs).toZonedDateTimeISO(timeZone);
}

function dayEdges(moment: Temporal.ZonedDateTime): Edges {
  const start = moment.startOfDay();
  const end = nextDay(start);
  // Clocks set back across midnight return to a day that has ended: what follows is the later day's.
  if (end.epochMilliseconds <= moment.epochMilliseconds) return dayEdges(end);
  return { startMs: start.epochMilliseconds, endMs: end.epochMilliseconds };
}

function nextDay(start: Temporal.ZonedDateTime): Temporal.ZonedDateTime {
  return start.add({ days: 1 }).startOfDay();
}

/** By the offset in force: clocks change on whole local hours, so none spans a change. */
function hourEdges(moment: Temporal.ZonedDateTime): Edges {
  const intoHourMs = (moment.minute * 60 + moment.second) * 1000 + moment.millisecond;
  const startMs = moment.epochMilliseconds - intoHourMs;
  return { startMs, endMs: startMs + HOUR_MS };
}
