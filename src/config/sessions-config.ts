/** Caps that a scope has on sessions and on their subagents. Null: no such cap. */

export interface SubagentCapsConfig {
  readonly requests: number | null;
  /** Uncached input, cache writes and output. */
  readonly tokens: number | null;
  readonly durationMs: number | null;
}

export interface SessionCapsConfig extends SubagentCapsConfig {
  /** How deep agents may be nested: 0 for none at all. */
  readonly depth: number | null;
  readonly subagents: number | null;
}
