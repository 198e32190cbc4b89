/** Makes a scope's governance of a faultless file. */
import { type GovernanceConfig, NO_GOVERNANCE } from "./governance-config.ts";
import type { FileGovernance } from "./governance-schema.ts";
import { runawayOf } from "./runaway-build.ts";

export function governanceOf(file: FileGovernance): GovernanceConfig {
  const { mode, runaway } = file;
  // A hundred thousand keys say nothing: they share one.
  if (mode === undefined && runaway === undefined) return NO_GOVERNANCE;
  return { mode: mode ?? null, runaway: runawayOf(runaway) };
}
