/** Reads Gemini's `usageMetadata` into the product's counts. */
import type { BilledUsage, Usage } from "../../core/usage.ts";
import { NO_USAGE } from "../../core/usage.ts";
import { billedOnce } from "../answer.ts";
import { isObject } from "../anthropic/value.ts";

/** No request has so many tokens: a larger figure is none. */
const TOKENS_MAX = 1e12;
const FIELDS = [
  "promptTokenCount",
  "cachedContentTokenCount",
  "candidatesTokenCount",
  "thoughtsTokenCount",
  "toolUsePromptTokenCount",
  "totalTokenCount",
] as const;

type Counts = Record<(typeof FIELDS)[number], number>;

/**
 * The usage of one answer. Each chunk of a stream tells it anew, for the answer so far; a chunk without
 * `promptTokenCount` (Vertex sends `trafficType` alone at first) tells nothing.
 * Source: ai.google.dev/api/generate-content#UsageMetadata: the prompt includes what was cached, candidates
 * exclude thoughts, the total is prompt + candidates + tool use + thoughts; compared 2026-11-23.
 */
export class UsageReader {
  readonly #counts: Partial<Counts> = {};
  #isOdd = false;

  /** Takes the `usageMetadata` of a chunk; true where it counts. */
  take(metadata: unknown): boolean {
    if (!isObject(metadata)) return false;
    for (const field of FIELDS) {
      const value = metadata[field];
      if (value === undefined || value === null) continue;
      if (!isCount(value)) this.#isOdd = true;
      // Only the cached count makes a bill smaller: there the last word counts, not the largest.
      else if (field === "cachedContentTokenCount") this.#counts[field] = value;
      else this.#counts[field] = Math.max(this.#counts[field] ?? 0, value);
    }
    return metadata["promptTokenCount"] !== undefined && metadata["promptTokenCount"] !== null;
  }

  /** The exact input is known. */
  get isStarted(): boolean {
    return !this.#isOdd && this.#counts.promptTokenCount !== undefined;
  }

  /** Null where the prompt was not counted, or a figure cannot be true. */
  billed(): BilledUsage | null {
    const usage = this.#usage();
    return usage === null ? null : billedOnce(usage, false);
  }

  /** The same for the client: zeros where nothing is known. */
  shown(): Usage {
    return this.#usage() ?? NO_USAGE;
  }

  #usage(): Usage | null {
    const { promptTokenCount: prompt, cachedContentTokenCount: cached = 0 } = this.#counts;
    if (this.#isOdd || prompt === undefined || cached > prompt) return null;
    const { thoughtsTokenCount: thoughts = 0, toolUsePromptTokenCount: toolUse = 0 } = this.#counts;
    const { candidatesTokenCount: candidates = 0, totalTokenCount: total = 0 } = this.#counts;
    return {
      ...NO_USAGE,
      input_tokens: prompt - cached + toolUse,
      cache_read_input_tokens: cached,
      // What only the total knows of is thinking that was not listed: it is billed all the same.
      output_tokens: Math.max(candidates + thoughts, total - prompt - toolUse),
      thinking_tokens: thoughts,
    };
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= TOKENS_MAX;
}
