/** The ledger's state as JSON and back: what a start loads before it replays the rest of the journal. */
import { invariant } from "../core/invariant.ts";
import type { AdmitRecord } from "../journal/record.ts";
import type { FoldState } from "./fold.ts";
import type { Hold } from "./ledger.ts";
import { Ledger } from "./ledger.ts";
import type { Level, TokenNeed, Window } from "./state.ts";

interface WindowSnapshot {
  readonly key: string;
  readonly settled: string;
  readonly shadow: string;
  readonly used: number;
  readonly buckets?: readonly (readonly [index: number, settled: string, shadow: string])[];
  readonly oldest?: number;
  readonly level?: { readonly amount: string; readonly shadow: string; readonly atMs: number };
}

interface HoldSnapshot {
  readonly record: AdmitRecord;
  readonly windows: readonly string[];
  readonly need: string;
  readonly shadowNeed: string | null;
  readonly tokens?: TokenNeed;
  readonly shadowTokens?: TokenNeed;
}

type MeterSnapshot = readonly [id: string, cap: string | null, shadow?: "shadow"];

export interface LedgerSnapshot {
  readonly mode: "enforce" | "observe";
  readonly digest: string | null;
  /** The meters in force and their caps; null: none is known yet. */
  readonly meters: readonly MeterSnapshot[];
  readonly windows: readonly WindowSnapshot[];
  readonly holds: readonly HoldSnapshot[];
  readonly openRequests: readonly AdmitRecord[];
}

/** All that is needed to go on from this moment. Held amounts follow from the holds. */
export function snapshotOf(state: FoldState): LedgerSnapshot {
  const { ledger } = state;
  return {
    mode: state.mode,
    digest: state.digest,
    meters: [...ledger.meters()].map(({ id, cap, hasShadow }): MeterSnapshot =>
      hasShadow ? [id, capText(cap), "shadow"] : [id, capText(cap)],
    ),
    windows: [...ledger.windows()].map(windowSnapshot),
    holds: [...ledger.holds()].map((hold) => holdSnapshot(hold, ledger)),
    openRequests: [...state.openRequests.values()],
  };
}

function capText(cap: bigint | null): string | null {
  return cap === null ? null : String(cap);
}

function windowSnapshot(window: Window): WindowSnapshot {
  return {
    key: window.key,
    settled: String(window.settled),
    shadow: String(window.shadowSettled),
    used: window.lastUsedMs,
    ...(window.buckets === null
      ? {}
      : {
          buckets: window.buckets.map(
            (bucket) =>
              [bucket.index, String(bucket.settled), String(bucket.shadowSettled)] as const,
          ),
          oldest: Number.isFinite(window.oldestBucket)
            ? window.oldestBucket
            : Number.MIN_SAFE_INTEGER,
        }),
    ...(window.level === null ? {} : { level: levelSnapshot(window.level) }),
  };
}

function levelSnapshot({ amount, shadowAmount, atMs }: Level) {
  return { amount: String(amount), shadow: String(shadowAmount), atMs };
}

function holdSnapshot(hold: Hold, ledger: Ledger): HoldSnapshot {
  return {
    record: hold.record,
    // Windows of removed budgets are nobody's, and one that was added again has the same key.
    windows: hold.windows
      .filter((window) => ledger.window(window.key) === window)
      .map((window) => window.key),
    need: String(hold.need),
    shadowNeed: hold.shadowNeed === null ? null : String(hold.shadowNeed),
    tokens: hold.tokens,
    shadowTokens: hold.shadowTokens,
  };
}

/** The state that `snapshotOf` described. */
export function restoreSnapshot(snapshot: LedgerSnapshot): FoldState {
  const ledger = new Ledger();
  for (const [id, cap, shadow] of snapshot.meters) {
    const meter = ledger.track(id);
    meter.cap = cap === null ? null : BigInt(cap);
    meter.hasShadow = shadow !== undefined || snapshot.mode === "observe";
  }
  // The latest first: a window that is no longer current is dropped where nothing is held in it yet.
  const windows = snapshot.windows.toSorted((left, right) => (left.key < right.key ? 1 : -1));
  for (const saved of windows) restoreWindow(ledger, saved);
  for (const saved of snapshot.holds) restoreHold(ledger, saved);
  // Token buckets were saved with what open holds had taken already.
  for (const saved of snapshot.windows) restoreLevel(ledger, saved);
  const requests = snapshot.openRequests.map((record) => [record.request, record] as const);
  const { mode, digest } = snapshot;
  return { ledger, mode, digest, openRequests: new Map(requests) };
}

function restoreWindow(ledger: Ledger, saved: WindowSnapshot): void {
  const window = ledger.windowByKey(saved.key, saved.used);
  window.settled = BigInt(saved.settled);
  window.shadowSettled = BigInt(saved.shadow);
  window.lastUsedMs = saved.used;
  window.oldestBucket = saved.oldest ?? -Infinity;
  for (const [index, settled, shadow] of saved.buckets ?? [])
    window.buckets?.push({ index, settled: BigInt(settled), shadowSettled: BigInt(shadow) });
}

function restoreHold(ledger: Ledger, saved: HoldSnapshot): void {
  const admittedMs = Date.parse(saved.record.time);
  invariant(!Number.isNaN(admittedMs), "a record has a time");
  ledger.take({
    id: `${saved.record.request}/${saved.record.attempt}`,
    record: saved.record,
    windows: saved.windows.map((key) => ledger.windowByKey(key, admittedMs)),
    admittedMs,
    need: BigInt(saved.need),
    shadowNeed: saved.shadowNeed === null ? null : BigInt(saved.shadowNeed),
    ...(saved.tokens === undefined ? {} : { tokens: saved.tokens }),
    ...(saved.shadowTokens === undefined ? {} : { shadowTokens: saved.shadowTokens }),
  });
}

function restoreLevel(ledger: Ledger, saved: WindowSnapshot): void {
  const { level } = ledger.windowByKey(saved.key, saved.used);
  if (level === null || saved.level === undefined) return;
  level.amount = BigInt(saved.level.amount);
  level.shadowAmount = BigInt(saved.level.shadow);
  level.atMs = saved.level.atMs;
}
