/** Reads from an answer for how long its provider wants to be left alone. */

type Headers = Readonly<Record<string, string>>;

/** A longer wish is cut: a wrong header must not retire a key. */
const LONGEST_MS = 86_400_000;
const TEXT_CHARACTERS_MAX = 64;
const BODY_CHARACTERS_MAX = 65_536;
const SECOND_MS = 1_000;
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND_MS,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
/** Numbers from here on are Unix times: in seconds, and in milliseconds. */
const EPOCH_SECONDS_MIN = 1_000_000_000;
const EPOCH_MS_MIN = 1_000_000_000_000;

const NUMBER = /^\d+(?:\.\d+)?$/;
/** "6m0s", "20ms", "1h2m3.5s". */
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/;
const DURATION_PART = /(\d+(?:\.\d+)?)(ms|[smhd])/g;
/** `google.rpc.RetryInfo` in an error's details: "37s", "0.5s". */
const RETRY_INFO = /"retryDelay"\s*:\s*"(\d{1,9}(?:\.\d{1,9})?)s"/;

/** Plain wishes, the most exact first: [header, milliseconds of its unit]. */
const WISHES = [
  ["retry-after-ms", 1],
  ["x-ms-retry-after-ms", 1],
  ["retry-after", SECOND_MS],
] as const;

/** Limits that are told with how much is left: [remaining, reset]. */
const LIMITS = [
  ["anthropic-ratelimit-unified-status", "anthropic-ratelimit-unified-reset"],
  ["anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"],
  ["anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"],
  ["anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"],
  ["anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"],
  ["x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
  ["x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
  ["x-ratelimit-remaining", "x-ratelimit-reset"],
] as const;

/**
 * For how many milliseconds from `nowMs` (Unix milliseconds) the provider wants no further request; null
 * where it does not say, or not in words that are understood. Never negative, at most a day.
 *
 * @param headers of the answer, names in lower case. `retry-after(-ms)` goes first; then the latest reset
 * among the limits of Anthropic and OpenAI of which nothing is left.
 * @param body the error's body as text: Google tells it there.
 */
export function retryAfterMs(headers: Headers, nowMs: number, body = ""): number | null {
  for (const [name, unitMs] of WISHES) {
    const wish = wished(headers[name], unitMs, nowMs);
    if (wish !== null) return bounded(wish);
  }
  const told = RETRY_INFO.exec(body.slice(0, BODY_CHARACTERS_MAX))?.[1];
  if (told !== undefined) return bounded(Number(told) * SECOND_MS);
  let latest: number | null = null;
  for (const [remaining, reset] of LIMITS) {
    if (!isUsedUp(headers[remaining])) continue;
    const wait = untilReset(headers[reset], nowMs);
    if (wait !== null && (latest === null || wait > latest)) latest = wait;
  }
  return latest === null ? null : bounded(latest);
}

/** A number of the header's unit, or an HTTP date. */
function wished(text: string | undefined, unitMs: number, nowMs: number): number | null {
  if (text === undefined || text.length > TEXT_CHARACTERS_MAX) return null;
  if (NUMBER.test(text)) return Number(text) * unitMs;
  return dated(text, nowMs);
}

function untilReset(text: string | undefined, nowMs: number): number | null {
  if (text === undefined || text.length > TEXT_CHARACTERS_MAX) return null;
  if (DURATION.test(text)) {
    let sumMs = 0;
    for (const [, amount, unit = ""] of text.matchAll(DURATION_PART)) {
      sumMs += Number(amount) * (UNIT_MS[unit] ?? 0);
    }
    return sumMs;
  }
  if (!NUMBER.test(text)) return dated(text, nowMs);
  const amount = Number(text);
  if (amount >= EPOCH_MS_MIN) return amount - nowMs;
  return amount >= EPOCH_SECONDS_MIN ? amount * SECOND_MS - nowMs : amount * SECOND_MS;
}

/** Only texts with a year of four digits: `Date.parse` takes nearly anything. */
function dated(text: string, nowMs: number): number | null {
  if (!/^(?:[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} |\d{4}-\d{2}-\d{2}T)/.test(text)) return null;
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) ? null : timeMs - nowMs;
}

/** An answer that does not say how much is left means the limit that it names. */
function isUsedUp(remaining: string | undefined): boolean {
  return remaining === undefined || remaining === "rejected" || Number(remaining) === 0;
}

function bounded(waitMs: number): number {
  return Math.min(Math.max(0, Math.ceil(waitMs)), LONGEST_MS);
}
