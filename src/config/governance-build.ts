/** Makes a scope's governance of a faultless file. */
import { type GovernanceConfig, NO_GOVERNANCE } from "./governance-config.ts";
import type { FileGovernance } from "./governance-schema.ts";

export function governanceOf(file: FileGovernance): GovernanceConfig {
  const { mode, weight, priority } = file;
  // A hundred thousand keys say nothing: they share one.
  if (mode === undefined && weight === undefined && priority === undefined) return NO_GOVERNANCE;
  return {
    mode: mode ?? null,
    weight: weight ?? NO_GOVERNANCE.weight,
    priority: priority ?? null,
  };
}
