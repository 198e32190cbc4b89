/** The file of the views: opened with its tables, begun anew where it is of no use. */
import { closeSync, openSync, rmSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { isFileFault, openSqlite } from "./sqlite.ts";
import { createTables, schemaState } from "./tables.ts";

const FILE_MODE = 0o600;

export interface OpenedFile {
  readonly database: DatabaseSync;
  /** Why everything that was in it is gone; null where nothing was lost. */
  readonly discarded: string | null;
}

/**
 * Opens the views at `file`. One of another version, or that is no database, is removed: all that it
 * holds is in the journal.
 *
 * @throws Error where the folder cannot be written or read.
 */
export function openViewsFile(file: string): OpenedFile {
  let discarded: string | null = null;
  try {
    const database = openPrivately(file);
    const state = schemaState(database);
    if (state === "current") return { database, discarded };
    if (state === "empty") return { database: withTables(database), discarded };
    database.close();
    discarded = "its tables are of another version";
  } catch (cause) {
    if (!isFileFault(cause)) throw cause;
    discarded = cause instanceof Error ? cause.message : String(cause);
  }
  removeViewsFile(file);
  return { database: withTables(openPrivately(file)), discarded };
}

/** Removes the views at `file`, which must not be open. */
export function removeViewsFile(file: string): void {
  // The file itself last: a log left beside a new file would be replayed into it.
  for (const suffix of ["-wal", "-shm", ""]) rmSync(file + suffix, { force: true });
}

function openPrivately(file: string): DatabaseSync {
  // SQLite would make it readable to others; its further files take over the mode of this one.
  closeSync(openSync(file, "a", FILE_MODE));
  return openSqlite(file);
}

function withTables(database: DatabaseSync): DatabaseSync {
  createTables(database);
  return database;
}
