/** Query parameters that several calls share; messages continue "The parameter NAME …". */
import { z } from "zod";
import { parseTime } from "../core/time.ts";
import { Problem } from "./problem.ts";

const LIMIT_MAX = 1000;

/** A text that is not empty: an empty one would silently select nothing. */
export const filter = z.string().min(1, { error: "is empty: leave it out, or give a value" });

/** One word of a list. */
export function choice<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, { error: `is not one of ${words.join(", ")}` });
}

/** How many entries a page has at most; `standard` where it is missing. */
export function limitOf(standard: number) {
  return z
    .string()
    .regex(/^\d{1,4}$/, { error: limitMessage })
    .transform(Number)
    .refine((value) => value >= 1 && value <= LIMIT_MAX, { error: limitMessage })
    .default(standard)
    .describe(`Entries on a page, 1 to ${LIMIT_MAX}; ${standard} where it is missing.`);
}

const limitMessage = `is not a whole number from 1 to ${LIMIT_MAX}`;

export const cursor = z.string().optional().describe("next_cursor of the page before.");

export const paging = { limit: limitOf(100), cursor };

/** A moment as Unix milliseconds. */
const moment = z.string().transform((text, context) => {
  const timeMs = parseTime(text);
  if (timeMs !== null) return timeMs;
  const message =
    "is not a time: write RFC 3339 such as 2026-11-03T10:00:00Z (in a URL, + is written %2B)";
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

/** from ≤ time < to. */
export const range = {
  from: moment.optional().describe("RFC 3339; from this moment on."),
  to: moment.optional().describe("RFC 3339; before this moment."),
};

/** @throws Problem where the range ends before it begins. */
export function checkRange(query: { from?: number | undefined; to?: number | undefined }): void {
  if (query.from === undefined || query.to === undefined || query.from <= query.to) return;
  throw new Problem("invalid_parameter", "The parameter to lies before from: exchange the two.", {
    parameter: "to",
  });
}

/** The answer of a list. */
export function listOf(entry: z.ZodType) {
  return z.strictObject({
    data: z.array(entry),
    next_cursor: z.string().nullable().describe("For the next page; null on the last one."),
  });
}

export function invalidCursor(value: string): Problem {
  const detail = "The parameter cursor is none that this list has given: begin without one.";
  return new Problem("invalid_parameter", detail, { parameter: "cursor", value });
}
