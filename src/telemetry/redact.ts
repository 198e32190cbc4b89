/** Hides what looks like a credential in a line of the log. */

interface Form {
  readonly pattern: RegExp;
  readonly instead: string;
}

/** What stands before the hidden part stays: it tells what kind of key was about to be written. */
const FORMS: readonly Form[] = [
  { pattern: /\b(vk_|tga_|sk-|sk_)[A-Za-z0-9_-]{8,}/g, instead: "$1[redacted]" },
  { pattern: /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, instead: "$1 [redacted]" },
  { pattern: /\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_.-]+/g, instead: "[redacted]" },
  { pattern: /(:\/\/)[^/\s"@]+@/g, instead: "$1[redacted]@" },
];

/** `line` with every key-like string replaced; JSON stays JSON. */
export function redact(line: string): string {
  return FORMS.reduce((text, { pattern, instead }) => text.replace(pattern, instead), line);
}
