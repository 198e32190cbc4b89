/** What the views must say, computed in the plainest way from a list of records. */
import { USAGE_FIELDS } from "../../src/core/usage.ts";
import type { Usage } from "../../src/core/usage.ts";
import type {
  AdmitRecord,
  CancelRecord,
  CorrectionRecord,
  JournalRecord,
  RefuseRecord,
  ReleaseRecord,
  SettleRecord,
} from "../../src/journal/record.ts";

type Numbered<Of> = Of & { readonly seq: number };
type Fields = Readonly<Record<string, unknown>>;

interface ModelAttempt {
  readonly admit: Numbered<AdmitRecord>;
  readonly adopted: string[];
  readonly releases: ReleaseRecord[];
  readonly corrections: Numbered<CorrectionRecord>[];
  settle: Numbered<SettleRecord> | null;
  cancel: Numbered<CancelRecord> | null;
}

export interface ModelRequest {
  readonly id: string;
  readonly attempts: ModelAttempt[];
  refuse: Numbered<RefuseRecord> | null;
  endSeq: number | null;
}

export type Model = ReadonlyMap<string, ModelRequest>;

/** Groups records, numbered from 1, by request. */
export function modelOf(records: readonly JournalRecord[]): Model {
  const model = new Map<string, ModelRequest>();
  for (const [index, record] of records.entries()) take(model, { ...record, seq: index + 1 });
  return model;
}

function take(model: Map<string, ModelRequest>, record: Numbered<JournalRecord>): void {
  if (record.type === "config") return adopt(model, record.adopted);
  if (!("request" in record) || record.type === "finding") return;
  const known = model.get(record.request);
  const request = known ?? { id: record.request, attempts: [], refuse: null, endSeq: null };
  model.set(record.request, request);
  if (record.type === "refuse") {
    Object.assign(request, { refuse: record, endSeq: record.seq });
    return;
  }
  if (record.type === "admit") {
    const nothing = { releases: [], corrections: [], adopted: [], settle: null, cancel: null };
    request.attempts.push({ admit: record, ...nothing });
    return;
  }
  const attempt = request.attempts[record.attempt - 1];
  if (attempt === undefined) throw new Error("the journal is made wrongly");
  if (record.type === "release") attempt.releases.push(record);
  if (record.type === "correction") attempt.corrections.push(record);
  if (record.type === "cancel") attempt.cancel = record;
  if (record.type !== "settle") return;
  attempt.settle = record;
  if (record.end !== null) request.endSeq = record.seq;
}

function adopt(model: Model, adopted: Readonly<Record<string, readonly string[]>>): void {
  for (const [window, names] of Object.entries(adopted)) {
    for (const name of names) {
      const [request = "", attempt = ""] = name.split("/");
      model.get(request)?.attempts[Number(attempt) - 1]?.adopted.push(window);
    }
  }
}

export function costOf(attempt: ModelAttempt): bigint {
  return BigInt(attempt.corrections.at(-1)?.cost ?? attempt.settle?.cost ?? "0");
}

/** When a request's usage counts. */
export function timeMsOf(request: ModelRequest): number {
  return Date.parse(request.attempts[0]?.admit.time ?? request.refuse?.time ?? "");
}

