/** What a backup consists of: each file with its size, hash and rights; written last, so it makes it one. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BackupFault } from "./backup-fault.ts";
import { readIfThere } from "./layout.ts";

export interface BackedUpFile {
  /** Relative to the backup, with `/`. */
  readonly path: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly mode: number;
}

export interface Manifest {
  readonly format: 1;
  /** Of the Tollgate that made it. */
  readonly version: string;
  /** When it was made, RFC 3339. */
  readonly made: string;
  readonly node: string;
  /** The last line of the journal that is in it; 0 where there is none. */
  readonly seq: number;
  /** Of that line; 64 zeros where there is none. */
  readonly hash: string;
  readonly files: readonly BackedUpFile[];
}

const NAME = "backup.json";
const PRIVATE_MODE = 0o600;
/** Nothing else is ever written by a restore, whatever a manifest says. */
const KNOWN_FILE =
  /^(?:node|pepper|default-key|admin-token|snapshot\.json|journal\/n[0-9A-Za-z]{8}\/(?:head|boot|\d{8,}\.ndjson))$/;

export function writeManifest(directory: string, manifest: Manifest): void {
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  writeFileSync(join(directory, NAME), text, { mode: PRIVATE_MODE, flag: "wx", flush: true });
}

/** @throws BackupFault where there is none, or it is none of ours. */
export function readManifest(directory: string): Manifest {
  const path = join(directory, NAME);
  const text = readIfThere(path);
  if (text === undefined)
    throw new BackupFault(`${directory} is no backup: it has no ${NAME}, which is written last`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BackupFault(`${path} is damaged: it is not JSON`, { cause });
  }
  if (isManifest(value)) return value;
  throw new BackupFault(`${path} is damaged, or of a newer version of Tollgate`);
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== "object" || value === null) return false;
  const { format, node, seq, hash, files } = value as Partial<Manifest>;
  if (format !== 1 || typeof node !== "string" || typeof hash !== "string") return false;
  return Number.isSafeInteger(seq) && Array.isArray(files) && files.every(isFile);
}

function isFile(value: unknown): value is BackedUpFile {
  if (typeof value !== "object" || value === null) return false;
  const { path, bytes, sha256, mode } = value as Partial<BackedUpFile>;
  return (
    typeof path === "string" &&
    KNOWN_FILE.test(path) &&
    Number.isSafeInteger(bytes) &&
    typeof sha256 === "string" &&
    Number.isInteger(mode) &&
    ((mode ?? 0) & ~0o777) === 0
  );
}
