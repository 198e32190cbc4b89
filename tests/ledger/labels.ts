/** Names the window that a moment falls into, by the runtime's own calendar and whole numbers alone. */
import type { Span } from "../../src/core/span.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const formats = new Map<string, Intl.DateTimeFormat>();
const clocks = new Map<string, LocalClock>();

/** What a clock on the wall shows, as if it were UTC. */
interface LocalClock {
  readonly shownMs: number;
  readonly offsetMs: number;
}

/** What the clocks of `zone` show at `timeMs`. */
export function localClock(zone: string, timeMs: number): LocalClock {
  const key = `${zone} ${timeMs}`;
  const known = clocks.get(key);
  if (known !== undefined) return known;
  const offsetMs = offsetAt(zone, timeMs);
  const clock = { shownMs: timeMs + offsetMs, offsetMs };
  clocks.set(key, clock);
  return clock;
}

/** By how much the clocks of `zone` are ahead of UTC, read off the runtime's own text. */
export function offsetAt(zone: string, timeMs: number): number {
  const secondMs = Math.floor(timeMs / 1000) * 1000;
  const shown = /^(\d+)\/(\d+)\/(\d+), (\d+):(\d+):(\d+)$/.exec(formatOf(zone).format(secondMs));
  const [month = 0, day, year = 0, hour, minute, second] = (shown ?? []).slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second) - secondMs;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const numeric = "numeric" as const;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    calendar: "gregory",
    hourCycle: "h23",
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  });
  formats.set(zone, format);
  return format;
}

/**
 * Two moments have one label where they lie in one calendar window. Right for zones whose clocks are
 * never set back across a midnight that they have shown: none is between 2020 and 2030.
 */
export function calendarLabel(span: Span & { kind: "calendar" }, timeMs: number): string {
  if (span.per === "second") return String(Math.floor(timeMs / 1000));
  if (span.per === "minute") return String(Math.floor(timeMs / 60_000));
  const { shownMs, offsetMs } = localClock(span.timeZone, timeMs);
  // Shifts by whole hours leave the running hour as it is.
  const partMs = ((offsetMs % HOUR_MS) + HOUR_MS) % HOUR_MS;
  const dayMs = Math.floor(shownMs / DAY_MS) * DAY_MS;
  const date = new Date(dayMs);
  switch (span.per) {
    case "hour":
      return `${Math.floor((timeMs + partMs) / HOUR_MS)} at ${partMs}`;
    case "day":
      return date.toISOString();
    case "week":
      return new Date(dayMs - ((date.getUTCDay() + 6) % 7) * DAY_MS).toISOString();
    case "month":
      return date.toISOString().slice(0, 7);
  }
}

/** Index of the bucket that a moment falls into: sixty to a span. */
export function bucketOf(spanMs: number, timeMs: number): bigint {
  const scaled = BigInt(timeMs) * 60n;
  const size = BigInt(spanMs);
  return scaled / size - (scaled % size < 0n ? 1n : 0n);
}