function usd(nano: bigint): string {
  const digits = (nano < 0n ? -nano : nano).toString().padStart(10, "0");
  const text = `${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/\.?0+$/, "");
  return (nano < 0n ? "-" : "") + text;
}

/** Ended requests as rows, newest first. */
export function modelRows(model: Model): Fields[] {
  const ended = [...model.values()].filter((request) => request.endSeq !== null);
  ended.sort(
    (left, right) => timeMsOf(right) - timeMsOf(left) || (right.endSeq ?? 0) - (left.endSeq ?? 0),
  );
  return ended.map(modelRow);
}

export function modelRow(request: ModelRequest): Fields {
  const { attempts, refuse } = request;
  const end = refuse?.end ?? attempts.at(-1)?.settle?.end;
  if (end === null || end === undefined) throw new Error("it has not ended");
  const costs = attempts.map(costOf);
  return {
    id: request.id,
    time: new Date(timeMsOf(request)).toISOString(),
    ...askerOf(request),
    ...servedOf(request),
    status: end.status,
    outcome: end.outcome,
    estimated: attempts.some(isEstimated),
    attempts: attempts.length,
    usage: usageSum(attempts.map((attempt) => attempt.settle?.usage)),
    cost_usd: usd(costs.reduce((sum, cost) => sum + cost, 0n)),
    waited_ms: attempts.reduce((sum, one) => sum + one.admit.waited_ms, refuse?.waited_ms ?? 0),
    latency_ms: end.latency_ms,
    first_byte_ms: end.first_byte_ms,
    overhead_us: end.overhead_us,
  };
}

function askerOf({ attempts, refuse }: ModelRequest): Fields {
  const who = refuse ?? attempts.at(-1)?.admit;
  if (who === undefined) throw new Error("nobody asked");
  return {
    customer: who.customer,
    team: who.team,
    owner: who.owner,
    virtual_key: who.virtual_key,
    labels: who.labels ?? {},
    session: who.session,
    agent: who.agent,
    parent_agent: who.parent_agent,
    task_type: who.task_type,
    dialect: who.dialect,
    requested_model: who.requested_model,
    max_tokens: who.max_tokens,
  };
}

function servedOf({ attempts, refuse }: ModelRequest): Fields {
  const last = attempts.at(-1)?.admit;
  const waived = attempts.find((attempt) => attempt.admit.refusal)?.admit;
  return {
    provider: last?.provider ?? null,
    model: last?.model ?? null,
    ...routedOf(last),
    price: last?.price ?? null,
    clamped_max_tokens: last?.clamped_max_tokens ?? null,
    ...refusedBy(refuse, waived),
  };
}

function refusedBy(refuse: ModelRequest["refuse"], waived: AdmitRecord | undefined): Fields {
  if (refuse !== null) return { refusal: refuse.code, refusal_by: refuse.by ?? null };
  return { refusal: waived?.refusal ?? null, refusal_by: waived?.refusal_by ?? null };
}

function shadowOf(admit: AdmitRecord): Fields {
  return {
    refusal: admit.refusal ?? null,
    refusal_by: admit.refusal_by ?? null,
    shadow_max_tokens: admit.shadow_max_tokens ?? null,
    shadow_clamped_by: admit.shadow_clamped_by ?? null,
  };
}

function routedOf(last: AdmitRecord | undefined): Fields {
  const { task_source = null, rule = null, levers = [] } = last ?? {};
  return { task_source, rule, levers };
}

function isEstimated(attempt: ModelAttempt): boolean {
  return attempt.settle?.estimated === true && attempt.corrections.length === 0;
}

function usageSum(parts: readonly (Usage | undefined)[]): Fields {
  const sumOf = (field: keyof Usage) => parts.reduce((sum, part) => sum + (part?.[field] ?? 0), 0);
  return Object.fromEntries(USAGE_FIELDS.map((field) => [field, sumOf(field)]));
}

/** The attempts of a request's detail. */
export function modelAttempts(request: ModelRequest): Fields[] {
  return request.attempts.map((attempt) => {
    const { admit, cancel, corrections } = attempt;
    const held = attempt.releases.at(-1)?.need ?? admit.need;
    return {
      attempt: admit.attempt,
      time: admit.time,
      state: stateOf(attempt),
      provider: admit.provider,
      provider_key: admit.provider_key,
      model: admit.model,
      door: admit.door ?? null,
      rule: admit.rule ?? null,
      route_note: admit.route_note ?? null,
      levers: admit.levers ?? [],
      dropped: attempt.settle?.dropped ?? [],
      price: admit.price,
      max_tokens: admit.max_tokens,
      clamped_max_tokens: admit.clamped_max_tokens,
      waited_ms: admit.waited_ms,
      ...shadowOf(admit),
      overshoot: admit.overshoot ?? null,
      need_usd: usd(BigInt(admit.need)),
      held_usd: usd(stateOf(attempt) === "open" ? BigInt(held) : 0n),
      cost_usd: usd(costOf(attempt)),
      estimated: isEstimated(attempt),
      ...modelSettlement(attempt),
      reason: cancel?.reason ?? null,
      windows: [...new Set([...admit.windows, ...attempt.adopted])],
      limits: admit.limits,
      corrections: corrections.map(({ time, cost, delta, reason, actor }) => {
        return { time, cost_usd: usd(BigInt(cost)), delta_usd: usd(BigInt(delta)), reason, actor };
      }),
    };
  });
}

function modelSettlement({ settle, cancel }: ModelAttempt): Fields {
  return {
    ended: settle?.time ?? cancel?.time ?? null,
    usage: usageSum([settle?.usage]),
    upstream_status: settle?.upstream_status ?? null,
    upstream_request_id: settle?.upstream_request_id ?? null,
    fault: settle?.fault ?? null,
  };
}

function stateOf({ settle, cancel }: ModelAttempt): string {
  if (settle !== null) return "settled";
  return cancel === null ? "open" : "cancelled";
}

export interface ModelUsageQuery {
  readonly groupBy: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
  /** The `start` of a time; null without an interval. */
  readonly startOf: ((timeMs: number) => string) | null;
}

/** Groups of `GET /usage` in any order. */
export function modelUsage(model: Model, query: ModelUsageQuery): Fields[] {
  const groups = new Map<
    string,
    { fields: Fields; requests: number; usages: Usage[]; cost: bigint }
  >();
  function groupOf(
    timeMs: number,
    who: Fields,
  ): { requests: number; usages: Usage[]; cost: bigint } {
    const labels = (who["labels"] ?? {}) as Fields;
    const start = query.startOf === null ? {} : { start: query.startOf(timeMs) };
    const valueOf = (name: string) =>
      name.startsWith("label:") ? (labels[name.slice(6)] ?? null) : (who[name] ?? null);
    const fields = {
      ...start,
      ...Object.fromEntries(query.groupBy.map((name) => [name, valueOf(name)])),
    };
    const key = JSON.stringify(fields);
    const group = groups.get(key) ?? { fields, requests: 0, usages: [], cost: 0n };
    groups.set(key, group);
    return group;
  }
  for (const request of model.values()) {
    const timeMs = timeMsOf(request);
    if (timeMs < query.fromMs || timeMs >= query.toMs) continue;
    for (const attempt of request.attempts) {
      if (attempt.settle === null) continue;
      const group = groupOf(timeMs, { ...attempt.admit });
      group.usages.push(attempt.settle.usage);
      group.cost += costOf(attempt);
    }
    const last = request.attempts.at(-1);
    if (request.endSeq !== null) groupOf(timeMs, { ...(last?.admit ?? request.refuse) }).requests++;
  }
  return [...groups.values()].map(({ fields, requests, usages, cost }) => {
    return { ...fields, requests, usage: usageSum(usages), cost_usd: usd(cost) };
  });
}

/** The sum that `spentSince` promises, over the attempts that `wanted` picks. */
export function modelSpent(
  model: Model,
  uptoSeq: number,
  wanted: (admit: AdmitRecord) => boolean,
): bigint {
  let sum = 0n;
  for (const { attempts } of model.values()) {
    for (const { admit, settle, corrections } of attempts) {
      if (settle === null || settle.seq > uptoSeq || !wanted(admit)) continue;
      const corrected = corrections.findLast((correction) => correction.seq <= uptoSeq);
      sum += BigInt(corrected?.cost ?? settle.cost);
    }
  }
  return sum;
}
