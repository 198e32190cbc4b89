/** The statements with which a fold writes the views: prepared once, run inside its transaction. */
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import { USAGE_FIELDS } from "../core/usage.ts";
import { createDimensions } from "./dimensions.ts";
import type { DimensionFields } from "./dimensions.ts";

const ATTEMPT = [
  "seq",
  "request",
  "attempt",
  "request_ms",
  "admitted_ms",
  "dimension",
  "parent_agent",
  "dialect",
  "requested_model",
  "provider_key",
  "price",
  "max_tokens",
  "clamped_max_tokens",
  "waited_ms",
  "refusal",
  "refusal_by",
  "observed",
  "shadow_max_tokens",
  "shadow_clamped_by",
  "shadow_changes",
  "overshoot",
  "door",
  "task_source",
  "rule",
  "route_note",
  "levers",
  "need_nano",
  "held_nano",
  "windows",
  "limits",
] as const;

const SETTLEMENT = [
  "state",
  "held_nano",
  "ended_seq",
  "ended_ms",
  ...USAGE_FIELDS,
  "cost_nano",
  "estimated",
  "upstream_status",
  "upstream_request_id",
  "fault",
  "dropped",
  "shadow_cost_nano",
] as const;

/** An attempt that is over before its row was written. */
const SETTLED = [...ATTEMPT.filter((column) => column !== "held_nano"), ...SETTLEMENT] as const;

const CANCELLATION = ["state", "held_nano", "ended_seq", "ended_ms", "reason"] as const;

const REQUEST = [
  "seq",
  "id",
  "time_ms",
  "dimension",
  "parent_agent",
  "dialect",
  "requested_model",
  "task_source",
  "rule",
  "levers",
  "status",
  "outcome",
  "estimated",
  "refusal",
  "refusal_by",
  "attempts",
  ...USAGE_FIELDS,
  "cost_nano",
  "price",
  "max_tokens",
  "clamped_max_tokens",
  "waited_ms",
  "latency_ms",
  "first_byte_ms",
  "overhead_us",
] as const;

const CORRECTION = [
  "seq",
  "request",
  "attempt",
  "time_ms",
  "cost_nano",
  "delta_nano",
  "reason",
  "actor",
] as const;

const SUMS = ["requests", ...USAGE_FIELDS, "cost_nano"] as const;
const QUARTER = ["quarter_ms", "dimension", ...SUMS] as const;

type Row<Columns extends readonly string[]> = Readonly<Record<Columns[number], SQLInputValue>>;
export type Read = Readonly<Record<string, SQLOutputValue>>;

/** Whether a statement found the row that it was about, or the place for it. */
type Found = boolean;

export interface ViewsWriter {
  readonly begin: () => void;
  readonly commit: () => void;
  /** Undoes everything since `begin`; nothing where no transaction is open. */
  readonly rollback: () => void;
  /** The number of a dimension, made where it is new. */
  readonly dimension: (fields: DimensionFields) => number;
  /** Not found: the attempt exists already. */
  readonly insertAttempt: (row: Row<typeof ATTEMPT>) => Found;
  /** Not found: the attempt exists already, in whatever state. */
  readonly insertSettled: (row: Row<typeof SETTLED>) => Found;
  readonly settleAttempt: (at: AttemptAt, row: Row<typeof SETTLEMENT>) => Found;
  readonly cancelAttempt: (at: AttemptAt, row: Row<typeof CANCELLATION>) => Found;
  readonly releaseAttempt: (at: AttemptAt, heldNano: bigint) => Found;
  /** Replaces a settled charge; it is an estimate no longer. */
  readonly correctAttempt: (at: AttemptAt, costNano: bigint) => Found;
  readonly setWindows: (at: AttemptAt, windows: string) => void;
  /** One attempt, or null. Integers are bigints. */
  readonly attempt: (at: AttemptAt) => Read | null;
  /** All attempts of a request, the first one first. */
  readonly attempts: (request: string) => readonly Read[];
  /** Not found: the request has a row already. */
  readonly insertRequest: (row: Row<typeof REQUEST>) => Found;
  /** Adds to a request's cost and takes its mark from its attempts; nothing where it runs still. */
  readonly correctRequest: (request: string, deltaNano: bigint) => void;
  readonly insertCorrection: (row: Row<typeof CORRECTION>) => void;
  /** Adds to the sums of a quarter of an hour. */
  readonly addUsage: (row: Row<typeof QUARTER>) => void;
  readonly skip: (reason: string) => void;
  readonly setMeta: (key: string, value: string) => void;
}

