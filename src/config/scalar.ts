/** The grammar of single values in the file: durations, addresses, ids, dates, zones, URLs, amounts. */
import { isIP } from "node:net";
import { parseUsd } from "../core/money.ts";
import { parseTime } from "../core/time.ts";
import type { Address } from "./config.ts";

/** Ids appear in URLs, metrics and `key/provider`, hence no slash, space or control character. */
export const ID = /^[^\s/\p{C}]{1,128}$/u;
/** A provider's id is also sent in a response header, which carries ASCII only. */
export const PROVIDER_ID = /^[!-.0-~]{1,128}$/;
export const LABEL_NAME = /^[^\s,\p{C}]{1,128}$/u;
export const USD = /^\d{1,10}(?:\.\d{1,9})?$/;
/** Prices are exact in 10⁻¹² dollars a token, which six decimals for a million tokens reach. */
export const USD_PER_MILLION = /^\d{1,6}(?:\.\d{1,6}0{0,3})?$/;
export const DURATION = /^\d{1,9}(?:ms|s|m|h|d)$/;
export const ROLLING = /^\d{1,9}[smhd]$/;
export const REFERENCE = /^(?:env|file):./;
export const VIRTUAL_KEY_SECRET = /^vk_[A-Za-z0-9_-]{20,}$/;
export const GLOB = /^[^\s\p{C}]{1,256}$/u;
export const DAY = /^\d{4}-\d{2}-\d{2}$/;
export const PLAIN_URL = /^https?:\/\/[^\s\\?#@]+$/;

/** SQLite's and PostgreSQL's integers hold 9.2 × 10¹⁸ nano-dollars. */
const USD_MAX = 9_000_000_000;
/** Node's timers hold 2³¹ − 1 milliseconds; above that they fire at once. */
export const TIMER_DAYS_MAX = 24;
const SPAN_DAYS_MAX = 36_600;

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DAY_MS = UNIT_MS.d;

/** Claims that `text` is an amount that a budget can have: nano-dollars that fit 64 bits. */
export function isUsd(text: string): boolean {
  return USD.test(text) && parseUsd(text) !== null && Number(text) <= USD_MAX;
}

/**
 * Reads a duration of the file: a whole number and ms, s, m, h or d.
 *
 * @returns Milliseconds, more than zero; null where the text is none or over a hundred years.
 */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (match === null) return null;
  const durationMs = Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
  return durationMs > 0 && durationMs <= SPAN_DAYS_MAX * DAY_MS ? durationMs : null;
}

/** Claims that `text` is a duration which a timer can wait for. */
export function isTimeout(text: string): boolean {
  const durationMs = parseDuration(text);
  return durationMs !== null && durationMs <= TIMER_DAYS_MAX * DAY_MS;
}

/** Claims that `text` is the span of a rolling window. */
export function isRolling(text: string): boolean {
  return ROLLING.test(text) && parseDuration(text) !== null;
}

/** Reads `host:port` or `[v6 address]:port`; port 0 lets the system choose. Null where it is neither. */
export function parseAddress(text: string): Address | null {
  const match = /^(?:\[([^\]]+)\]|([A-Za-z0-9_.-]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3] ?? Number.NaN);
  if (match === null || port > 65_535) return null;
  if (match[1] !== undefined) return isIP(match[1]) === 6 ? { host: match[1], port } : null;
  const host = match[2] ?? "";
  const looksNumeric = /^[0-9.]+$/.test(host);
  return looksNumeric && isIP(host) !== 4 ? null : { host, port };
}

/** Claims that `text` is an IP address or a network in CIDR form. */
export function isNetwork(text: string): boolean {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  const family = isIP(match?.[1] ?? "");
  const bits = match?.[2];
  return family !== 0 && (bits === undefined || Number(bits) <= (family === 4 ? 32 : 128));
}

/** Claims that `text` is a day of the calendar, YYYY-MM-DD. */
export function isDay(text: string): boolean {
  if (!DAY.test(text)) return false;
  const timeMs = parseTime(text);
  // Date.parse takes 30 February for 2 March; the way back tells.
  return timeMs !== null && new Date(timeMs).toISOString().startsWith(text);
}

/** Reads a moment in RFC 3339, or a day for its midnight UTC; Unix milliseconds or null. */
export function parseMoment(text: string): number | null {
  return isDay(text.slice(0, 10)) ? parseTime(text) : null;
}

/** Reads an http or https URL without credentials, query or fragment; no slash at its end. Else null. */
export function parsePlainUrl(text: string): string | null {
  if (!PLAIN_URL.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.hostname === "" ? null : (url.origin + url.pathname).replace(/\/+$/, "");
}

/** Reads a proxy's URL, which may carry credentials; null where it is not http or https. */
export function parseProxyUrl(text: string): string | null {
  if (!/^https?:\/\/\S+$/.test(text) || !URL.canParse(text)) return null;
  return new URL(text).hostname === "" ? null : text;
}

const resolvedZones = new Map<string, string | null>();

/** The name under which the runtime knows an IANA time zone; null where it knows none of that name. */
export function resolveTimeZone(text: string): string | null {
  const known = resolvedZones.get(text);
  if (known !== undefined) return known;
  const resolved = askTimeZone(text);
  // Making a formatter takes some 50 µs and ten thousand keys name few zones; a file of nothing but
  // wrong names must not grow the memory of a process that reloads for years.
  if (resolvedZones.size < 1000) resolvedZones.set(text, resolved);
  return resolved;
}

function askTimeZone(text: string): string | null {
  // The runtime takes offsets (+01:00) too, which are no zones: they know no daylight saving.
  if (!/^[A-Za-z][\w+-]*(?:\/[\w+-]+)*$/.test(text)) return null;
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: text }).resolvedOptions().timeZone;
  } catch (cause) {
    if (cause instanceof RangeError) return null;
    throw cause;
  }
}

/** A credential goes into a header: visible ASCII without spaces, else undici or Node would throw. */
export function isHeaderValue(text: string): boolean {
  return /^[!-~]+$/.test(text);
}
