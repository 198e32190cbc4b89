/** Makes `runaway` of a faultless file. */
import type { DetectorConfig, RunawayConfig } from "./runaway-config.ts";
import type { RunawayAction } from "./runaway-limits.ts";
import type { FileRunaway } from "./runaway-schema.ts";

/** Null where the file says nothing. */
export function runawayOf(file: FileRunaway): RunawayConfig | null {
  if (file === undefined) return null;
  const { default: standard, cooldown_minutes: cooldownMinutes, ...detectors } = file;
  const said = Object.entries<FileDetector | undefined>(detectors).flatMap(([name, detector]) =>
    detector === undefined ? [] : [[name, detectorOf(detector)] as const],
  );
  return {
    default: standard ?? null,
    cooldownMinutes: cooldownMinutes ?? null,
    detectors: Object.fromEntries(said),
  };
}

interface FileDetector {
  readonly action?: RunawayAction | undefined;
  readonly [limit: string]: number | RunawayAction | undefined;
}

function detectorOf({ action, ...rest }: FileDetector): DetectorConfig {
  const limits = Object.entries(rest).flatMap(([name, value]) =>
    typeof value === "number" ? [[name, value] as const] : [],
  );
  return { action: action ?? null, limits: Object.fromEntries(limits) };
}
