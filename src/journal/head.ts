/** The head: which line is certainly on disk. Kept beside the segments, so that a cut-off end is noticed. */
import { join } from "node:path";
import type { FileLayer } from "./file-layer.ts";
import { readIfThere } from "./layout.ts";
import { replaceFile } from "./replace-file.ts";

/** Names a line that was synced before the head was written. */
export interface Head {
  /** 0: no line yet. */
  readonly seq: number;
  /** Hex SHA-256 of that line; 64 zeros where there is none. */
  readonly hash: string;
  /** Number of the segment that holds it. */
  readonly segment: number;
  /** The latest time of all lines up to that one; null where there is none. */
  readonly time: string | null;
  /** There only after a clean stop: this is the last line and nothing was left unwritten. */
  readonly clean?: true;
}

export type HeadFile =
  | { readonly state: "read"; readonly head: Head }
  | { readonly state: "missing" }
  | { readonly state: "damaged"; readonly reason: string };

const HASH = /^[0-9a-f]{64}$/;
const REQUIRED = ["seq", "hash", "segment", "time"];
const FIELDS: ReadonlyMap<string, (field: unknown) => boolean> = new Map([
  ["seq", Number.isSafeInteger],
  ["hash", (field) => typeof field === "string" && HASH.test(field)],
  ["segment", Number.isSafeInteger],
  ["time", (field) => field === null || typeof field === "string"],
  ["clean", (field) => field === true],
]);

/** `{data_dir}/journal/{node}/head`. */
export function headPath(directory: string): string {
  return join(directory, "head");
}

/** Reads the head as strictly as it was written: one changed byte is told, not guessed around. */
export function readHead(directory: string): HeadFile {
  const text = readIfThere(headPath(directory));
  if (text === undefined) return { state: "missing" };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { state: "damaged", reason: `it is not JSON: ${JSON.stringify(text.slice(0, 80))}` };
  }
  if (isHead(value)) return { state: "read", head: value };
  return { state: "damaged", reason: `it is not a head: ${JSON.stringify(text.slice(0, 80))}` };
}

/** Replaces the head. The caller has synced the line that it names; calls must not overlap. */
export async function writeHead(files: FileLayer, directory: string, head: Head): Promise<void> {
  await replaceFile(files, headPath(directory), `${JSON.stringify(head)}\n`);
}

function isHead(value: unknown): value is Head {
  if (typeof value !== "object" || value === null) return false;
  if (REQUIRED.some((name) => !(name in value))) return false;
  return Object.entries(value).every(([name, field]) => FIELDS.get(name)?.(field) === true);
}
