/** Keeps one JSON state together with the place in the journal that it belongs to. */
import { hash } from "node:crypto";
import { join } from "node:path";
import { nodeFiles } from "./file-layer.ts";
import type { FileLayer } from "./file-layer.ts";
import { readIfThere } from "./layout.ts";
import { misplaced } from "./position.ts";
import type { Position } from "./position.ts";
import { replaceFile } from "./replace-file.ts";

/** A fold of all lines before `position`. */
export interface Snapshot {
  readonly position: Position;
  /** Opaque here: whoever saved it checks what it says. */
  readonly state: unknown;
}

/** Without a snapshot the whole journal is read; `reason` is null where there never was one. */
export type LoadedSnapshot =
  | { readonly snapshot: Snapshot }
  | { readonly snapshot: null; readonly reason: string | null };

const HASH_CHARACTERS = 64;
const PREFIX = '{"sha256":"';
const INFIX = '","content":';
const CONTENT_OFFSET = PREFIX.length + HASH_CHARACTERS + INFIX.length;

/** `{data_dir}/snapshot.json`. */
export function snapshotPath(dataDir: string): string {
  return join(dataDir, "snapshot.json");
}

/**
 * Replaces the snapshot; on disk when it resolves. The caller has synced the journal up to `position`
 * first, or a loss of power could leave a snapshot of lines that are gone. Calls must not overlap.
 *
 * @throws the system's error; the old snapshot is then still there.
 */
export async function saveSnapshot(
  dataDir: string,
  snapshot: Snapshot,
  files: FileLayer = nodeFiles,
): Promise<void> {
  const content = JSON.stringify({ position: snapshot.position, state: snapshot.state });
  const text = `${PREFIX}${hash("sha256", content)}${INFIX}${content}}\n`;
  await replaceFile(files, snapshotPath(dataDir), text);
  await files.syncDirectory(dataDir);
}

/**
 * The snapshot, where it is undamaged and its position is one of the journal in `directory`.
 *
 * @param directory `{data_dir}/journal/{node}`.
 */
export function loadSnapshot(dataDir: string, directory: string): LoadedSnapshot {
  const path = snapshotPath(dataDir);
  const text = readIfThere(path);
  if (text === undefined) return { snapshot: null, reason: null };
  // The hash is over the text as it stands: parsing and printing again may order keys otherwise.
  const content = text.slice(CONTENT_OFFSET, -2);
  if (text !== `${PREFIX}${hash("sha256", content)}${INFIX}${content}}\n`) {
    return {
      snapshot: null,
      reason: `${path} is damaged: its content does not have the hash that it names`,
    };
  }
  const snapshot: unknown = JSON.parse(content);
  if (!isSnapshot(snapshot)) return { snapshot: null, reason: `${path} is not a snapshot` };
  const reason = misplaced(directory, snapshot.position);
  return reason === null
    ? { snapshot }
    : { snapshot: null, reason: `${path} does not fit: ${reason}` };
}

function isSnapshot(value: unknown): value is Snapshot {
  if (typeof value !== "object" || value === null) return false;
  if (!("position" in value && "state" in value)) return false;
  const { position } = value;
  if (typeof position !== "object" || position === null) return false;
  if (!("segment" in position && "offset" in position)) return false;
  if (!("seq" in position && "prevHash" in position)) return false;
  const counts = [position.segment, position.offset, position.seq];
  return (
    counts.every((count) => Number.isSafeInteger(count)) && typeof position.prevHash === "string"
  );
}