interface AttemptAt {
  readonly request: string;
  readonly attempt: number;
}

const AT = "WHERE request = ? AND attempt = ?";
const OPEN = `${AT} AND state = 'open'`;
const ONCE = "ON CONFLICT DO NOTHING";
const CORRECT_REQUEST = `UPDATE requests SET cost_nano = cost_nano + ?, estimated =
  (SELECT max(estimated) FROM attempts WHERE request = id) WHERE id = ?`;
const ADD_SUMS = `ON CONFLICT DO UPDATE SET ${listed(SUMS, (sum) => `${sum} = ${sum} + excluded.${sum}`)}`;
const SKIP = "INSERT INTO skipped VALUES (?, 1) ON CONFLICT DO UPDATE SET records = records + 1";

/** Prepares the statements on an open database that has the views' tables. */
export function createWriter(database: DatabaseSync): ViewsWriter {
  const dimensions = createDimensions(database);
  const prepare = (text: string) => writing(database.prepare(text));
  const settle = prepare(update(SETTLEMENT));
  const cancel = prepare(update(CANCELLATION));
  const release = prepare(`UPDATE attempts SET held_nano = ? ${OPEN}`);
  const correct = prepare(
    `UPDATE attempts SET shadow_cost_nano = shadow_cost_nano + ? - cost_nano, cost_nano = ?,
      estimated = 0 ${AT} AND state = 'settled'`,
  );
  const setWindows = prepare(`UPDATE attempts SET windows = ? ${AT}`);
  const attempt = reading(database, `SELECT * FROM attempts ${AT}`);
  const attempts = reading(database, "SELECT * FROM attempts WHERE request = ? ORDER BY attempt");
  const correctRequest = prepare(CORRECT_REQUEST);
  const skip = prepare(SKIP);
  const setMeta = prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)");
  return {
    begin: () => database.exec("BEGIN IMMEDIATE"),
    commit: () => database.exec("COMMIT"),
    rollback: () => {
      dimensions.forget();
      if (database.isTransaction) database.exec("ROLLBACK");
    },
    dimension: dimensions.numberOf,
    insertAttempt: inserter(database, "attempts", ATTEMPT, ONCE),
    insertSettled: inserter(database, "attempts", SETTLED, ONCE),
    settleAttempt: (at, row) => settle(...values(SETTLEMENT, row), at.request, at.attempt),
    cancelAttempt: (at, row) => cancel(...values(CANCELLATION, row), at.request, at.attempt),
    releaseAttempt: (at, heldNano) => release(heldNano, at.request, at.attempt),
    correctAttempt: (at, costNano) => correct(costNano, costNano, at.request, at.attempt),
    setWindows: (at, windows) => void setWindows(windows, at.request, at.attempt),
    attempt: (at) => attempt.get(at.request, at.attempt) ?? null,
    attempts: (request) => attempts.all(request),
    insertRequest: inserter(database, "requests", REQUEST, ONCE),
    correctRequest: (request, deltaNano) => void correctRequest(deltaNano, request),
    insertCorrection: inserter(database, "corrections", CORRECTION),
    addUsage: inserter(database, "usage_quarters", QUARTER, ADD_SUMS),
    skip: (reason) => void skip(reason),
    setMeta: (key, value) => void setMeta(key, value),
  };
}

function inserter<Columns extends readonly string[]>(
  database: DatabaseSync,
  table: string,
  columns: Columns,
  onConflict = "",
): (row: Row<Columns>) => Found {
  const places = listed(columns, () => "?");
  const into = `${table} (${columns.join(", ")})`;
  const insert = writing(database.prepare(`INSERT INTO ${into} VALUES (${places}) ${onConflict}`));
  return (row) => insert(...values(columns, row));
}

function update(columns: readonly string[]): string {
  return `UPDATE attempts SET ${listed(columns, (column) => `${column} = ?`)} ${OPEN}`;
}

function listed(columns: readonly string[], print: (column: string) => string): string {
  return columns.map(print).join(", ");
}

function values<Columns extends readonly string[]>(
  columns: Columns,
  row: Row<Columns>,
): SQLInputValue[] {
  const bound: SQLInputValue[] = [];
  for (const column of columns as readonly Columns[number][]) bound.push(row[column]);
  return bound;
}

function writing(statement: StatementSync): (...bound: SQLInputValue[]) => Found {
  return (...bound) => Number(statement.run(...bound).changes) > 0;
}

function reading(database: DatabaseSync, text: string): StatementSync {
  const statement = database.prepare(text);
  statement.setReadBigInts(true);
  return statement;
}
