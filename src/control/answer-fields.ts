/** Values that answers share: amounts, moments and pages, as a client may rely on them. */
import { z } from "zod";

/** US dollars as text: JSON numbers would not be exact. */
export const usdField = z
  .string()
  .regex(/^-?\d+(?:\.\d{1,9})?$/)
  .describe("US dollars, a decimal with up to nine decimals.");

/** A moment in UTC. */
export const timeField = z.string().meta({ format: "date-time" }).describe("RFC 3339, in UTC.");

/** The answer of a list. */
export function listOf(entry: z.ZodType) {
  return z.strictObject({
    data: z.array(entry),
    next_cursor: z.string().nullable().describe("For the next page; null on the last one."),
  });
}
