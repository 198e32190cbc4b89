/** What a scope says of its requests besides budgets and rate limits. */

import type { Priority } from "./fairness-config.ts";

export interface GovernanceConfig {
  /** observe: its own rules and those of what is below it are followed on paper alone. Null: nothing said. */
  readonly mode: "enforce" | "observe" | null;
  /** Share of a provider that is short, relative to its siblings. */
  readonly weight: number;
  /** Of its requests while they wait. Null: nothing said. */
  readonly priority: Priority | null;
}

/** Of a scope that says nothing; shared by all of these. */
export const NO_GOVERNANCE: GovernanceConfig = { mode: null, weight: 1, priority: null };
