/** Levers after validation: what a scope or a rule makes of requests before they are routed. */
import type { ModelMapping } from "./config.ts";

/** From the least to the most. */
export const EFFORTS = ["low", "medium", "high", "xhigh", "max"] as const;
export type Effort = (typeof EFFORTS)[number];

/** The least `thinking.budget_tokens` that the Messages API takes. */
export const THINKING_BUDGET_MIN = 1_024;

export const CACHE_TTLS = ["as_asked", "5m", "1h"] as const;
export type CacheTtl = (typeof CACHE_TTLS)[number];

/** Null and empty: nothing is said. */
export interface LeversConfig {
  /** Most `thinking.budget_tokens`. */
  readonly thinkingBudgetMax: number | null;
  /** Most `output_config.effort`. */
  readonly effortMax: Effort | null;
  /** Most `max_tokens`. */
  readonly maxTokens: number | null;
  /** The life of what is written to the prompt cache. */
  readonly cacheTtl: CacheTtl | null;
  /** For titles, summaries and other side calls. */
  readonly backgroundModel: string | null;
  readonly subagentModel: string | null;
  /** In the file's order; the first glob that fits counts. */
  readonly models: readonly ModelMapping[];
  /** Globs over the values of `anthropic-beta`. */
  readonly stripBetas: readonly string[];
  readonly longContext: "refuse" | null;
  readonly fastMode: "refuse" | "strip" | null;
  /** Most `max_uses` of a web search tool. */
  readonly webSearchMaxUses: number | null;
}

export interface LeverRuleConfig {
  readonly id: string;
  /** A CEL expression over routing facts. */
  readonly when: string;
  readonly levers: LeversConfig;
}
