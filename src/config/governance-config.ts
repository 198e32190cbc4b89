/** What a scope says of its requests besides budgets and rate limits. */
import type { AccessConfig } from "./access-config.ts";
import type { LeversConfig } from "./levers-config.ts";
import type { SessionCapsConfig, SubagentCapsConfig } from "./sessions-config.ts";

import type { Priority } from "./fairness-config.ts";

import type { RunawayConfig } from "./runaway-config.ts";

export interface GovernanceConfig {
  /** observe: its own rules and those of what is below it are followed on paper alone. Null: nothing said. */
  readonly mode: "enforce" | "observe" | null;
  /** What its requests may be; null: nothing said. */
  readonly access: AccessConfig | null;
  readonly sessions: SessionCapsConfig | null;
  readonly subagents: SubagentCapsConfig | null;
  /** Null: nothing said. */
  readonly runaway: RunawayConfig | null;
  /** Null: nothing said. */
  readonly levers: LeversConfig | null;
  /** Share of a provider that is short, relative to its siblings. */
  readonly weight: number;
  /** Of its requests while they wait. Null: nothing said. */
  readonly priority: Priority | null;
}

/** Of a scope that says nothing; shared by all of these. */
export const NO_GOVERNANCE: GovernanceConfig = {
  mode: null,
  access: null,
  sessions: null,
  subagents: null,
  runaway: null,
  levers: null,
  weight: 1,
  priority: null,
};
