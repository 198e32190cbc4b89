/** Every counter of a ledger as plain data, so that two ledgers can be compared, or one with the model. */
import type { NodeState } from "../../src/node/state.ts";
import type { Window } from "../../src/ledger/state.ts";
import { advance } from "../../src/ledger/window.ts";
import { labelOf, type Model, type ModelMeter, PERIOD_MS } from "./model.ts";

export interface Counters {
  readonly settled: bigint;
  readonly held: bigint;
  readonly shadowSettled: bigint;
  readonly shadowHeld: bigint;
  readonly inFlight: number;
  /** Of a token bucket: the real and the shadow's level. */
  readonly level: readonly [bigint, bigint] | null;
}

const NONE: Counters = {
  settled: 0n,
  held: 0n,
  shadowSettled: 0n,
  shadowHeld: 0n,
  inFlight: 0,
  level: null,
};

/** Windows that decisions can still depend on, by key; those that count nothing are left out. */
export function countersOf(state: NodeState, nowMs: number): Map<string, Counters & Rest> {
  const counters = new Map<string, Counters & Rest>();
  for (const window of state.fold.ledger.windows()) {
    if (window.endMs !== null && window.endMs <= nowMs && window.inFlight === 0) continue;
    advance(window, nowMs);
    const counted = { ...countersIn(window), ...restOf(window) };
    if (!isEmpty(window, counted)) counters.set(window.key, counted);
  }
  return new Map([...counters].toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

interface Rest {
  readonly buckets: readonly (readonly [index: number, settled: bigint, shadow: bigint])[];
  readonly lastUsedMs: number | null;
}

function restOf({ buckets, session, lastUsedMs }: Window): Rest {
  return {
    buckets: (buckets ?? [])
      .filter((bucket) => bucket.settled !== 0n || bucket.shadowSettled !== 0n)
      .map((bucket) => [bucket.index, bucket.settled, bucket.shadowSettled] as const),
    lastUsedMs: session === null ? null : lastUsedMs,
  };
}

export function countersIn(window: Window): Counters {
  const { settled, held, shadowSettled, shadowHeld, inFlight, level } = window;
  const levels = level === null ? null : ([level.amount, level.shadowAmount] as const);
  // What has left a token bucket is in its level; the sum since its beginning says nothing.
  return levels === null
    ? { settled, held, shadowSettled, shadowHeld, inFlight, level: null }
    : { ...NONE, held, shadowHeld, inFlight, level: levels };
}

function isEmpty(window: Window, counted: Counters & Rest): boolean {
  return counted.buckets.length === 0 && countsNothing(counted, window.meter);
}

/** What the model counts in the window of that label. */
export function countersByModel(of: {
  readonly model: Model;
  readonly meter: ModelMeter;
  readonly label: string;
  readonly nowMs: number;
}): Counters {
  const { model, meter, label, nowMs } = of;
  const real = model.count(meter, label, nowMs, "real");
  const shadow = model.count(meter, label, nowMs, "shadow");
  const { held, inFlight } = real;
  if (meter.burst !== null) {
    const level = [model.level(meter, nowMs, "real"), model.level(meter, nowMs, "shadow")] as const;
    return { ...NONE, held, shadowHeld: shadow.held, inFlight, level };
  }
  return {
    settled: real.settled,
    held,
    shadowSettled: shadow.settled,
    shadowHeld: shadow.held,
    inFlight,
    level: null,
  };
}

const NOBODY = {
  customer: "",
  team: "",
  owner: null,
  key: "",
  provider: "",
  session: null,
  agent: null,
};

/** The label by which the model names a window of the ledger. */
export function labelOfWindow(window: Window, meter: ModelMeter): string {
  if (window.session !== null) return window.key.slice(window.key.indexOf("#") + 1);
  return labelOf(meter, window.startMs ?? 0, NOBODY);
}

/** The labels of all windows of a meter that are open at `nowMs` or hold something. */
export function openLabels(model: Model, meter: ModelMeter, nowMs: number): ReadonlySet<string> {
  if (meter.span?.kind === "session" || meter.span?.kind === "subagent")
    return new Set(model.sessionsOf(meter));
  const held = model.attempts.flatMap((attempt) => {
    const label = labelOf(meter, attempt.admittedMs, attempt);
    return attempt.endedAt === null && model.counts(meter, label, attempt) ? [label] : [];
  });
  return new Set([labelOf(meter, nowMs, NOBODY), ...held]);
}

/** Whether a window that counts this would be the same as none. */
export function countsNothing(
  { level, ...counters }: Counters,
  { burst, span }: Pick<ModelMeter, "burst" | "span">,
): boolean {
  const { settled, held, shadowSettled, shadowHeld, inFlight } = counters;
  const periodMs = span?.kind === "calendar" ? PERIOD_MS[span.per] : 1;
  const full = level?.every((amount) => amount === BigInt(burst ?? 0) * BigInt(periodMs)) ?? true;
  return full && inFlight === 0 && settled + held + shadowSettled + shadowHeld === 0n;
}
