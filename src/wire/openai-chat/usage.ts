/** What an answer consumed, read from the usage of chat completions and its many variants. */
import { inputTokensOf, type BilledUsage, type Usage } from "../../core/usage.ts";
import { isObject } from "../anthropic/value.ts";
import { billedOnce } from "../answer.ts";
import type { Quirk } from "../egress.ts";

/** Above this a count is no count of tokens. */
const TOKENS_MAX = 1e12;

/**
 * Sums up the usages that an answer tells: of several the largest figures hold, so that one that shrinks
 * lowers no bill; one odd figure makes all of them unknown.
 *
 * Source: openai-node of 2026-08-21 (`CompletionUsage`), openrouter.ai/docs/use-cases/usage-accounting,
 * docs.x.ai "Prompt caching", api-docs.deepseek.com; read 2026-11-23.
 */
export class ChatUsage {
  readonly #quirks: ReadonlySet<Quirk>;
  #usage: Usage | null = null;
  #billed: BilledUsage | null = null;
  #isOdd = false;

  constructor(quirks: ReadonlySet<Quirk>) {
    this.#quirks = quirks;
  }

  /** Null where none came, or none that can be believed. */
  get billed(): BilledUsage | null {
    return this.#billed;
  }

  /** Takes a `usage`; tells whether there was one. */
  take(usage: unknown): boolean {
    if (usage === null || usage === undefined) return false;
    const read = isObject(usage) ? readUsage(usage, this.#quirks) : null;
    if (read === null) this.#isOdd = true;
    else this.#usage = this.#usage === null ? read : largest(this.#usage, read);
    this.#billed = this.#isOdd || this.#usage === null ? null : billedOnce(this.#usage, false);
    return true;
  }
}

/**
 * One usage in the product's words; null where a figure is odd: negative, a fraction, beyond 1e12, or
 * more tokens from the cache than the prompt has.
 */
export function readUsage(
  usage: Readonly<Record<string, unknown>>,
  quirks: ReadonlySet<Quirk>,
): Usage | null {
  const figures = new Figures();
  const prompt = figures.required(usage["prompt_tokens"]);
  const completion = figures.required(usage["completion_tokens"]);
  const total = figures.optional(usage["total_tokens"]) ?? 0;
  const cache = cacheOf(usage, quirks, figures);
  const completionDetails = partOf(usage["completion_tokens_details"]);
  const reasoning =
    figures.optional(completionDetails["reasoning_tokens"]) ??
    figures.optional(usage["reasoning_tokens"]) ??
    0;
  const searches = figures.optional(usage["num_search_queries"]) ?? 0;
  const input = cache.isBeside ? prompt : prompt - cache.read - cache.written;
  if (figures.isOdd || input < 0) return null;
  const wholeInput = input + cache.read + cache.written;
  // More reasoning than completion can only be counted beside it.
  const isBeside = quirks.has("reasoning-beside-completion") || reasoning > completion;
  const output = isBeside ? completion + reasoning : completion;
  return {
    input_tokens: input,
    // A total that is larger than its parts has output in it that they leave out.
    output_tokens: Math.max(output, total - wholeInput),
    thinking_tokens: reasoning,
    cache_read_input_tokens: cache.read,
    cache_write_5m_input_tokens: cache.written,
    cache_write_1h_input_tokens: 0,
    web_search_requests: searches,
  };
}

interface CacheCounts {
  readonly read: number;
  readonly written: number;
  /** They are not part of `prompt_tokens`. */
  readonly isBeside: boolean;
}

function cacheOf(
  usage: Readonly<Record<string, unknown>>,
  quirks: ReadonlySet<Quirk>,
  figures: Figures,
): CacheCounts {
  const details = partOf(usage["prompt_tokens_details"]);
  const isBeside = quirks.has("cached-beside-prompt");
  const hits = quirks.has("cache-hit-tokens") ? usage["prompt_cache_hit_tokens"] : null;
  const read =
    figures.optional(details["cached_tokens"]) ??
    figures.optional(hits) ??
    figures.optional(usage["cached_tokens"]);
  const written = figures.optional(details["cache_write_tokens"]);
  if (read !== null || written !== null)
    return { read: read ?? 0, written: written ?? 0, isBeside };
  // Anthropic's own names come with its own convention: beside the uncached input.
  const plainRead = figures.optional(usage["cache_read_input_tokens"]) ?? 0;
  const plainWritten = figures.optional(usage["cache_creation_input_tokens"]) ?? 0;
  return {
    read: plainRead,
    written: plainWritten,
    isBeside: isBeside || plainRead + plainWritten > 0,
  };
}

/** Reads counts and remembers whether one of them was none. */
class Figures {
  isOdd = false;

  required(value: unknown): number {
    const count = this.optional(value);
    if (count === null) this.isOdd = true;
    return count ?? 0;
  }

  /** Null where it is not told. */
  optional(value: unknown): number | null {
    if (value === undefined || value === null) return null;
    if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= TOKENS_MAX)
      return value;
    this.isOdd = true;
    return 0;
  }
}

function partOf(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}

/** The later one's split of the input stands unless its whole input is smaller. */
function largest(one: Usage, later: Usage): Usage {
  const base = inputTokensOf(later) >= inputTokensOf(one) ? later : one;
  return {
    ...base,
    output_tokens: Math.max(one.output_tokens, later.output_tokens),
    thinking_tokens: Math.max(one.thinking_tokens, later.thinking_tokens),
    web_search_requests: Math.max(one.web_search_requests, later.web_search_requests),
  };
}
