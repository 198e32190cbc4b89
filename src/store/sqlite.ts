/** Opens SQLite files through `node:sqlite`, and lends them to the query builder. */
import { DatabaseSync } from "node:sqlite";
import type { SQLInputValue, StatementSync } from "node:sqlite";
import { Kysely, SqliteDialect } from "kysely";
import type { SqliteDatabase } from "kysely";

const CACHE_KIB = 65_536;
/** A checkpoint each 16 MiB: at the default of 4 MiB it was a visible part of the fold's time. */
const CHECKPOINT_PAGES = 4096;

/**
 * Opens or makes a database in WAL mode: a killed process loses nothing that was committed, a power
 * failure at most the last commits, never consistency.
 *
 * @throws Error where the file is no database or cannot be opened.
 */
export function openSqlite(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 5000 });
  try {
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = NORMAL");
    database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
    database.exec("PRAGMA temp_store = MEMORY");
    database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}

/**
 * A query builder over an open database, which stays its owner's to close. Integers come back as
 * bigints: sums of nano-dollars pass 2^53.
 */
export function queryBuilder<Tables>(database: DatabaseSync): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: asDriver(database) }) });
}

function asDriver(database: DatabaseSync): SqliteDatabase {
  return {
    close: () => database.close(),
    prepare: (sql) => {
      const statement = database.prepare(sql);
      statement.setReadBigInts(true);
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...bound(parameters)),
        run: (parameters) => statement.run(...bound(parameters)),
        iterate: (parameters) => iterate(statement, parameters),
      };
    },
  };
}

function iterate(
  statement: StatementSync,
  parameters: readonly unknown[],
): IterableIterator<unknown> {
  return statement.iterate(...bound(parameters));
}

/** The builder types parameters as unknown; the driver itself refuses what SQLite cannot hold. */
function bound(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters as SQLInputValue[];
}

/** SQLite's result codes that blame the bound values rather than the database. */
const VALUE_FAULTS: ReadonlySet<number> = new Set([
  18, // SQLITE_TOOBIG
  19, // SQLITE_CONSTRAINT
  20, // SQLITE_MISMATCH
  25, // SQLITE_RANGE
]);

/** True where the database itself failed (full, unreadable, corrupt), not the values given to it. */
export function isDatabaseFault(cause: unknown): boolean {
  const code = resultCode(cause);
  return code !== null && !VALUE_FAULTS.has(code);
}

function resultCode(cause: unknown): number | null {
  if (!(cause instanceof Error) || !("errcode" in cause)) return null;
  return typeof cause.errcode === "number" ? cause.errcode & 0xff : null;
}

const SQLITE_ERROR = 1;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** True where the file is damaged: another try on it cannot succeed. */
export function isCorrupt(cause: unknown): boolean {
  const code = resultCode(cause);
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
}

/** True where the file is damaged or its tables are not as expected; false for a full disk. */
export function isFileFault(cause: unknown): boolean {
  return isCorrupt(cause) || resultCode(cause) === SQLITE_ERROR;
}
