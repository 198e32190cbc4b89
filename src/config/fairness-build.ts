/** Makes the fairness section of a faultless file. */
import { invariant } from "../core/invariant.ts";
import type { FairnessConfig } from "./fairness-config.ts";
import type { FileFairness } from "./fairness-schema.ts";
import { parseDuration } from "./scalar.ts";

/** @param budgetWaitMs How long requests wait where the section does not say. */
export function fairnessOf(
  { enabled, queue, wait }: FileFairness,
  budgetWaitMs: number,
): FairnessConfig {
  const waitMs = wait === undefined ? budgetWaitMs : parseDuration(wait);
  invariant(waitMs !== null, "a duration of a faultless file can be read");
  return { enabled, queueMax: queue, waitMs };
}
