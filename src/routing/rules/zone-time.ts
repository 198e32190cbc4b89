/** Hour and weekday of a moment in one time zone, without a formatter's work for each request. */

export const WEEKDAYS = [
  "sunday",
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
] as const;

export interface ZoneTime {
  /** IANA name. */
  readonly zone: string;
  /** 0 to 23; `atMs` in Unix milliseconds. */
  readonly hour: (atMs: number) => number;
  readonly weekday: (atMs: number) => string;
}

/** Every zone's clock changes at a quarter of an hour of UTC, if at all. */
const QUARTER_MS = 900_000;

/** The clock of `zone`; a quarter of an hour is formatted once. */
export function zoneTime(zone: string): ZoneTime {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hour: "numeric",
    hourCycle: "h23",
    weekday: "long",
  });
  let known = { quarter: Number.NaN, hour: 0, weekday: "" };
  const at = (atMs: number): typeof known => {
    const quarter = Math.floor(atMs / QUARTER_MS);
    if (quarter !== known.quarter) known = { quarter, ...read(format, quarter * QUARTER_MS) };
    return known;
  };
  return { zone, hour: (atMs) => at(atMs).hour, weekday: (atMs) => at(atMs).weekday };
}

function read(format: Intl.DateTimeFormat, atMs: number): { hour: number; weekday: string } {
  const parts = format.formatToParts(atMs);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? "";
  return { hour: Number(part("hour")), weekday: part("weekday").toLowerCase() };
}
