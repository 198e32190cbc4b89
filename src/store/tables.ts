/** The tables of the views as SQL, and the check of their version. */
import type { DatabaseSync } from "node:sqlite";
import { SCHEMA_VERSION } from "./schema.ts";

const USAGE = `
  input_tokens INTEGER NOT NULL DEFAULT 0,
  output_tokens INTEGER NOT NULL DEFAULT 0,
  thinking_tokens INTEGER NOT NULL DEFAULT 0,
  cache_read_input_tokens INTEGER NOT NULL DEFAULT 0,
  cache_write_5m_input_tokens INTEGER NOT NULL DEFAULT 0,
  cache_write_1h_input_tokens INTEGER NOT NULL DEFAULT 0,
  web_search_requests INTEGER NOT NULL DEFAULT 0,
  cost_nano INTEGER NOT NULL DEFAULT 0`;

/** Rows are numbered by their record, so that inserts append and a rebuild gives the same rows. */
const TABLES = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE skipped (reason TEXT PRIMARY KEY, records INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE dimensions (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  customer TEXT, team TEXT, owner TEXT, virtual_key TEXT, provider TEXT, model TEXT,
  task_type TEXT NOT NULL, session TEXT, agent TEXT, labels TEXT
) STRICT;
CREATE INDEX dimensions_session ON dimensions (session);
CREATE INDEX dimensions_virtual_key ON dimensions (virtual_key);

CREATE TABLE dimension_labels (
  dimension INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (dimension, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
  seq INTEGER PRIMARY KEY,
  request TEXT NOT NULL, attempt INTEGER NOT NULL,
  request_ms INTEGER NOT NULL, admitted_ms INTEGER NOT NULL, dimension INTEGER NOT NULL,
  parent_agent TEXT, dialect TEXT NOT NULL, requested_model TEXT,
  provider_key TEXT NOT NULL, price TEXT NOT NULL,
  max_tokens INTEGER, clamped_max_tokens INTEGER, waited_ms INTEGER NOT NULL,
  refusal TEXT, refusal_by TEXT, overshoot TEXT,
  observed INTEGER NOT NULL, shadow_max_tokens INTEGER, shadow_clamped_by TEXT,
  shadow_changes TEXT, shadow_cost_nano INTEGER,
  door TEXT, task_source TEXT, rule TEXT, route_note TEXT, levers TEXT, dropped TEXT,
  need_nano INTEGER NOT NULL, held_nano INTEGER NOT NULL,
  windows TEXT NOT NULL, limits TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'open', ended_seq INTEGER, ended_ms INTEGER, reason TEXT,
  estimated INTEGER NOT NULL DEFAULT 0,
  upstream_status INTEGER, upstream_request_id TEXT, fault TEXT,${USAGE}
) STRICT;
CREATE UNIQUE INDEX attempts_request ON attempts (request, attempt);
CREATE INDEX attempts_time ON attempts (request_ms);
CREATE INDEX attempts_observed ON attempts (request_ms) WHERE observed = 1;
CREATE INDEX attempts_later ON attempts (admitted_ms) WHERE attempt > 1;

CREATE TABLE requests (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  time_ms INTEGER NOT NULL, dimension INTEGER NOT NULL,
  parent_agent TEXT, dialect TEXT NOT NULL, requested_model TEXT,
  task_source TEXT, rule TEXT, levers TEXT,
  status INTEGER, outcome TEXT NOT NULL, estimated INTEGER NOT NULL, refusal TEXT, refusal_by TEXT,
  attempts INTEGER NOT NULL, price TEXT,
  max_tokens INTEGER, clamped_max_tokens INTEGER, waited_ms INTEGER NOT NULL,
  latency_ms INTEGER NOT NULL, first_byte_ms INTEGER, overhead_us INTEGER NOT NULL,${USAGE}
) STRICT;
CREATE INDEX requests_time ON requests (time_ms);
CREATE INDEX requests_dimension ON requests (dimension, time_ms);

CREATE TABLE corrections (
  seq INTEGER PRIMARY KEY,
  request TEXT NOT NULL, attempt INTEGER NOT NULL, time_ms INTEGER NOT NULL,
  cost_nano INTEGER NOT NULL, delta_nano INTEGER NOT NULL,
  reason TEXT NOT NULL, actor TEXT NOT NULL
) STRICT;
CREATE INDEX corrections_attempt ON corrections (request, attempt);

CREATE TABLE usage_quarters (
  quarter_ms INTEGER NOT NULL, dimension INTEGER NOT NULL,
  requests INTEGER NOT NULL,${USAGE},
  PRIMARY KEY (quarter_ms, dimension)
) STRICT, WITHOUT ROWID;
`;

/** Makes all tables in an empty database, in one transaction. */
export function createTables(database: DatabaseSync): void {
  database.exec(`BEGIN; ${TABLES} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT;`);
}

/** "empty": no table yet; "other": tables of another version, which must be dropped. */
export function schemaState(database: DatabaseSync): "empty" | "current" | "other" {
  const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
  if (version === SCHEMA_VERSION) return "current";
  const tables = database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get()?.["tables"];
  return tables === 0 ? "empty" : "other";
}
