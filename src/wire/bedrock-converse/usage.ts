/** Reads Converse's `usage` as what is billed; never guesses at a figure that is odd. */
import { NO_USAGE, type Usage } from "../../core/usage.ts";
import { isObject } from "../anthropic/value.ts";

type Json = Readonly<Record<string, unknown>>;

/** No answer has more; whatever claims so is an error of the upstream. */
const COUNT_MAX = 1e12;

/**
 * The usage of one answer. `inputTokens` leaves out what was read from the cache or written to it, as in
 * the Messages API; were a model to count it in, the charge would be too high and never too low.
 * Reasoning is part of `outputTokens` and not told apart.
 *
 * Source: Amazon Bedrock API reference, TokenUsage, CacheDetail; user guide, "Prompt caching", 2026-11.
 *
 * @param hourCache A marker of the request asks for an hour: what no detail explains was written for one.
 * @returns null where a count is missing, negative, fractional or no number.
 */
export function usageOf(usage: unknown, hourCache = false): Usage | null {
  if (!isObject(usage)) return null;
  const input = countOf(usage["inputTokens"]);
  const output = countOf(usage["outputTokens"]);
  const read = optionalCountOf(usage["cacheReadInputTokens"]);
  const written = optionalCountOf(usage["cacheWriteInputTokens"]);
  const written1h = writtenFor1h(usage["cacheDetails"]);
  if (input === null || output === null || read === null || written === null || written1h === null)
    return null;
  const unexplained = Math.max(written - written1h - writtenFor5m(usage["cacheDetails"]), 0);
  return {
    ...NO_USAGE,
    input_tokens: input,
    output_tokens: output,
    cache_read_input_tokens: read,
    cache_write_5m_input_tokens: Math.max(written - written1h, 0) - (hourCache ? unexplained : 0),
    cache_write_1h_input_tokens: written1h + (hourCache ? unexplained : 0),
  };
}

/** Of details that `writtenFor1h` has found sound. */
function writtenFor5m(details: unknown): number {
  if (!Array.isArray(details)) return 0;
  return (details as readonly unknown[]).reduce<number>((sum, detail) => {
    const entry: Json = isObject(detail) ? detail : {};
    return entry["ttl"] === "5m" ? sum + (countOf(entry["inputTokens"]) ?? 0) : sum;
  }, 0);
}

function writtenFor1h(details: unknown): number | null {
  if (details === undefined || details === null) return 0;
  if (!Array.isArray(details)) return null;
  let sum = 0;
  for (const detail of details as readonly unknown[]) {
    const entry: Json = isObject(detail) ? detail : {};
    const tokens = countOf(entry["inputTokens"]);
    if (tokens === null) return null;
    // A duration of another length is as dear as the dearest.
    if (entry["ttl"] !== "5m") sum += tokens;
  }
  return sum;
}

function countOf(value: unknown): number | null {
  const isCount =
    typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= COUNT_MAX;
  // A minus zero is a zero.
  return isCount ? value + 0 : null;
}

function optionalCountOf(value: unknown): number | null {
  return value === undefined || value === null ? 0 : countOf(value);
}
