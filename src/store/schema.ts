/** The tables of the views as the query builder sees them. Every integer is read as a bigint. */

/** Raised with every change of a table: views of another version are dropped and rebuilt. */
export const SCHEMA_VERSION = 3;

/** Sums of one attempt, one request or one roll-up; the fields of `core/usage.ts`. */
export interface UsageColumns {
  input_tokens: bigint;
  output_tokens: bigint;
  thinking_tokens: bigint;
  cache_read_input_tokens: bigint;
  cache_write_5m_input_tokens: bigint;
  cache_write_1h_input_tokens: bigint;
  web_search_requests: bigint;
}

/** Who and what usage is attributed to, stored once and referred to by number. */
export interface DimensionsTable {
  id: bigint;
  /** The fields below as a JSON array: SQL's NULLs are never equal, so they cannot be unique. */
  key: string;
  customer: string | null;
  team: string | null;
  owner: string | null;
  virtual_key: string | null;
  provider: string | null;
  model: string | null;
  task_type: string;
  session: string | null;
  agent: string | null;
  /** A JSON object with sorted names, or null. */
  labels: string | null;
}

/** The labels of a dimension once more, so that usage can be grouped by one. */
interface DimensionLabelsTable {
  dimension: bigint;
  name: string;
  value: string;
}

export type AttemptState = "open" | "settled" | "cancelled";

/** One row an attempt, from its admission on. */
export interface AttemptsTable extends UsageColumns {
  /** Of the record that admitted it. */
  seq: bigint;
  request: string;
  attempt: bigint;
  /** Admission of the request's first attempt: the time to which usage is attributed. */
  request_ms: bigint;
  admitted_ms: bigint;
  dimension: bigint;
  parent_agent: string | null;
  dialect: string;
  requested_model: string | null;
  provider_key: string;
  price: string;
  max_tokens: bigint | null;
  clamped_max_tokens: bigint | null;
  waited_ms: bigint;
  refusal: string | null;
  /** The scope whose rule or cap that is: "team/platform". */
  refusal_by: string | null;
  /** 1: a scope in shadow let it through as it came. */
  observed: bigint;
  shadow_max_tokens: bigint | null;
  shadow_clamped_by: string | null;
  /** A JSON array of `ShadowChange`, or null. */
  shadow_changes: string | null;
  /** What the shadow was charged; null: the same. */
  shadow_cost_nano: bigint | null;
  overshoot: string | null;
  door: string | null;
  task_source: string | null;
  rule: string | null;
  route_note: string | null;
  /** A JSON array of what levers changed, or null. */
  levers: string | null;
  /** A JSON array of names, or null. */
  dropped: string | null;
  need_nano: bigint;
  /** The hold now: lowered by releases, 0 after the attempt. */
  held_nano: bigint;
  /** JSON arrays of window keys. */
  windows: string;
  limits: string;
  state: AttemptState;
  ended_seq: bigint | null;
  ended_ms: bigint | null;
  /** Why it was cancelled. */
  reason: string | null;
  /** The charge now, corrections included. */
  cost_nano: bigint;
  /** 1 while the charge is an estimate that nobody has corrected. */
  estimated: bigint;
  upstream_status: bigint | null;
  upstream_request_id: string | null;
  fault: string | null;
}

/** One row a request that has ended. */
export interface RequestsTable extends UsageColumns {
  /** Of the record that ended it. */
  seq: bigint;
  id: string;
  time_ms: bigint;
  dimension: bigint;
  parent_agent: string | null;
  dialect: string;
  task_source: string | null;
  rule: string | null;
  /** A JSON array of what levers changed, or null. */
  levers: string | null;
  requested_model: string | null;
  status: bigint | null;
  outcome: string;
  estimated: bigint;
  refusal: string | null;
  refusal_by: string | null;
  attempts: bigint;
  cost_nano: bigint;
  price: string | null;
  max_tokens: bigint | null;
  clamped_max_tokens: bigint | null;
  waited_ms: bigint;
  latency_ms: bigint;
  first_byte_ms: bigint | null;
  overhead_us: bigint;
}

export interface CorrectionsTable {
  seq: bigint;
  request: string;
  attempt: bigint;
  time_ms: bigint;
  cost_nano: bigint;
  delta_nano: bigint;
  reason: string;
  actor: string;
}

/** Sums by quarter of an hour and dimension: every zone's days are made of whole quarters. */
interface UsageQuartersTable extends UsageColumns {
  quarter_ms: bigint;
  dimension: bigint;
  requests: bigint;
  cost_nano: bigint;
}

interface MetaTable {
  key: string;
  value: string;
}

/** Records that the fold left out, counted by reason. */
interface SkippedTable {
  reason: string;
  records: bigint;
}

export interface ViewsTables {
  dimensions: DimensionsTable;
  dimension_labels: DimensionLabelsTable;
  attempts: AttemptsTable;
  requests: RequestsTable;
  corrections: CorrectionsTable;
  usage_quarters: UsageQuartersTable;
  meta: MetaTable;
  skipped: SkippedTable;
}
