/** Decides what of a configuration may be repeated in a message: never what could be a secret. */

/** Longer values are cut: a message stays one line that can be read. */
const SHOWN_CHARACTERS = 60;

/** Fields whose values are not repeated, whatever they look like. */
const SECRET_FIELDS: ReadonlySet<string | number> = new Set([
  "secret",
  "token",
  "proxy",
  "ca",
  "cert",
  "key",
]);

/** Forms of credentials: known prefixes, JSON web tokens, PEM blocks, URLs with a password. */
const SECRET_FORMS = [
  /(?:^|[^A-Za-z0-9])(?:sk|pk|rk|vk|ghp|gho|github_pat|glpat|xox[a-z])[-_][\w-]{8,}/i,
  /eyJ[\w-]{10,}/,
  /AKIA[A-Z0-9]{12,}|AIza[\w-]{20,}/,
  /-----BEGIN/,
  /:\/\/[^/\s]*@/,
  /\b(?:Bearer|Basic)\s/i,
];

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const HEXADECIMAL = /[0-9a-f]{32,}/i;
/** A run without word breaks in which capitals, small letters and digits are mixed. */
const RUN = /[A-Za-z0-9+/_=]{24,}/;

/** True where `path` leads to a field that holds secrets or references to them. */
export function isSecretField(path: readonly (string | number)[]): boolean {
  return path.some((segment) => SECRET_FIELDS.has(segment));
}

/** Claims that `text` could be a credential; errs on the side of yes. */
export function looksSecret(text: string): boolean {
  if (UUID.test(text)) return false;
  if (SECRET_FORMS.some((form) => form.test(text)) || HEXADECIMAL.test(text)) return true;
  const run = RUN.exec(text)?.[0] ?? "";
  return /[a-z]/.test(run) && /[A-Z]/.test(run) && /[0-9]/.test(run);
}

/** Prints a value of the file for a message: quoted, cut, and hidden where it could be a secret. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "a map";
  if (typeof value !== "string") return String(value);
  if (looksSecret(value)) return "(a value that looks like a secret, not shown)";
  const cut = value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value;
  return JSON.stringify(cut);
}
