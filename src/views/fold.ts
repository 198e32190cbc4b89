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
import { isDatabaseFault } from "../store/sqlite.ts";
import { summarize } from "./ended-request.ts";
import { FaultyRecord } from "./faulty-record.ts";
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
  /**
   * Writes what the record means, or keeps it for a while. Throws where a field is not of its type, a
   * `FaultyRecord` where it is an earlier record's: then undo, and `skip`.
   */
  readonly apply: (record: WrittenRecord) => Applied;
  /**
   * Writes what was gathered since the last time; before every commit.
   *
   * @returns how many admissions were orphans after all, and are counted as such.
   */
  readonly flush: () => number;
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
  readonly first: FirstAttempts<AdmittedRow>;
}

/** A fold that writes through `writer`, whose transaction is its caller's. */
export function createFold(writer: ViewsWriter): Fold {
  let orphans = 0;
  const first = createFirstAttempts<AdmittedRow>((row) => {
    if (writeAdmitted(writer, row)) return;
    orphans++;
    writer.skip("orphan");
  });
  const context = { writer, sums: createQuarterSums(writer), first };
  return {
    apply: (record) => apply(context, record),
    flush: () => {
      first.flush();
      context.sums.flush();
      const met = orphans;
      orphans = 0;
      return met;
    },
    reset: () => {
      orphans = 0;
      context.sums.reset();
      first.forgetAll();
    },
  };
}

/** Another record may be the occasion: a fault of the row is told as its own record's. */
function writeAdmitted(writer: ViewsWriter, row: AdmittedRow): boolean {
  try {
    return writer.insertAttempt(row);
  } catch (cause) {
    if (isDatabaseFault(cause)) throw cause;
    throw new FaultyRecord(row.seq, cause);
  }
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
    case "finding":
    case "retired":
      return "applied";
    default:
      return "unknown_type";
  }
}

type Numbered<Of> = Of & { readonly seq: number };

function admit({ writer, first }: Context, record: Numbered<AdmitRecord>): Applied {
  if (record.attempt === 1)
    return first.admitted(admittedRow(writer, record, timeOf(record))) ? "applied" : "orphan";
  first.forget(record.request);
  const earlier = writer.attempts(record.request)[0]?.["request_ms"];
  const row = admittedRow(writer, record, Number(earlier ?? timeOf(record)));
  return writer.insertAttempt(row) ? "applied" : "orphan";
}

type AdmittedRow = ReturnType<typeof admittedRow>;

function admittedRow(writer: ViewsWriter, record: Numbered<AdmitRecord>, requestMs: number) {
  return {
    seq: record.seq,
    request: record.request,
    attempt: record.attempt,
    request_ms: requestMs,
    admitted_ms: timeOf(record),
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
    ...shadowOf(record),
    overshoot: record.overshoot ?? null,
    door: record.door ?? null,
    task_source: record.task_source ?? null,
    rule: record.rule ?? null,
    route_note: record.route_note ?? null,
    levers: record.levers === undefined ? null : JSON.stringify(record.levers),
    need_nano: BigInt(record.need),
    held_nano: BigInt(record.need),
    windows: JSON.stringify(record.windows),
    limits: JSON.stringify(record.limits),
  };
}

function shadowOf(record: AdmitRecord) {
  const { refusal, shadow_need, shadow_changes, refusal_by = null } = record;
  return {
    refusal_by,
    observed: refusal === undefined && shadow_need === undefined ? 0 : 1,
    shadow_max_tokens: record.shadow_max_tokens ?? null,
    shadow_clamped_by: record.shadow_clamped_by ?? null,
    shadow_changes: shadow_changes === undefined ? null : JSON.stringify(shadow_changes),
  };
}

function release({ writer, first }: Context, record: ReleaseRecord): Applied {
  first.forget(record.request);
  return writer.releaseAttempt(record, BigInt(record.need)) ? "applied" : "orphan";
}

function settle(context: Context, record: Numbered<SettleRecord>): Applied {
  const { writer, sums, first } = context;
  const admitted = first.take(record.request, record.attempt);
  const settlement = settlementOf(record);
  const whole = admitted === null ? null : { ...admitted.row, ...settlement };
  if (admitted?.isWritten !== false || whole === null) {
    if (!writer.settleAttempt(record, settlement)) return "orphan";
  } else if (!insertedSettled(writer, whole)) {
    first.write(admitted.row);
    if (!writer.settleAttempt(record, settlement)) return "orphan";
  }
  const attempts = whole === null ? writer.attempts(record.request) : [whole];
  const attempt = attempts.find((each) => Number(each["attempt"]) === record.attempt);
  invariant(attempt !== undefined, "a settled attempt is there");
  const charge = { requests: 0, usage: record.usage, costNano: settlement.cost_nano };
  sums.add(placeOf(attempt), charge);
  return record.end === null ? "applied" : end(context, record, attempts);
}

/** One row for an admission that is still to be written and its settlement. */
function insertedSettled(
  writer: ViewsWriter,
  whole: Omit<AdmittedRow, "held_nano"> & ReturnType<typeof settlementOf>,
): boolean {
  try {
    return writer.insertSettled(whole);
  } catch (cause) {
    if (isDatabaseFault(cause)) throw cause;
    // Which of the two records is at fault shows when they are written one after the other.
    return false;
  }
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
    shadow_cost_nano: record.shadow === undefined ? null : BigInt(record.shadow.cost),
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
function correct(context: Context, record: Numbered<CorrectionRecord>): Applied {
  const { writer, sums, first } = context;
  first.forget(record.request);
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
function adopt({ writer, first }: Context, record: ConfigRecord): Applied {
  for (const [window, attempts] of Object.entries(record.adopted)) {
    for (const name of attempts) {
      const slash = name.lastIndexOf("/");
      const at = { request: name.slice(0, slash), attempt: Number(name.slice(slash + 1)) };
      first.forget(at.request);
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
