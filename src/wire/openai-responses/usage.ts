/** Reads the `usage` of a response; never guesses at a figure that is odd. */
import { billedOnce } from "../answer.ts";
import { isObject } from "../anthropic/value.ts";
import type { BilledUsage } from "../../core/usage.ts";

type Json = Readonly<Record<string, unknown>>;

/** No answer has more; whatever claims so is an error of the upstream. */
const COUNT_MAX = 1e12;

/**
 * What a response bills for. Tokens read from the cache and written to it are parts of `input_tokens`,
 * each at its own rate; reasoning is a part of `output_tokens`.
 *
 * Source: openai-node of 2026-08-21, `ResponseUsage`, and OpenAI's prompt caching guide; read 2026-11-23.
 *
 * @returns null where a count is missing, negative, fractional, above 10^12, or its parts exceed it: the
 * caller settles as for an unknown outcome.
 */
export function billedOf(usage: unknown, serviceTier: unknown): BilledUsage | null {
  if (!isObject(usage)) return null;
  const input = countOf(usage["input_tokens"]);
  const output = countOf(usage["output_tokens"]);
  const read = detailOf(usage["input_tokens_details"], "cached_tokens");
  const written = detailOf(usage["input_tokens_details"], "cache_write_tokens");
  const thinking = detailOf(usage["output_tokens_details"], "reasoning_tokens");
  if (input === null || output === null) return null;
  if (read === null || written === null || thinking === null) return null;
  if (read + written > input || thinking > output) return null;
  const billed = billedOnce(
    {
      input_tokens: input - read - written,
      output_tokens: output,
      thinking_tokens: thinking,
      cache_read_input_tokens: read,
      cache_write_5m_input_tokens: written,
      cache_write_1h_input_tokens: 0,
      web_search_requests: 0,
    },
    false,
  );
  return { ...billed, serviceTier: typeof serviceTier === "string" ? serviceTier : null };
}

/** A part that is not told is none. */
function detailOf(details: unknown, name: string): number | null {
  if (details === undefined || details === null) return 0;
  if (!isObject(details)) return null;
  const value: Json[string] = details[name];
  return value === undefined || value === null ? 0 : countOf(value);
}

function countOf(value: unknown): number | null {
  if (typeof value !== "number" || !Number.isInteger(value)) return null;
  // A minus zero is a zero.
  return value >= 0 && value <= COUNT_MAX ? value + 0 : null;
}
