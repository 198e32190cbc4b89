/** What the operating system said, in words that name the file; and which faults mean "full". */

const SYSTEM_MESSAGE = /^[A-Z0-9_]+: ([^,]+)/;
const FULL = new Set(["ENOSPC", "EDQUOT"]);

/** The errno name of a system error ("ENOSPC"); null where `error` is none. */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}

/** True where there is no room left, on the disk or in a quota. */
export function isFull(error: unknown): boolean {
  return FULL.has(errnoOf(error) ?? "");
}

/** True where the file or directory does not exist. */
export function isMissing(error: unknown): boolean {
  return errnoOf(error) === "ENOENT";
}

/** One clause: "cannot write /data/journal/n…/00000001.ndjson: ENOSPC (no space left on device)". */
export function describeFault(verb: string, path: string, error: unknown): string {
  const code = errnoOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const words = SYSTEM_MESSAGE.exec(message)?.[1] ?? message;
  return `cannot ${verb} ${path}: ${code === null ? words : `${code} (${words})`}`;
}
