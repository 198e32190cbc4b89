/**
 * The ledger's rules once more, as plainly as they can be said: a list of all attempts, from which every
 * window is summed anew whenever somebody asks. It shares no code with what it judges.
 */
import type { AccountScope, Scope, Span, Unit } from "../../src/core/span.ts";
import { bucketOf, calendarLabel } from "./labels.ts";

const THIRTY_DAYS_MS = 30 * 86_400_000;
/** Of token buckets: a month has thirty days. */
export const PERIOD_MS = {
  second: 1e3,
  minute: 6e4,
  hour: 3.6e6,
  day: 8.64e7,
  week: 6.048e8,
  month: 2.592e9,
};

/** The one key of every provider. */
export const PROVIDER_KEY = "main";

export type Books = "real" | "shadow";

/** Whom an attempt is charged to. */
export interface Subject {
  readonly customer: string;
  readonly team: string;
  readonly owner: string | null;
  readonly key: string;
  readonly provider: string;
  /** As the client sent it. */
  readonly session: string | null;
  readonly agent: string | null;
}

/** A budget or limit of the configuration. */
export interface MeterDefinition {
  readonly id: string;
  readonly scope: Scope | AccountScope;
  readonly unit: Unit;
  readonly span: Span | null;
  readonly burst: number | null;
  readonly cap: bigint;
}

export interface ModelMeter extends MeterDefinition {
  /** What happened before is known to a budget from history, to a limit not at all. */
  readonly addedAt: number;
  readonly addedMs: number;
  /** Where its history was looked up: the number of the event, and the time. */
  readonly lookedUpAt: number;
  readonly lookedUpMs: number;
  cap: bigint;
  /** Caps of a token bucket over time. */
  readonly caps: { readonly fromMs: number; readonly cap: bigint }[];
  /** Sessions that were closed, and when. */
  readonly closed: Map<string, number>;
}

/** What an attempt holds from some moment on. */
export interface ModelHold {
  /** Number of the event, and its time. */
  readonly at: number;
  readonly timeMs: number;
  readonly need: bigint;
  readonly inputNeed: bigint;
  readonly outputNeed: bigint;
  /** What the shadow holds; null where enforcement would have refused. */
  shadow: Pick<ModelHold, "need" | "inputNeed" | "outputNeed"> | null;
}

export interface ModelAttempt extends Subject {
  readonly id: string;
  /** Numbers of events: they order what happens in one millisecond. */
  readonly admittedAt: number;
  readonly admittedMs: number;
  /** Meters in its chain. */
  readonly chain: ReadonlySet<string>;
  /** The last is what it holds now, or held at its end. */
  readonly holds: [ModelHold, ...ModelHold[]];
  endedAt: number | null;
  endedMs: number;
  cancelled: boolean;
  cost: bigint;
  inputTokens: bigint;
  outputTokens: bigint;
  shadowCost: bigint;
  /** The cost as it was settled: corrections change budgets alone. */
  limitCost: bigint;
}

/** One window's counters. */
export interface Counted {
  readonly settled: bigint;
  readonly held: bigint;
  readonly inFlight: number;
}

export class Model {
  readonly attempts: ModelAttempt[] = [];
  meters = new Map<string, ModelMeter>();
  /** Numbers every event. */
  clock = 0;

  configure(
    definitions: readonly MeterDefinition[],
    at: { readonly nowMs: number; readonly lookedUpAt: number; readonly lookedUpMs: number },
  ): void {
    const addedAt = ++this.clock;
    const meters = definitions.map((definition): [string, ModelMeter] => {
      const known = this.meters.get(definition.id);
      const meter = known ?? {
        ...definition,
        addedAt,
        addedMs: at.nowMs,
        lookedUpAt: at.lookedUpAt,
        lookedUpMs: at.lookedUpMs,
        caps: [],
        closed: new Map<string, number>(),
      };
      meter.cap = definition.cap;
      meter.caps.push({ fromMs: at.nowMs, cap: definition.cap });
      return [definition.id, meter];
    });
    this.meters = new Map(meters);
  }

  /** From here on the shadow's books differ from the real ones. */
  startShadow(): void {
    for (const attempt of this.attempts) {
      for (const hold of attempt.holds) hold.shadow = hold;
      attempt.shadowCost = attempt.cost;
    }
  }

