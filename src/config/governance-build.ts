/** Makes a scope's governance of a faultless file. */
import { accessOf } from "./access-build.ts";
import { type GovernanceConfig, NO_GOVERNANCE } from "./governance-config.ts";
import type { FileGovernance } from "./governance-schema.ts";

/** @param zone The file's time zone. */
export function governanceOf(file: FileGovernance, zone: string): GovernanceConfig {
  const { mode = null } = file;
  const access = accessOf(file.access, zone);
  // A hundred thousand keys say nothing: they share one.
  if (mode === null && access === null) return NO_GOVERNANCE;
  return { mode, access };
}
