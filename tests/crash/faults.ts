/** What a test and the gateway that it preloads agree on: which call of the file system ends how. */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";

/** Calls that the preloaded module guards; `file` is a small file written in one call. */
export type Operation = "open" | "write" | "sync" | "rename" | "truncate" | "file";

/** One call of one process, counted from the moment at which the fault was set. */
export interface KillPoint {
  readonly operation: Operation;
  /** One of its `callNames`; null: any. */
  readonly file: string | null;
  /** From 1. */
  readonly nth: number;
  /** `torn`: after the first bytes only. */
  readonly moment: "before" | "after" | "torn";
  /** Share of the bytes that a torn write leaves: never none, never all. */
  readonly tornShare?: number;
}

/** What happens to a gateway's calls from now on. */
export interface Faults {
  /** Another id begins all counts anew. */
  readonly id: string;
  readonly kill?: KillPoint;
  /** No file may grow any more, but for what a truncation gives back; "worse": not even by that. */
  readonly full?: "full" | "worse";
  /** Milliseconds by which the wall clock is ahead. */
  readonly clockOffsetMs?: number;
  /** Calls are noted beside this file. */
  readonly trace?: boolean;
}

/** A guarded call, as a trace has it. */
export interface TracedCall {
  readonly operation: Operation;
  /** What a kill point can call its file. */
  readonly names: readonly string[];
}

/** Names the file with the faults in the gateway's environment. */
export const FAULTS_VARIABLE = "TOLLGATE_TEST_FAULTS";

/** What a path is to the gateway: "segment", "head", "snapshot.json", …; a temporary file is what it becomes. */
function fileKind(path: string): string {
  const name = basename(path).replace(/\.tmp$/, "");
  return /^\d+\.ndjson$/.test(name) ? "segment" : name;
}

/**
 * What a call on a path goes by: its file's kind, and where it writes lines of a segment "segment/TYPE"
 * for each type of record in them.
 */
export function callNames(path: string, bytes: Uint8Array | null): string[] {
  const kind = fileKind(path);
  if (kind !== "segment" || bytes === null) return [kind];
  const lines = Buffer.from(bytes).toString().split("\n").slice(0, -1);
  const types = lines.map((line) => (JSON.parse(line) as { readonly type: string }).type);
  return [kind, ...new Set(types.map((type) => `${kind}/${type}`))];
}

/** "before write 3 of segment". */
export function pointName({ operation, file, nth, moment, tornShare }: KillPoint): string {
  const part = tornShare === undefined ? "" : ` at ${Math.round(tornShare * 100)} %`;
  return `${moment}${part} ${operation} ${nth} of ${file ?? "any file"}`;
}

/** The files by which a test steers one gateway. */
export class FaultDesk {
  readonly path: string;
  #count = 0;

  constructor(path: string) {
    this.path = path;
    this.set({});
  }

  /** Sets what happens from now on; counts begin anew. */
  set(faults: Omit<Faults, "id">): void {
    rmSync(`${this.path}.fired`, { force: true });
    rmSync(`${this.path}.trace`, { force: true });
    this.#count += 1;
    const text = JSON.stringify({ id: String(this.#count), ...faults } satisfies Faults);
    // The gateway reads at every call: it must never find half of it.
    writeFileSync(`${this.path}.next`, text);
    renameSync(`${this.path}.next`, this.path);
  }

  /** Whether the kill that was set has happened. */
  fired(): boolean {
    return readOr(`${this.path}.fired`, "") !== "";
  }

  /** The guarded calls since a trace was asked for. */
  trace(): TracedCall[] {
    const lines = readOr(`${this.path}.trace`, "").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as TracedCall);
  }
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return otherwise;
    throw cause;
  }
}
