/** Texts of one form, as several parts of the file's schema use them; their faults continue a sentence. */
import { z } from "zod";
import { GLOB, ID, isNetwork, LABEL_NAME, PROVIDER_ID, resolveTimeZone } from "./scalar.ts";

interface Form {
  readonly pattern: RegExp;
  /** What the pattern cannot say. */
  readonly holds?: (value: string) => boolean;
  /** Continues a sentence that begins with the value. */
  readonly fault: string;
}

const UNQUOTED = "is not a text: put it in quotes";
export const anyText = z.string({ error: UNQUOTED });

/** A text of one form. */
export function text({ pattern, holds, fault }: Form): z.ZodString {
  const fits = (value: string): boolean => pattern.test(value) && holds?.(value) !== false;
  // What YAML takes for a number or truth value is told to wear quotes where that is all it lacks.
  const bare = z.string({ error: ({ input }) => (fits(String(input)) ? UNQUOTED : fault) });
  const formed = bare.regex(pattern, { error: fault, abort: true });
  return holds === undefined ? formed : formed.refine(holds, { error: fault });
}

export const id = text({
  pattern: ID,
  fault: 'is not an id: write 1 to 128 characters without spaces, control characters or "/"',
});
export const providerId = text({
  pattern: PROVIDER_ID,
  fault: 'is not a provider id: write 1 to 128 ASCII characters without spaces or "/"',
});
export const glob = text({
  pattern: GLOB,
  fault: "is not a model or glob: write one without spaces, such as claude-*",
});
export const labelName = text({
  pattern: LABEL_NAME,
  fault:
    "is not a label's name: write 1 to 128 characters without spaces, commas or control characters",
});
export const timeZone = anyText.refine((value) => resolveTimeZone(value) !== null, {
  error: "is not an IANA time zone: write a name such as UTC or Europe/Berlin",
});
export const network = anyText.refine(isNetwork, {
  error: "is not an IP address or network: write one such as 10.0.0.0/8",
});
