/** The field `runaway`: which actions follow findings, and from when on there is one. */
import { z } from "zod";
import {
  DETECTOR_NAMES,
  type DetectorName,
  type RunawayAction,
  RUNAWAY_ACTIONS,
  RUNAWAY_LIMITS,
  type RunawayLimit,
} from "./runaway-limits.ts";

const action = z
  .enum(RUNAWAY_ACTIONS)
  .optional()
  .describe(
    "observe records a finding, warn also tells the client and the log, slow delays the session's " +
      "next requests, stop ends the session. Of a chain of scopes the strictest holds.",
  );

const COOLDOWN_MINUTES_MAX = 7 * 24 * 60;

/** What a detector's entry parses to; its limits are of the table. */
type FileDetector = { readonly action?: RunawayAction | undefined } & {
  readonly [limit: string]: number | RunawayAction | undefined;
};
type DetectorFields = Record<DetectorName, z.ZodType<FileDetector | undefined>>;

const detectors: readonly (readonly [DetectorName, z.ZodType<FileDetector | undefined>])[] =
  DETECTOR_NAMES.map((name) => {
    const limits: Readonly<Record<string, RunawayLimit>> = RUNAWAY_LIMITS[name];
    const fields = Object.entries(limits).map(([key, limit]) => [key, limitField(limit)] as const);
    const detector = z.strictObject({ action, ...Object.fromEntries(fields) }).optional();
    return [name, detector.describe(`Detector ${name}; docs/govern/runaway.md explains it.`)];
  });

function limitField({ least, most, meaning, default: standard }: RunawayLimit) {
  return z.int().min(least).max(most).optional().describe(`${meaning}; ${standard} if left out.`);
}

export const runaway = z
  .strictObject({
    default: action,
    cooldown_minutes: z
      .int()
      .min(1)
      .max(COOLDOWN_MINUTES_MAX)
      .optional()
      .describe("A finding is told once for a session in so many minutes; 60 if left out."),
    ...(Object.fromEntries(detectors) as DetectorFields),
  })
  .optional()
  .describe("What follows when a session runs away; all is observed if left out.");

export type FileRunaway = z.infer<typeof runaway>;
