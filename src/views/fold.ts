/** The fold: what each record of the journal means for the tables. Knows no files and no threads. */
import { invariant } from "../core/invariant.ts";
import { parseTime } from "../core/time.ts";
import type {
  AdmitRecord,
  Attribution,
  CancelRecord,
  ConfigRecord,
  CorrectionRecord,
  RefuseRecord,
  ReleaseRecord,
  SettleRecord,
  WrittenRecord,
} from "../journal/record.ts";
import type { Read, ViewsWriter } from "../store/writer.ts";
import { summarize } from "./ended-request.ts";
import { createFirstAttempts } from "./first-attempts.ts";
import type { FirstAttempts } from "./first-attempts.ts";
import { createQuarterSums } from "./quarter-sums.ts";
import type { QuarterSums } from "./quarter-sums.ts";

/**
 * What became of a record. "unknown_type": a later version's. "orphan": about an attempt that is
 * not there or not in that state (its lines were retired, or it is said twice). "malformed": a
 * field is missing or of the wrong kind.
 */
type Applied = "applied" | "unknown_type" | "orphan" | "malformed";

export interface Fold {
  /** Writes what the record means. Throws where a field is not of its type: then undo, and `skip`. */
  readonly apply: (record: WrittenRecord) => Applied;
  /** Writes the sums gathered since the last time; before every commit. */
  readonly flush: () => void;
  /** Forgets what was gathered and remembered; after a transaction was undone. */
  readonly reset: () => void;
}

/** Thrown for a field that cannot be read; the record is left out. */
class MalformedRecord extends Error {
  override readonly name = "MalformedRecord";
}

interface Context {
  readonly writer: ViewsWriter;
  readonly sums: QuarterSums;
  readonly first: FirstAttempts;
}

/** A fold that writes through `writer`, whose transaction is its caller's. */
export function createFold(writer: ViewsWriter): Fold {
  const context = { writer, sums: createQuarterSums(writer), first: createFirstAttempts() };
  return {
    apply: (record) => apply(context, record),
    flush: context.sums.flush,
    reset: () => {
      context.sums.reset();
      context.first.forgetAll();
    },
  };
}

function apply(context: Context, record: WrittenRecord): Applied {
  switch (record.type) {
    case "admit":
      return admit(context, record);
    case "release":
      return release(context, record);
    case "settle":
      return settle(context, record);
    case "cancel":
      return cancel(context, record);
    case "refuse":
      return refuse(context, record);
    case "correction":
      return correct(context, record);
    case "config":
      return adopt(context, record);
    case "overrun":
    case "cap_lowered":
    case "gap":
    case "admin_change":
    case "session_closed":
    case "retired":
      return "applied";
    default:
      return "unknown_type";
  }
}

type Numbered<Of> = Of & { readonly seq: number };

function admit({ writer, first }: Context, record: Numbered<AdmitRecord>): Applied {
  const admittedMs = timeOf(record);
  const earlier = record.attempt === 1 ? undefined : writer.attempts(record.request)[0];
  const row = {
    seq: record.seq,
    request: record.request,
    attempt: record.attempt,
    request_ms: earlier?.["request_ms"] ?? admittedMs,
    admitted_ms: admittedMs,
    dimension: dimensionOf(writer, record, record),
    parent_agent: record.parent_agent,
    dialect: record.dialect,
    requested_model: record.requested_model,
    provider_key: record.provider_key,
    price: record.price,
    max_tokens: record.max_tokens,
    clamped_max_tokens: record.clamped_max_tokens,
    waited_ms: Math.round(record.waited_ms),
    refusal: record.refusal ?? null,
    overshoot: record.overshoot ?? null,
    door: record.door ?? null,
    task_source: record.task_source ?? null,
    rule: record.rule ?? null,
    route_note: record.route_note ?? null,
    need_nano: BigInt(record.need),
    held_nano: BigInt(record.need),
    windows: JSON.stringify(record.windows),
    limits: JSON.stringify(record.limits),
  };
  if (!writer.insertAttempt(row)) return "orphan";
  first.admitted(row);
  return "applied";
}

function release({ writer }: Context, record: ReleaseRecord): Applied {
  return writer.releaseAttempt(record, BigInt(record.need)) ? "applied" : "orphan";
}

function settle(context: Context, record: Numbered<SettleRecord>): Applied {
  const { writer, sums, first } = context;
  const admitted = first.take(record.request, record.attempt);
  const settlement = settlementOf(record);
  if (!writer.settleAttempt(record, settlement)) return "orphan";
  const attempts =
    admitted === null ? writer.attempts(record.request) : [{ ...admitted, ...settlement }];
  const attempt = attempts.find((each) => Number(each["attempt"]) === record.attempt);
  invariant(attempt !== undefined, "a settled attempt is there");
  const charge = { requests: 0, usage: record.usage, costNano: settlement.cost_nano };
  sums.add(placeOf(attempt), charge);
  return record.end === null ? "applied" : end(context, record, attempts);
}

