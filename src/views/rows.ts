/** Rows of the tables as the control API prints them: ready for JSON, money and times as text. */
import type { Selectable } from "kysely";
import { formatUsd, nanoUsd } from "../core/money.ts";
import { formatTime } from "../core/time.ts";
import type { Usage } from "../core/usage.ts";
import type { LeverChange } from "../journal/record.ts";
import type {
  AttemptState,
  AttemptsTable,
  CorrectionsTable,
  DimensionsTable,
  RequestsTable,
  UsageColumns,
} from "../store/schema.ts";

type Labels = Readonly<Record<string, string>>;

/** One ended request, with the field names of the public contract. */
export interface RequestRow {
  readonly id: string;
  /** Its first admission; where it was refused before one, the refusal. */
  readonly time: string;
  readonly customer: string | null;
  readonly team: string | null;
  readonly owner: string | null;
  readonly virtual_key: string | null;
  readonly labels: Labels;
  readonly session: string | null;
  readonly agent: string | null;
  readonly parent_agent: string | null;
  readonly task_type: string;
  /** "hint" or "heuristic". */
  readonly task_source: string | null;
  readonly dialect: string;
  readonly requested_model: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  /** The routing rule that chose the target. */
  readonly rule: string | null;
  /** What levers made of it, or would have in observe mode. */
  readonly levers: readonly LeverChange[];
  readonly status: number | null;
  readonly outcome: string;
  readonly estimated: boolean;
  readonly refusal: string | null;
  /** The scope whose rule or cap said no, or would have: "team/platform". */
  readonly refusal_by: string | null;
  readonly attempts: number;
  readonly usage: Usage;
  readonly cost_usd: string;
  readonly price: string | null;
  readonly max_tokens: number | null;
  readonly clamped_max_tokens: number | null;
  readonly waited_ms: number;
  readonly latency_ms: number;
  readonly first_byte_ms: number | null;
  readonly overhead_us: number;
}

export interface AttemptRow {
  readonly attempt: number;
  readonly time: string;
  readonly ended: string | null;
  readonly state: AttemptState;
  readonly provider: string | null;
  readonly provider_key: string;
  readonly model: string | null;
  readonly door: string | null;
  readonly rule: string | null;
  /** Why a session left its door, and what that costs. */
  readonly route_note: string | null;
  /** What levers made of the request. */
  readonly levers: readonly LeverChange[];
  /** Fields that the door could not carry. */
  readonly dropped: readonly string[];
  readonly price: string;
  readonly max_tokens: number | null;
  readonly clamped_max_tokens: number | null;
  readonly waited_ms: number;
  /** Observe mode: what enforcement would have answered. */
  readonly refusal: string | null;
  readonly refusal_by: string | null;
  /** Observe mode: to what enforcement would have lowered `max_tokens`, and because of which scope. */
  readonly shadow_max_tokens: number | null;
  readonly shadow_clamped_by: string | null;
  readonly overshoot: string | null;
  readonly need_usd: string;
  readonly held_usd: string;
  readonly cost_usd: string;
  readonly estimated: boolean;
  readonly usage: Usage;
  readonly upstream_status: number | null;
  readonly upstream_request_id: string | null;
  readonly fault: string | null;
  /** Why it was cancelled. */
  readonly reason: string | null;
  readonly windows: readonly string[];
  readonly limits: readonly string[];
  readonly corrections: readonly CorrectionRow[];
}

export interface CorrectionRow {
  readonly time: string;
  readonly cost_usd: string;
  readonly delta_usd: string;
  readonly reason: string;
  readonly actor: string;
}

/** A request with its attempts in full, the first one first. */
export type RequestDetail = Omit<RequestRow, "attempts"> & {
  readonly attempts: readonly AttemptRow[];
};

type RequestColumns = Selectable<RequestsTable> & Omit<Selectable<DimensionsTable>, "id" | "key">;
type AttemptColumns = Selectable<AttemptsTable> &
  Pick<Selectable<DimensionsTable>, "provider" | "model">;

