/** What one check of `tollgate doctor` has found. */

export interface Finding {
  readonly name: string;
  readonly state: "ok" | "warn" | "fail";
  /** What is so, in one sentence. */
  readonly message: string;
  /** What to do about it; null where all is well. */
  readonly remedy: string | null;
}

export function ok(name: string, message: string): Finding {
  return { name, state: "ok", message, remedy: null };
}

export function warn(name: string, message: string, remedy: string): Finding {
  return { name, state: "warn", message, remedy };
}

export function fail(name: string, message: string, remedy: string): Finding {
  return { name, state: "fail", message, remedy };
}
