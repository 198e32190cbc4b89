/** What a scope may spend and how often: the file's budgets and rate limits. */
import { z } from "zod";
import { isRolling, isUsd, ROLLING, USD } from "./scalar.ts";
import { text, timeZone } from "./schema-text.ts";

const COUNT_MAX = Number.MAX_SAFE_INTEGER;
const PERIODS = [
  "second",
  "minute",
  "hour",
  "day",
  "week",
  "month",
  "total",
  "session",
  "subagent",
] as const;

const usd = text({
  pattern: USD,
  holds: isUsd,
  fault:
    'is not an amount of US dollars: write a decimal that is not negative, at most 9000000000 and with up to 9 decimals, such as "30" or "0.05"',
});
const rolling = text({
  pattern: ROLLING,
  holds: isRolling,
  fault:
    "is not the span of a rolling window: write a whole number above 0 and s, m, h or d, such as 5h",
});
const count = z.int().min(0).max(COUNT_MAX);

const budget = z.strictObject({
  usd: usd.describe("The cap in US dollars, a decimal string with up to nine decimals."),
  per: z
    .enum(PERIODS)
    .optional()
    .describe(
      "The calendar window; total, session and subagent never reset. Either this or rolling.",
    ),
  rolling: rolling
    .optional()
    .describe("The span of a rolling window: 90s, 30m, 5h, 7d. Either this or per."),
  time_zone: timeZone
    .optional()
    .describe("IANA zone of the calendar window; else the file's time_zone."),
  overshoot: z
    .enum(["none", "last_request"])
    .default("none")
    .describe("last_request lets one request at a time go over the cap, by at most its own need."),
});

export const rateLimit = z.strictObject({
  requests: count.optional().describe("Most requests in a window."),
  input_tokens: count.optional().describe("Most input tokens in a window."),
  output_tokens: count.optional().describe("Most output tokens in a window."),
  usd: usd.optional().describe("Most cost in a window, in US dollars; refused as a rate."),
  concurrent: count.optional().describe("Most requests in flight at once; has no window."),
  per: z.enum(PERIODS).optional().describe("The calendar window. Either this or rolling."),
  rolling: rolling
    .optional()
    .describe("The span of a rolling window: 90s, 30m, 5h, 7d. Either this or per."),
  burst: z
    .int()
    .min(1)
    .max(COUNT_MAX)
    .optional()
    .describe(
      "Makes the limit a token bucket of this size, in whole dollars with usd, that refills at its rate.",
    ),
  overshoot: z
    .enum(["none", "last_request"])
    .optional()
    .describe("As of budgets; for limits on tokens and usd."),
});

/** The fields of every scope that can have caps. */
export const governed = {
  budgets: z.array(budget).default([]).describe("Caps on money; each has a window of its own."),
  rate_limits: z.array(rateLimit).default([]).describe("Caps on requests, tokens or concurrency."),
};
