/** Keeps a second process off a data directory, by a lock that the system drops with its holder. */
import { systemClock } from "../core/time.ts";
import { closeSync, constants, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { errnoOf } from "./disk-fault.ts";
import { DIRECTORY_MODE, readIfThere } from "./layout.ts";

export interface Holder {
  readonly pid: number;
  /** When that process started, RFC 3339. */
  readonly startedAt: string;
}

/** `heldBy` is null where the holder has not said yet who it is. */
export type LockResult = { readonly release: () => void } | { readonly heldBy: Holder | null };

const FILE_MODE = 0o600;
/** SQLite's result codes, sqlite.org/rescode.html. */
const SQLITE_BUSY = 5;
/** The note always has this size: written over an old one it needs no new room on a full disk. */
const NOTE_BYTES = 128;

/** Keeps the databases alive: one that nobody refers to is collected, closed, and so unlocked. */
const held = new Set<DatabaseSync>();

/**
 * Locks `{data_dir}` for this process, until `release` or its end, however that comes.
 *
 * SQLite takes the lock because Node has no call for it. No other code of the process may open
 * `lock.sqlite`: closing it anywhere drops a POSIX lock.
 *
 * @throws the error of a directory that cannot be written.
 */
export function acquireLock(dataDir: string): LockResult {
  mkdirSync(dataDir, { recursive: true, mode: DIRECTORY_MODE });
  const path = join(dataDir, "lock.sqlite");
  makePrivate(path);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    return { heldBy: readHolder(dataDir) };
  }
  writeHolder(dataDir);
  held.add(database);
  return {
    release: () => {
      if (held.delete(database)) database.close();
    },
  };
}

/** Makes the file before SQLite would, with other rights; never opens one that is there. */
function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, "wx", FILE_MODE));
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
}

function writeHolder(dataDir: string): void {
  const startedAt = new Date(systemClock.wallMs() - process.uptime() * 1000).toISOString();
  const note = JSON.stringify({ pid: process.pid, startedAt } satisfies Holder);
  const descriptor = openSync(notePath(dataDir), constants.O_WRONLY | constants.O_CREAT, FILE_MODE);
  try {
    writeSync(descriptor, `${note.padEnd(NOTE_BYTES - 1)}\n`, 0);
  } finally {
    closeSync(descriptor);
  }
}

/** Null where the note is missing, unfinished, or still that of a process which is gone. */
function readHolder(dataDir: string): Holder | null {
  const text = readIfThere(notePath(dataDir));
  if (text === undefined) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The holder is writing it at this moment; that it holds the lock is certain all the same.
    return null;
  }
  return isHolder(value) && isRunning(value.pid) ? value : null;
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== "object" || value === null) return false;
  return "pid" in value && "startedAt" in value && Number.isInteger(value.pid);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === "EPERM";
  }
}

function notePath(dataDir: string): string {
  return join(dataDir, "lock.json");
}
