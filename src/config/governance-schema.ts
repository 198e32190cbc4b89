/** The fields that customers, teams, owners and virtual keys have in common besides budgets and rate limits. */
import { z } from "zod";
import { accessSchema } from "./access-schema.ts";
import { leversField } from "./levers-schema.ts";
import { sessionFields } from "./sessions-schema.ts";
import { fairShare } from "./fairness-schema.ts";
import { runaway } from "./runaway-schema.ts";

export const governance = {
  mode: z
    .enum(["enforce", "observe"])
    .optional()
    .describe("observe records what the rules of this scope and below would do, and applies none."),
  access: accessSchema
    .optional()
    .describe("What requests may be. Every scope of the chain must allow, any denial refuses."),
  ...sessionFields,
  levers: leversField,
  ...fairShare,
  runaway,
};

/** As the file has them. */
export type FileGovernance = z.infer<z.ZodObject<typeof governance>>;
