/** Sums up a request from its attempts and the record that ends it. */
import { invariant } from "../core/invariant.ts";
import type { Usage } from "../core/usage.ts";
import type { RefuseRecord, SettleRecord } from "../journal/record.ts";
import type { AttemptsTable } from "../store/schema.ts";
import type { Read } from "../store/writer.ts";

/**
 * The columns of a request's row that its attempts and its end decide.
 *
 * Sums run over all attempts; model, provider and limits are the last one's; `refusal` is the
 * gateway's own answer, else what enforcement would have answered to the first attempt that it had
 * refused; waits add up.
 */
export function summarize(record: SettleRecord | RefuseRecord, attempts: readonly Read[]) {
  const ending = record.end;
  invariant(ending !== null, "the record ends its request");
  return {
    ...(record.type === "refuse" ? asked(record, attempts) : served(attempts)),
    ...usageSums(attempts),
    status: ending.status,
    outcome: ending.outcome,
    estimated: attempts.some((attempt) => Number(attempt["estimated"]) === 1) ? 1 : 0,
    attempts: attempts.length,
    cost_nano: sum(attempts, "cost_nano"),
    latency_ms: Math.round(ending.latency_ms),
    first_byte_ms: ending.first_byte_ms === null ? null : Math.round(ending.first_byte_ms),
    overhead_us: Math.round(ending.overhead_us),
  };
}

/** What the refusal itself says, beside what attempts before it left. */
function asked(record: RefuseRecord, attempts: readonly Read[]) {
  const last = attempts.at(-1);
  return {
    parent_agent: record.parent_agent,
    dialect: record.dialect,
    requested_model: record.requested_model,
    refusal: record.code,
    refusal_by: record.by ?? null,
    task_source: last?.["task_source"] ?? null,
    rule: last?.["rule"] ?? null,
    levers: last?.["levers"] ?? null,
    price: last?.["price"] ?? null,
    max_tokens: record.max_tokens,
    clamped_max_tokens: last?.["clamped_max_tokens"] ?? null,
    waited_ms: BigInt(sum(attempts, "waited_ms")) + BigInt(Math.round(record.waited_ms)),
  };
}

function served(attempts: readonly Read[]) {
  const last = attempts.at(-1);
  invariant(last !== undefined, "a settled request has an attempt");
  const { parent_agent, dialect, requested_model, price, max_tokens, clamped_max_tokens } =
    last as Served;
  const { task_source, rule, levers } = last as Served;
  return {
    parent_agent,
    dialect,
    requested_model,
    task_source,
    rule,
    levers,
    ...firstRefusal(attempts),
    price,
    max_tokens,
    clamped_max_tokens,
    waited_ms: sum(attempts, "waited_ms"),
  };
}

type Served = Pick<
  AttemptsTable,
  | "parent_agent"
  | "dialect"
  | "requested_model"
  | "task_source"
  | "rule"
  | "levers"
  | "price"
  | "max_tokens"
  | "clamped_max_tokens"
>;

function firstRefusal(attempts: readonly Read[]) {
  for (const { refusal, refusal_by } of attempts)
    if (typeof refusal === "string") return { refusal, refusal_by: refusal_by ?? null };
  return { refusal: null, refusal_by: null };
}

function usageSums(attempts: readonly Read[]): Record<keyof Usage, bigint | number> {
  return {
    input_tokens: sum(attempts, "input_tokens"),
    output_tokens: sum(attempts, "output_tokens"),
    thinking_tokens: sum(attempts, "thinking_tokens"),
    cache_read_input_tokens: sum(attempts, "cache_read_input_tokens"),
    cache_write_5m_input_tokens: sum(attempts, "cache_write_5m_input_tokens"),
    cache_write_1h_input_tokens: sum(attempts, "cache_write_1h_input_tokens"),
    web_search_requests: sum(attempts, "web_search_requests"),
  };
}

function sum(attempts: readonly Read[], column: string): bigint | number {
  // Nearly every request has one attempt.
  const only = attempts.length === 1 ? attempts[0]?.[column] : undefined;
  if (typeof only === "bigint" || typeof only === "number") return only;
  let total = 0n;
  for (const attempt of attempts) {
    const value = attempt[column];
    if (typeof value === "bigint" || typeof value === "number") total += BigInt(value);
  }
  return total;
}