  /** Closes sessions that nobody has used for thirty days; the names of those that spent, sorted. */
  closeIdleSessions(nowMs: number): string[] {
    const closed: string[] = [];
    for (const meter of this.meters.values())
      for (const label of this.sessionsOf(meter)) {
        const members = this.#members(meter, label);
        if (members.length === 0 || members.some((attempt) => attempt.endedAt === null)) continue;
        // A window that history opened was first used when its budget was added.
        const known = members.some((attempt) => attempt.admittedAt < meter.addedAt);
        const lastMs = Math.max(
          ...members.map(({ admittedMs }) => admittedMs),
          known ? meter.addedMs : 0,
        );
        if (lastMs >= nowMs - THIRTY_DAYS_MS) continue;
        if (members.some((one) => settledBy(meter, one, "real") !== 0n))
          closed.push(`${meter.id}#${label}`);
        meter.closed.set(label, this.clock);
      }
    return closed.toSorted();
  }

  sessionsOf(meter: ModelMeter): string[] {
    if (meter.span?.kind !== "session" && meter.span?.kind !== "subagent") return [];
    const members = this.attempts.filter((attempt) => isIn(meter, attempt));
    return [...new Set(members.map((attempt) => labelOf(meter, attempt.admittedMs, attempt)))];
  }

  /** What a meter's window of this label has settled and holds at `nowMs`. */
  count(meter: ModelMeter, label: string, nowMs: number, books: Books): Counted {
    let [settled, held, inFlight] = [0n, 0n, 0];
    for (const attempt of this.#members(meter, label)) {
      if (attempt.endedAt === null) {
        if (books === "real" || lastHold(attempt).shadow !== null) inFlight++;
        held += heldBy(meter, lastHold(attempt), books);
      } else if (!hasExpired(meter, attempt, nowMs)) settled += settledBy(meter, attempt, books);
    }
    return { settled, held, inFlight };
  }

  /** A token bucket's content times the milliseconds of its period; never above its size. */
  level(meter: ModelMeter, nowMs: number, books: Books): bigint {
    const period = BigInt(meter.span?.kind === "calendar" ? PERIOD_MS[meter.span.per] : 1);
    const full = BigInt(meter.burst ?? 0) * period;
    let [level, atMs] = [full, meter.addedMs];
    for (const { timeMs, by } of this.#movements(meter, books)) {
      level = refilled(meter, { level, full }, atMs, timeMs) + by * period;
      if (level > full) level = full;
      atMs = timeMs;
    }
    return refilled(meter, { level, full }, atMs, nowMs);
  }

  #movements(meter: ModelMeter, books: Books): { timeMs: number; by: bigint }[] {
    const all = this.#members(meter, "").flatMap((attempt) => {
      let before = 0n;
      const moved = attempt.holds.map((hold) => {
        const held = heldBy(meter, hold, books);
        const by = before - held;
        before = held;
        return { timeMs: hold.timeMs, at: hold.at, by };
      });
      if (attempt.endedAt === null) return moved;
      const left = before - settledBy(meter, attempt, books);
      return [...moved, { timeMs: attempt.endedMs, at: attempt.endedAt, by: left }];
    });
    return all.toSorted((left, right) => left.at - right.at);
  }

  #members(meter: ModelMeter, label: string): ModelAttempt[] {
    return this.attempts.filter((attempt) => this.counts(meter, label, attempt));
  }

  /** Whether the meter's window of this label counts the attempt. */
  counts(meter: ModelMeter, label: string, attempt: ModelAttempt): boolean {
    return (
      isIn(meter, attempt) &&
      attempt.admittedAt > (meter.closed.get(label) ?? -1) &&
      labelOf(meter, attempt.admittedMs, attempt) === label
    );
  }
}

function refilled(
  meter: ModelMeter,
  { level, full }: { readonly level: bigint; readonly full: bigint },
  fromMs: number,
  toMs: number,
): bigint {
  let now = level;
  meter.caps.forEach(({ fromMs: capFromMs, cap }, index) => {
    const startMs = Math.max(fromMs, capFromMs);
    const endMs = Math.min(toMs, meter.caps[index + 1]?.fromMs ?? Infinity);
    if (endMs > startMs) now += BigInt(endMs - startMs) * cap;
    if (now > full) now = full;
  });
  return now;
}

