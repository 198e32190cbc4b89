/** Where the journal's files are and what they are called; the one place that spells their names. */
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { randomBase62 } from "../core/ids.ts";
import { isMissing } from "./disk-fault.ts";
import type { FileLayer } from "./file-layer.ts";
import { replaceFile } from "./replace-file.ts";

export const DIRECTORY_MODE = 0o700;

const SEGMENT_DIGITS = 8;
const SEGMENT_NAME = /^(\d{8,})\.ndjson$/;
const NODE_NAME = /^n[0-9A-Za-z]{8}$/;
const NODE_CHARACTERS = 8;

/** `{data_dir}/journal`, which has one directory for each node. */
export function journalRoot(dataDir: string): string {
  return join(dataDir, "journal");
}

/** `{data_dir}/journal/{node}`: where one node's segments are. */
export function journalDirectory(dataDir: string, node: string): string {
  return join(journalRoot(dataDir), node);
}

/** Path of a segment; `segment` counts from 1. */
export function segmentPath(directory: string, segment: number): string {
  return join(directory, `${segment.toString().padStart(SEGMENT_DIGITS, "0")}.ndjson`);
}

/** Numbers of the segments that are there, ascending. A missing directory has none. */
export function listSegments(directory: string): number[] {
  const numbers: number[] = [];
  for (const name of listNames(directory)) {
    const match = SEGMENT_NAME.exec(name);
    if (match !== null) numbers.push(Number(match[1]));
  }
  return numbers.toSorted((left, right) => left - right);
}

/** Names of the nodes that have a journal here, sorted. */
export function listNodes(dataDir: string): string[] {
  return listNames(journalRoot(dataDir)).filter((name) => NODE_NAME.test(name));
}

/**
 * This node's name: `n` and 8 base62 characters, made at the first call and kept in
 * `{data_dir}/node`, so that it survives restarts with the volume.
 *
 * @throws Error where the file holds something else; a guess would begin a second journal.
 */
export async function nodeName(dataDir: string, files: FileLayer): Promise<string> {
  const path = join(dataDir, "node");
  const kept = readIfThere(path)?.trim();
  if (kept !== undefined) {
    if (NODE_NAME.test(kept)) return kept;
    throw new Error(
      `${path} holds no node name (n and 8 letters or digits); write into it the name of the ` +
        `directory under ${journalRoot(dataDir)} that is this node's`,
    );
  }
  mkdirSync(dataDir, { recursive: true, mode: DIRECTORY_MODE });
  const name = `n${randomBase62(NODE_CHARACTERS)}`;
  await replaceFile(files, path, `${name}\n`);
  await files.syncDirectory(dataDir);
  return name;
}

/** The file's text; undefined where there is no such file. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function listNames(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
