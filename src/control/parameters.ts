/** Query parameters that several calls share; messages continue "The parameter NAME …". */
import { z } from "zod";
import { parseTime } from "../core/time.ts";
import { Problem } from "./problem.ts";

const LIMIT_MAX = 1000;

/** Only what has this value. An empty one would silently select nothing. */
export function filterBy(what: string) {
  return z
    .string()
    .min(1, { error: "is empty: leave it out, or give a value" })
    .optional()
    .describe(`Only those of this ${what}.`);
}

/** One word of a list. */
export function choice<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, { error: `is not one of ${words.join(", ")}` });
}

/** How many entries a page has at most; `standard` where it is missing. */
export function limitOf(standard: number) {
  return wholeNumber({ maximum: LIMIT_MAX, error: `is not a whole number from 1 to ${LIMIT_MAX}` })
    .default(standard)
    .meta({ default: standard })
    .describe(`Entries on a page, 1 to ${LIMIT_MAX}; ${standard} where it is missing.`);
}

/** A number from 1 on, read from its digits; described as the number that it is. */
export function wholeNumber({
  maximum,
  error,
}: {
  readonly maximum: number;
  readonly error: string;
}) {
  return z
    .string()
    .refine((text) => /^[1-9]\d{0,15}$/.test(text) && Number(text) <= maximum, { error })
    .transform(Number)
    .meta({ type: "integer", minimum: 1, maximum });
}

export const cursor = z.string().optional().describe("next_cursor of the page before.");

export const paging = { limit: limitOf(100), cursor };

/** A moment as Unix milliseconds. */
export const moment = z
  .string()
  .transform((text, context) => {
    const timeMs = parseTime(text);
    if (timeMs !== null) return timeMs;
    const message =
      "is not a time: write RFC 3339 such as 2026-11-03T10:00:00Z (in a URL, + is written %2B)";
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  })
  .meta({ format: "date-time" });

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

export function invalidCursor(value: string): Problem {
  const detail = "The parameter cursor is none that this list has given: begin without one.";
  return new Problem("invalid_parameter", detail, { parameter: "cursor", value });
}
