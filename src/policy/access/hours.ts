/** Whether a moment lies in hours of the day, by the wall clock of a time zone. */
import { DAYS, type AccessHours, type Day, type HoursConfig } from "../../config/access-config.ts";

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;

/** What a clock on the wall shows. */
interface WallTime {
  readonly day: Day;
  /** Minutes since midnight. */
  readonly minute: number;
}

/** The wall clock of an IANA time zone; a minute is formatted once. `atMs` in Unix milliseconds. */
export function wallClock(zone: string): (atMs: number) => WallTime {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    weekday: "short",
    hour: "numeric",
    minute: "numeric",
    hourCycle: "h23",
  });
  let known: { readonly at: number; readonly time: WallTime } | null = null;
  return (atMs) => {
    const at = Math.floor(atMs / MINUTE_MS);
    if (known?.at !== at) known = { at, time: read(format, at * MINUTE_MS) };
    return known.time;
  };
}

function read(format: Intl.DateTimeFormat, atMs: number): WallTime {
  const parts = format.formatToParts(atMs);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? "";
  const day = DAYS.find((name) => name === part("weekday").toLowerCase()) ?? "sun";
  return { day, minute: Number(part("hour")) * 60 + Number(part("minute")) };
}

/** Claims that the wall clock is in `hours`; what begins on a day may end on the next. */
export function isWithin({ days, fromMinute, toMinute }: HoursConfig, wall: WallTime): boolean {
  const { day, minute } = wall;
  if (fromMinute < toMinute) return fromMinute <= minute && minute < toMinute && days.includes(day);
  if (minute >= fromMinute) return days.includes(day);
  const before = DAYS[(DAYS.indexOf(day) + DAYS.length - 1) % DAYS.length] ?? day;
  return minute < toMinute && days.includes(before);
}

/** Prints hours: "mon tue wed thu fri 07:00-19:00". */
export function hoursText({ days, fromMinute, toMinute }: HoursConfig): string {
  const every = days.length === DAYS.length ? "" : `${days.join(" ")} `;
  return `${every}${clockText(fromMinute)}-${clockText(toMinute)}`;
}

/** "Sat 21:14 Europe/Berlin". */
export function wallText({ day, minute }: WallTime, { timeZone }: AccessHours): string {
  return `${day.slice(0, 1).toUpperCase()}${day.slice(1)} ${clockText(minute)} ${timeZone}`;
}

function clockText(minute: number): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return minute === DAY_MINUTES ? "24:00" : `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}
