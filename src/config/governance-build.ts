/** Makes a scope's governance of a faultless file. */
import { accessOf } from "./access-build.ts";
import { type GovernanceConfig, NO_GOVERNANCE } from "./governance-config.ts";
import { governance, type FileGovernance } from "./governance-schema.ts";
import { leversOf } from "./levers-build.ts";
import { runawayOf } from "./runaway-build.ts";
import { sessionCapsOf } from "./sessions-build.ts";

const SAYINGS = Object.keys(NO_GOVERNANCE) as (keyof GovernanceConfig)[];
const FIELDS = Object.keys(governance) as (keyof FileGovernance)[];

/** @param zone The file's time zone. */
export function governanceOf(file: FileGovernance, zone: string): GovernanceConfig {
  // A hundred thousand keys say nothing: they share one.
  if (FIELDS.every((field) => file[field] === undefined)) return NO_GOVERNANCE;
  const said: GovernanceConfig = {
    mode: file.mode ?? null,
    access: accessOf(file.access, zone),
    ...sessionCapsOf(file),
    runaway: runawayOf(file.runaway),
    levers: file.levers === undefined ? null : leversOf(file.levers),
    weight: file.weight ?? NO_GOVERNANCE.weight,
    priority: file.priority ?? null,
  };
  return SAYINGS.every((name) => said[name] === NO_GOVERNANCE[name]) ? NO_GOVERNANCE : said;
}
