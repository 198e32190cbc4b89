/** Makes a scope's governance of a faultless file. */
import { type GovernanceConfig, NO_GOVERNANCE } from "./governance-config.ts";
import type { FileGovernance } from "./governance-schema.ts";
import { leversOf } from "./levers-build.ts";

export function governanceOf(file: FileGovernance): GovernanceConfig {
  const { mode, levers } = file;
  // A hundred thousand keys say nothing: they share one.
  if (mode === undefined && levers === undefined) return NO_GOVERNANCE;
  return { mode: mode ?? null, levers: levers === undefined ? null : leversOf(levers) };
}
