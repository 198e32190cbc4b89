/** The fields that customers, teams, owners and virtual keys have in common besides budgets and rate limits. */
import { z } from "zod";
import { runaway } from "./runaway-schema.ts";

export const governance = {
  mode: z
    .enum(["enforce", "observe"])
    .optional()
    .describe("observe records what the rules of this scope and below would do, and applies none."),
  runaway,
};

/** As the file has them. */
export type FileGovernance = z.infer<z.ZodObject<typeof governance>>;
