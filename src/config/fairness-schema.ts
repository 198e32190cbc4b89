/** The shape of what the file says of waiting for room at providers: the top section, and fields of scopes. */
import { z } from "zod";
import { PRIORITIES } from "./fairness-config.ts";
import { DURATION, isTimeout, TIMER_DAYS_MAX } from "./scalar.ts";
import { text } from "./schema-text.ts";

const QUEUE_MAX = 100_000;
const WEIGHT_MAX = 1_000_000;

/** Fields of customers, teams, owners and virtual keys. */
export const fairShare = {
  weight: z
    .number()
    .gt(0)
    .max(WEIGHT_MAX)
    .optional()
    .describe("Share of a provider that is short, relative to the siblings that wait; else 1."),
  priority: z
    .enum(PRIORITIES)
    .optional()
    .describe(
      "Whose requests of a team go first while they wait; the innermost that says one counts.",
    ),
};

export const fairnessSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe("false: requests that wait for room at a provider go in the order of arrival."),
  queue: z
    .int()
    .min(1)
    .max(QUEUE_MAX)
    .default(1000)
    .describe(
      "Most requests that wait for one provider; of more, the largest user's newest leave.",
    ),
  wait: text({
    pattern: DURATION,
    holds: isTimeout,
    fault: `is not a wait: write a whole number and ms, s, m, h or d, such as 60s; more than 0, at most ${TIMER_DAYS_MAX}d`,
  })
    .optional()
    .describe("How long a request waits for room at most; else server.budget_wait_seconds."),
});

export type FileFairness = z.output<typeof fairnessSchema>;
