/** Thresholds and actions in force for a request: of a chain of scopes, the strictest of each. */
import type { RunawayConfig } from "../../config/runaway-config.ts";
import {
  DETECTOR_NAMES,
  RUNAWAY_ACTIONS,
  RUNAWAY_LIMITS,
  type DetectorName,
  type LimitsOf,
  type RunawayAction,
  type RunawayLimit,
} from "../../config/runaway-limits.ts";
import { MINUTE_MS } from "./event.ts";

export interface DetectorSettings<Name extends DetectorName = DetectorName> {
  readonly action: RunawayAction;
  readonly limits: LimitsOf<Name>;
}

export interface RunawaySettings {
  readonly cooldownMs: number;
  readonly detectors: { readonly [Name in DetectorName]: DetectorSettings<Name> };
}

const COOLDOWN_MINUTES = 60;

/** Of what the scopes of a chain say, nulls for those that say nothing. A scope can only make it stricter. */
export function runawaySettings(chain: readonly (RunawayConfig | null)[]): RunawaySettings {
  const said = chain.filter((config) => config !== null);
  const cooldowns = said.flatMap(({ cooldownMinutes }) => cooldownMinutes ?? []);
  const detectors = DETECTOR_NAMES.map((name) => [
    name,
    { action: actionOf(name, said), limits: limitsOf(name, said) },
  ]);
  return {
    cooldownMs: (cooldowns.length === 0 ? COOLDOWN_MINUTES : Math.min(...cooldowns)) * MINUTE_MS,
    detectors: Object.fromEntries(detectors) as RunawaySettings["detectors"],
  };
}

function actionOf(name: DetectorName, said: readonly RunawayConfig[]): RunawayAction {
  const ranks = said.map((config) => {
    const action = config.detectors[name]?.action ?? config.default ?? "observe";
    return RUNAWAY_ACTIONS.indexOf(action);
  });
  return RUNAWAY_ACTIONS[Math.max(0, ...ranks)] ?? "observe";
}

function limitsOf(name: DetectorName, said: readonly RunawayConfig[]): Record<string, number> {
  const table: Readonly<Record<string, RunawayLimit>> = RUNAWAY_LIMITS[name];
  const limits = Object.entries(table).map(([key, limit]) => {
    const values = said.flatMap(({ detectors }) => detectors[name]?.limits[key] ?? []);
    if (values.length === 0) return [key, limit.default] as const;
    return [key, limit.stricter === "lower" ? Math.min(...values) : Math.max(...values)] as const;
  });
  return Object.fromEntries(limits);
}

export const OBSERVED: RunawaySettings = runawaySettings([]);