/** Prints a request that was read together with its dimension. */
export function requestRow(row: RequestColumns): RequestRow {
  return {
    id: row.id,
    time: timeText(row.time_ms),
    customer: row.customer,
    team: row.team,
    owner: row.owner,
    virtual_key: row.virtual_key,
    labels: row.labels === null ? {} : (JSON.parse(row.labels) as Labels),
    session: row.session,
    agent: row.agent,
    parent_agent: row.parent_agent,
    task_type: row.task_type,
    task_source: row.task_source,
    dialect: row.dialect,
    requested_model: row.requested_model,
    provider: row.provider,
    model: row.model,
    rule: row.rule,
    levers: leversOf(row.levers),
    status: count(row.status),
    outcome: row.outcome,
    estimated: row.estimated === 1n,
    refusal: row.refusal,
    refusal_by: row.refusal_by,
    attempts: Number(row.attempts),
    usage: usageOf(row),
    cost_usd: usdText(row.cost_nano),
    price: row.price,
    max_tokens: count(row.max_tokens),
    clamped_max_tokens: count(row.clamped_max_tokens),
    waited_ms: Number(row.waited_ms),
    latency_ms: Number(row.latency_ms),
    first_byte_ms: count(row.first_byte_ms),
    overhead_us: Number(row.overhead_us),
  };
}

/** Prints an attempt that was read together with its dimension. */
export function attemptRow(row: AttemptColumns, corrections: readonly CorrectionRow[]): AttemptRow {
  return {
    attempt: Number(row.attempt),
    time: timeText(row.admitted_ms),
    ended: row.ended_ms === null ? null : timeText(row.ended_ms),
    state: row.state,
    provider: row.provider,
    provider_key: row.provider_key,
    model: row.model,
    door: row.door,
    rule: row.rule,
    route_note: row.route_note,
    levers: leversOf(row.levers),
    dropped: row.dropped === null ? [] : (JSON.parse(row.dropped) as string[]),
    price: row.price,
    max_tokens: count(row.max_tokens),
    clamped_max_tokens: count(row.clamped_max_tokens),
    waited_ms: Number(row.waited_ms),
    refusal: row.refusal,
    refusal_by: row.refusal_by,
    shadow_max_tokens: count(row.shadow_max_tokens),
    shadow_clamped_by: row.shadow_clamped_by,
    overshoot: row.overshoot,
    need_usd: usdText(row.need_nano),
    held_usd: usdText(row.held_nano),
    cost_usd: usdText(row.cost_nano),
    estimated: row.estimated === 1n,
    usage: usageOf(row),
    upstream_status: count(row.upstream_status),
    upstream_request_id: row.upstream_request_id,
    fault: row.fault,
    reason: row.reason,
    windows: JSON.parse(row.windows) as string[],
    limits: JSON.parse(row.limits) as string[],
    corrections,
  };
}

function leversOf(text: string | null): readonly LeverChange[] {
  return text === null ? [] : (JSON.parse(text) as LeverChange[]);
}

/** Prints a correction. */
export function correctionRow(row: Selectable<CorrectionsTable>): CorrectionRow {
  return {
    time: timeText(row.time_ms),
    cost_usd: usdText(row.cost_nano),
    delta_usd: usdText(row.delta_nano),
    reason: row.reason,
    actor: row.actor,
  };
}

/** The seven counts as numbers: sums of tokens stay far below 2^53, sums of money do not. */
export function usageOf(row: Selectable<UsageColumns>): Usage {
  return {
    input_tokens: Number(row.input_tokens),
    output_tokens: Number(row.output_tokens),
    thinking_tokens: Number(row.thinking_tokens),
    cache_read_input_tokens: Number(row.cache_read_input_tokens),
    cache_write_5m_input_tokens: Number(row.cache_write_5m_input_tokens),
    cache_write_1h_input_tokens: Number(row.cache_write_1h_input_tokens),
    web_search_requests: Number(row.web_search_requests),
  };
}

/** Nano-dollars as the API prints money. */
export function usdText(nano: bigint): string {
  return formatUsd(nanoUsd(nano));
}

function timeText(timeMs: bigint): string {
  return formatTime(Number(timeMs));
}

function count(value: bigint | null): number | null {
  return value === null ? null : Number(value);
}
