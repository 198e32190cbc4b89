/** The two clocks the product reads, and RFC 3339 as the contract prints it. */

/** Injected wherever time is read, so that tests can step it. */
export interface Clock {
  /** Wall clock, Unix milliseconds. May step in either direction. */
  readonly wallMs: () => number;
  /** Monotonic, milliseconds since some fixed moment of this process; never steps. */
  readonly monotonicMs: () => number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** RFC 3339 in UTC with milliseconds, the form of every time in the API and the journal. */
export function formatTime(timeMs: number): string {
  if (timeMs !== formatted.timeMs) formatted = { timeMs, text: new Date(timeMs).toISOString() };
  return formatted.text;
}

/** The last one: a busy node writes many records in one millisecond. */
let formatted = { timeMs: 0, text: new Date(0).toISOString() };

/** Unix milliseconds of an RFC 3339 time with a zone; null where the text is none. */
export function parseTime(text: string): number | null {
  if (text === formatted.text) return formatted.timeMs;
  const ownForm = text.startsWith(parsedDay.text) ? OWN_FORM.exec(text) : null;
  if (ownForm !== null) return parsedDay.timeMs + timeOfDayMs(ownForm);
  const timeMs = parseAny(text);
  if (timeMs !== null) {
    const dayMs = Math.floor(timeMs / DAY_MS) * DAY_MS;
    parsedDay = { timeMs: dayMs, text: new Date(dayMs).toISOString().slice(0, DAY_LENGTH) };
  }
  return timeMs;
}

const DAY_MS = 86_400_000;
const DAY_LENGTH = "YYYY-MM-DD".length;
/** As `formatTime` prints it, behind a day that is known to be one. */
const OWN_FORM = /^.{10}T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)\.(\d{3})Z$/;

/** The day of the last one: a journal is read line by line, and most of them are of one day. */
let parsedDay = { timeMs: 0, text: "1970-01-01" };

function timeOfDayMs(parts: RegExpExecArray): number {
  const minutes = Number(parts[1]) * 60 + Number(parts[2]);
  return (minutes * 60 + Number(parts[3])) * 1000 + Number(parts[4]);
}

function parseAny(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text))
    return null;
  const timeMs = Date.parse(text);
  if (Number.isNaN(timeMs)) return null;
  // Date.parse takes 30 February for 2 March; the way back tells.
  const day = text.slice(0, DAY_LENGTH);
  return new Date(day).toISOString().startsWith(day) ? timeMs : null;
}
