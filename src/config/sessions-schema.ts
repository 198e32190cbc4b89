/** The fields of a scope that cap its sessions and their subagents. */
import { z } from "zod";
import { DURATION, parseDuration } from "./scalar.ts";
import { text } from "./schema-text.ts";

const COUNT_MAX = 1_000_000_000_000;
/** As many agents of a session are told apart. */
const SUBAGENTS_MAX = 1_000;
/** Deeper than any client nests them. */
const DEPTH_MAX = 100;

const count = z.int().min(1).max(COUNT_MAX);
const duration = text({
  pattern: DURATION,
  holds: (value) => parseDuration(value) !== null,
  fault: "is not a duration: write a whole number above 0 and ms, s, m, h or d, such as 4h",
});

const subagentCaps = {
  requests: count.optional().describe("Most requests."),
  tokens: count
    .optional()
    .describe("Most tokens: uncached input, cache writes and output, counted as answers settle."),
  duration: duration.optional().describe("How long after its first request it may make others."),
};

export const sessionFields = {
  sessions: z
    .strictObject({
      ...subagentCaps,
      depth: z
        .int()
        .min(0)
        .max(DEPTH_MAX)
        .optional()
        .describe("How deep agents may be nested; 0: there may be none."),
      subagents: z
        .int()
        .min(0)
        .max(SUBAGENTS_MAX)
        .optional()
        .describe("Most subagents of a session, ended ones included."),
    })
    .optional()
    .describe("Caps on each session; the least of all scopes counts. Money: budgets per session."),
  subagents: z
    .strictObject(subagentCaps)
    .optional()
    .describe("Caps on each subagent of a session; the least of all scopes counts."),
};

/** As the file has them. */
export type FileSessions = z.infer<z.ZodObject<typeof sessionFields>>;