/** Whether the meter counts the attempt at all. */
function isIn(meter: ModelMeter, attempt: ModelAttempt): boolean {
  if (attempt.admittedAt > meter.addedAt) return attempt.chain.has(meter.id);
  // Limits, and budgets of agents, begin with nothing.
  if (meter.unit !== "usd" || meter.span?.kind === "subagent") return false;
  if (!isOf(meter.scope, attempt)) return false;
  // A budget begins with the window that runs when it is added.
  if (meter.span?.kind === "calendar" && !isRunning(meter, attempt)) return false;
  if (meter.span?.kind !== "session") return true;
  // History tells of what sessions can still be used; what it misses meanwhile is watched beside it.
  const isOld = hasName(attempt)
    ? attempt.admittedMs < meter.lookedUpMs - THIRTY_DAYS_MS
    : sessionOf(attempt, attempt.admittedMs) !== sessionOf(attempt, meter.lookedUpMs);
  return !isOld || attempt.endedAt === null || attempt.endedAt > meter.lookedUpAt;
}

function isRunning(meter: ModelMeter, attempt: ModelAttempt): boolean {
  const running = labelOf(meter, meter.addedMs, attempt);
  return labelOf(meter, attempt.admittedMs, attempt) === running;
}

export function isOf({ type, id }: Scope | AccountScope, subject: Subject): boolean {
  switch (type) {
    case "customer":
      return subject.customer === id;
    case "team":
      return subject.team === id;
    case "owner":
      return subject.owner === id;
    case "virtual_key":
      return subject.key === id;
    case "provider_config":
      return `${subject.key}/${subject.provider}` === id;
    case "provider_key":
      return `${subject.provider}/${PROVIDER_KEY}` === id;
    case "session":
    case "subagent":
      return false;
  }
}

/** Which window of the meter a moment falls into; "" where there is only one. */
export function labelOf(
  { span, burst }: MeterDefinition,
  timeMs: number,
  subject: Subject,
): string {
  if (span?.kind === "session") return `${subject.key}/${sessionOf(subject, timeMs)}`;
  if (span?.kind === "subagent") {
    const session = sessionOf(subject, timeMs).replaceAll("%", "%25").replaceAll("/", "%2F");
    return `${subject.key}/${session}/${subject.agent}`;
  }
  return span?.kind === "calendar" && burst === null ? calendarLabel(span, timeMs) : "";
}

/** The session as the client named it; without a name a new one each day. */
function sessionOf(subject: Subject, timeMs: number): string {
  return hasName(subject)
    ? subject.session
    : `default ${new Date(timeMs).toISOString().slice(0, 10)}`;
}

function hasName(subject: Subject): subject is Subject & { readonly session: string } {
  const { session } = subject;
  return session !== null && session !== "" && Buffer.byteLength(session) <= 128;
}

function hasExpired({ span }: ModelMeter, { admittedMs }: ModelAttempt, nowMs: number): boolean {
  if (span?.kind !== "rolling") return false;
  return bucketOf(span.spanMs, admittedMs) < bucketOf(span.spanMs, nowMs - span.spanMs);
}

/** What an attempt holds now, or held at its end. */
export function lastHold({ holds }: Pick<ModelAttempt, "holds">): ModelHold {
  return holds.at(-1) ?? holds[0];
}

/** A limit on tokens or cost holds, but for an account's, which counts what has settled. */
export function isReserving({ unit, scope }: Pick<MeterDefinition, "unit" | "scope">): boolean {
  if (scope.type === "provider_key") return false;
  return unit === "cost" || unit === "input_tokens" || unit === "output_tokens";
}

function heldBy(meter: ModelMeter, hold: ModelHold, books: Books): bigint {
  const held = books === "real" ? hold : hold.shadow;
  if (held === null) return 0n;
  if (meter.unit === "requests" || meter.unit === "concurrent") return 1n;
  if (meter.unit === "usd") return held.need;
  if (!isReserving(meter)) return 0n;
  if (meter.unit === "cost") return held.need;
  return meter.unit === "input_tokens" ? held.inputNeed : held.outputNeed;
}

function settledBy(meter: ModelMeter, attempt: ModelAttempt, books: Books): bigint {
  // What a budget was opened with is in both books.
  const opened = attempt.endedAt !== null && attempt.endedAt < meter.addedAt;
  if (meter.unit === "usd") return books === "real" || opened ? attempt.cost : attempt.shadowCost;
  if (attempt.cancelled || (books === "shadow" && lastHold(attempt).shadow === null)) return 0n;
  switch (meter.unit) {
    case "cost":
      return attempt.limitCost;
    case "requests":
      return 1n;
    case "input_tokens":
      return attempt.inputTokens;
    case "output_tokens":
      return attempt.outputTokens;
    case "concurrent":
      return 0n;
  }
}
