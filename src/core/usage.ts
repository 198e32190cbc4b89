/** What an attempt consumed, in the product's own words; the same fields in rows, records and sums. */

/** Token and tool counts of one attempt, or a sum of them. Integers, never negative. */
export interface Usage {
  /** Uncached input tokens; cached ones are counted in the three fields below (Anthropic's convention). */
  readonly input_tokens: number;
  /** Output tokens, thinking included. */
  readonly output_tokens: number;
  /** The part of `output_tokens` spent on thinking, where the provider says so; else 0. */
  readonly thinking_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_write_5m_input_tokens: number;
  readonly cache_write_1h_input_tokens: number;
  readonly web_search_requests: number;
}

export const USAGE_FIELDS = [
  "input_tokens",
  "output_tokens",
  "thinking_tokens",
  "cache_read_input_tokens",
  "cache_write_5m_input_tokens",
  "cache_write_1h_input_tokens",
  "web_search_requests",
] as const satisfies readonly (keyof Usage)[];

export const NO_USAGE: Usage = {
  input_tokens: 0,
  output_tokens: 0,
  thinking_tokens: 0,
  cache_read_input_tokens: 0,
  cache_write_5m_input_tokens: 0,
  cache_write_1h_input_tokens: 0,
  web_search_requests: 0,
};

/** What the provider billed for: one pass at one model. Several where it reports `usage.iterations`. */
export interface BilledPass {
  /** The model of this pass as the provider names it; null where it is the request's. */
  readonly model: string | null;
  readonly usage: Usage;
  /** True where the pass was refused before any output, which costs nothing. */
  readonly free: boolean;
}

/** All that pricing needs to know about a finished attempt, read from the provider's own figures. */
export interface BilledUsage {
  /** Top-level counts, for rows and sums. With several passes: the sum of the passes. */
  readonly usage: Usage;
  /** Never empty. The cost is the sum over these. */
  readonly passes: readonly BilledPass[];
  /** Provider's own words where it reports them; they select price modifiers. Null: not reported. */
  readonly speed: string | null;
  readonly inferenceGeo: string | null;
  readonly serviceTier: string | null;
}

/** The whole input: uncached, read from the cache, and written to it. */
export function inputTokensOf(usage: Usage): number {
  return (
    usage.input_tokens +
    usage.cache_read_input_tokens +
    usage.cache_write_5m_input_tokens +
    usage.cache_write_1h_input_tokens
  );
}
