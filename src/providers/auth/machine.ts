/** What credentials are found with: the way out, the clocks, the environment and the files of the node. */
import { readFile } from "node:fs/promises";
import type { Clock } from "../../core/time.ts";
import type { UpstreamClient } from "../upstream.ts";
import { lastingFault } from "./fault.ts";
import type { AuthFault } from "./fault.ts";

export interface Machine {
  readonly clock: Clock;
  readonly client: UpstreamClient;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Rejects where there is none to read. */
  readonly readFile: (path: string) => Promise<string>;
  /** For one call to a token server, from its first byte to the last one of the answer. */
  readonly callDeadlineMs: number;
}

export function readTextFile(path: string): Promise<string> {
  return readFile(path, "utf8");
}

/** A file that something refers to, its ends trimmed. `what` names it: "AWS_WEB_IDENTITY_TOKEN_FILE". */
export async function referredFile(
  machine: Machine,
  path: string,
  what: string,
): Promise<{ readonly ok: true; readonly text: string } | AuthFault> {
  const text = await optionalFile(machine, path);
  if (text === null || text.trim() === "")
    return lastingFault(`${what} names ${path}, which cannot be read or is empty`);
  return { ok: true, text: text.trim() };
}

/** Null where it cannot be read: for files that need not be there. */
export async function optionalFile(machine: Machine, path: string): Promise<string | null> {
  try {
    return await machine.readFile(path);
  } catch {
    return null;
  }
}

/** A variable of the environment; null where it is not set or empty, which means the same. */
export function variable({ environment }: Machine, name: string): string | null {
  const value = environment[name] ?? "";
  return value === "" ? null : value;
}

/** The folder of the account that runs the node. */
export function homeOf(machine: Machine): string {
  return variable(machine, "HOME") ?? variable(machine, "USERPROFILE") ?? "";
}
