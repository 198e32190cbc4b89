/** What a scope says of runaways. */
import type { DetectorName, RunawayAction } from "./runaway-limits.ts";

export interface RunawayConfig {
  /** For detectors that say nothing themselves; null: nothing said. */
  readonly default: RunawayAction | null;
  /** How long a finding is not told again for the same session; null: nothing said. */
  readonly cooldownMinutes: number | null;
  readonly detectors: Readonly<Partial<Record<DetectorName, DetectorConfig>>>;
}

export interface DetectorConfig {
  readonly action: RunawayAction | null;
  /** By the names of `RUNAWAY_LIMITS`; only those that are said. */
  readonly limits: Readonly<Record<string, number>>;
}