function settlementOf(record: Numbered<SettleRecord>) {
  return {
    ...record.usage,
    state: "settled",
    held_nano: 0,
    ended_seq: record.seq,
    ended_ms: timeOf(record),
    cost_nano: BigInt(record.cost),
    estimated: record.estimated ? 1 : 0,
    upstream_status: record.upstream_status,
    upstream_request_id: record.upstream_request_id,
    fault: record.fault,
    dropped: record.dropped === undefined ? null : JSON.stringify(record.dropped),
  };
}

function cancel({ writer, first }: Context, record: Numbered<CancelRecord>): Applied {
  first.forget(record.request);
  const found = writer.cancelAttempt(record, {
    state: "cancelled",
    held_nano: 0,
    ended_seq: record.seq,
    ended_ms: timeOf(record),
    reason: record.reason,
  });
  return found ? "applied" : "orphan";
}

/** Replaces the charge of one attempt; the difference counts where the charge counted. */
function correct({ writer, sums }: Context, record: Numbered<CorrectionRecord>): Applied {
  const cost = BigInt(record.cost);
  const attempt = writer.attempt(record);
  if (attempt === null || !writer.correctAttempt(record, cost)) return "orphan";
  const delta = cost - (attempt["cost_nano"] as bigint);
  writer.insertCorrection({
    seq: record.seq,
    request: record.request,
    attempt: record.attempt,
    time_ms: timeOf(record),
    cost_nano: cost,
    delta_nano: delta,
    reason: record.reason,
    actor: record.actor,
  });
  writer.correctRequest(record.request, delta);
  sums.add(placeOf(attempt), { requests: 0, usage: null, costNano: delta });
  return "applied";
}

/** Usage counts at the time of the request's first admission, and at the attempt's own provider. */
function placeOf(attempt: Read): { timeMs: number; dimension: number } {
  return { timeMs: Number(attempt["request_ms"]), dimension: Number(attempt["dimension"]) };
}

/** Open attempts that entered the windows of budgets added while they ran. */
function adopt({ writer }: Context, record: ConfigRecord): Applied {
  for (const [window, attempts] of Object.entries(record.adopted)) {
    for (const name of attempts) {
      const slash = name.lastIndexOf("/");
      const at = { request: name.slice(0, slash), attempt: Number(name.slice(slash + 1)) };
      const windows = writer.attempt(at)?.["windows"];
      if (typeof windows !== "string") continue;
      const entered = new Set(JSON.parse(windows) as readonly string[]).add(window);
      writer.setWindows(at, JSON.stringify([...entered]));
    }
  }
  return "applied";
}

function refuse(context: Context, record: Numbered<RefuseRecord>): Applied {
  context.first.forget(record.request);
  return end(context, record, context.writer.attempts(record.request));
}

/** Writes the row of a request that ends with `record`, and counts it. */
function end(
  { writer, sums }: Context,
  record: Numbered<SettleRecord | RefuseRecord>,
  attempts: readonly Read[],
): Applied {
  const last = attempts.at(-1);
  const place = last === undefined ? unservedPlace(writer, record) : placeOf(last);
  const inserted = writer.insertRequest({
    ...summarize(record, attempts),
    seq: record.seq,
    id: record.request,
    time_ms: place.timeMs,
    dimension: place.dimension,
  });
  if (!inserted) return "orphan";
  sums.add(place, { requests: 1, usage: null, costNano: 0n });
  return "applied";
}

function unservedPlace(
  writer: ViewsWriter,
  record: SettleRecord | RefuseRecord,
): ReturnType<typeof placeOf> {
  invariant(record.type === "refuse", "only a refused request has no attempt");
  const dimension = dimensionOf(writer, record, { provider: null, model: null });
  return { timeMs: timeOf(record), dimension };
}

function dimensionOf(
  writer: ViewsWriter,
  record: Attribution,
  served: { readonly provider: string | null; readonly model: string | null },
): number {
  return writer.dimension([
    record.customer,
    record.team,
    record.owner,
    record.virtual_key,
    served.provider,
    served.model,
    record.task_type,
    record.session,
    record.agent,
    sortedLabels(record.labels),
  ]);
}

function sortedLabels(labels: Attribution["labels"]): string | null {
  const entries = Object.entries(labels ?? {});
  if (entries.length === 0) return null;
  entries.sort(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify(Object.fromEntries(entries));
}

function timeOf(record: { readonly time: string }): number {
  const timeMs = parseTime(record.time);
  if (timeMs === null) throw new MalformedRecord("time");
  return timeMs;
}
