/** What a scope says of its requests besides budgets and rate limits. */

import type { RunawayConfig } from "./runaway-config.ts";

export interface GovernanceConfig {
  /** observe: its own rules and those of what is below it are followed on paper alone. Null: nothing said. */
  readonly mode: "enforce" | "observe" | null;
  /** Null: nothing said. */
  readonly runaway: RunawayConfig | null;
}

/** Of a scope that says nothing; shared by all of these. */
export const NO_GOVERNANCE: GovernanceConfig = { mode: null, runaway: null };
