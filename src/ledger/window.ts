/** One window's counters: what is settled, what is held, and how both move. Pure arithmetic, no I/O. */
import { invariant } from "../core/invariant.ts";
import type { Bounds, Bucket, Level, Meter, SessionName, Window } from "./state.ts";

/** Rolling spans are counted in this many buckets and the running one. */
const ROLLING_BUCKETS = 60;
const PERIOD_MS = {
  second: 1e3,
  minute: 6e4,
  hour: 3.6e6,
  day: 8.64e7,
  week: 6.048e8,
  month: 2.592e9,
};

export function createWindow(of: {
  readonly key: string;
  readonly meter: Meter;
  readonly bounds: Bounds | null;
  readonly session: SessionName | null;
  readonly timeMs: number;
}): Window {
  return {
    key: of.key,
    meter: of.meter,
    session: of.session,
    startMs: of.bounds?.startMs ?? null,
    endMs: of.bounds?.endMs ?? null,
    settled: 0n,
    held: 0n,
    shadowSettled: 0n,
    shadowHeld: 0n,
    inFlight: 0,
    lastUsedMs: of.timeMs,
    buckets: of.meter.span?.kind === "rolling" ? [] : null,
    oldestBucket: -Infinity,
    level: of.meter.burst === null ? null : { amount: of.meter.burst, atMs: of.timeMs },
  };
}

/** Length of one bucket of a rolling window in milliseconds; 0 for all others. */
export function bucketMs(window: Window): number {
  const span = window.meter.span;
  return span?.kind === "rolling" ? span.spanMs / ROLLING_BUCKETS : 0;
}

/** Lets leave what has left by `nowMs`: expired buckets, and the refill of a token bucket. */
export function advance(window: Window, nowMs: number): void {
  if (window.buckets !== null) expireBuckets(window, window.buckets, nowMs);
  if (window.level !== null) refill(window, window.level, nowMs);
}

function expireBuckets(window: Window, buckets: Bucket[], nowMs: number): void {
  const span = window.meter.span;
  if (span?.kind !== "rolling") return;
  // A bucket leaves when its newest instant does: leaving earlier would let money be spent twice.
  const oldest = Math.floor((nowMs - span.spanMs) / bucketMs(window));
  if (oldest <= window.oldestBucket) return;
  window.oldestBucket = oldest;
  while (buckets[0] !== undefined && buckets[0].index < oldest) {
    const gone = buckets.shift();
    window.settled -= gone?.settled ?? 0n;
    window.shadowSettled -= gone?.shadowSettled ?? 0n;
  }
}

function refill(window: Window, level: Level, nowMs: number): void {
  const { burst, cap } = window.meter;
  if (nowMs <= level.atMs || burst === null) return;
  level.amount = Math.min(
    burst,
    level.amount + (nowMs - level.atMs) * ratePerMs(window.meter, cap),
  );
  level.atMs = nowMs;
}

function ratePerMs(meter: Meter, cap: bigint | null): number {
  const periodMs = meter.span?.kind === "calendar" ? PERIOD_MS[meter.span.per] : Infinity;
  return Number(cap ?? 0n) / periodMs;
}

/** Milliseconds until a token bucket holds `amount`; Infinity where it never will. */
export function refillMs(window: Window, amount: number): number {
  const missing = amount - (window.level?.amount ?? 0);
  const rate = ratePerMs(window.meter, window.meter.cap);
  if (missing <= 0) return 0;
  return rate === 0 ? Infinity : Math.ceil(missing / rate);
}

/** Takes a hold. `shadow` is null where enforcement would not have admitted it. */
export function take(window: Window, amount: bigint, shadow: bigint | null, nowMs: number): void {
  window.held += amount;
  window.shadowHeld += shadow ?? 0n;
  window.inFlight++;
  window.lastUsedMs = Math.max(window.lastUsedMs, nowMs);
  if (window.level !== null) window.level.amount -= Number(amount);
}

/** Lowers a hold while its attempt runs. */
export function release(window: Window, by: bigint, shadowBy: bigint): void {
  window.held -= by;
  window.shadowHeld -= shadowBy;
  invariant(window.held >= 0n, "held never negative");
}

/** How a hold ends in one window. */
export interface Charge {
  readonly held: bigint;
  /** Null where the shadow did not hold. */
  readonly shadowHeld: bigint | null;
  /** What stays: the cost; 0 where the hold is given back. */
  readonly settled: bigint;
  /** When the hold was taken: the charge belongs to that moment. */
  readonly admittedMs: number;
}

/** Replaces a hold by its charge. */
export function settle(window: Window, charge: Charge): void {
  window.held -= charge.held;
  window.shadowHeld -= charge.shadowHeld ?? 0n;
  window.inFlight--;
  invariant(window.held >= 0n && window.inFlight >= 0, "held never negative");
  if (window.level !== null) window.level.amount -= Number(charge.settled - charge.held);
  add(window, charge.settled, charge.shadowHeld === null ? 0n : charge.settled, charge.admittedMs);
}

/** Adds to what is settled, at the moment that the money was admitted. May be negative (correction). */
export function add(
  window: Window,
  amount: bigint,
  shadowAmount: bigint,
  admittedMs: number,
): void {
  if (window.buckets !== null) {
    const bucket = bucketAt(window, window.buckets, admittedMs);
    if (bucket === null) return;
    bucket.settled += amount;
    bucket.shadowSettled += shadowAmount;
  }
  window.settled += amount;
  window.shadowSettled += shadowAmount;
}

/** The bucket of `timeMs`, made where it is missing; null where it has left the window already. */
function bucketAt(window: Window, buckets: Bucket[], timeMs: number): Bucket | null {
  const index = Math.floor(timeMs / bucketMs(window));
  if (index < window.oldestBucket) return null;
  let at = buckets.length;
  while (at > 0 && (buckets[at - 1]?.index ?? -Infinity) > index) at--;
  const found = buckets[at - 1];
  if (found?.index === index) return found;
  const bucket = { index, settled: 0n, shadowSettled: 0n };
  buckets.splice(at, 0, bucket);
  return bucket;
}

/**
 * When a rolling window will have room for `amount` beside what stays, if nothing more is spent:
 * Unix milliseconds, or null where even an empty window has not.
 */
export function roomAtMs(window: Window, amount: bigint): number | null {
  const { cap, span } = window.meter;
  if (cap === null || span?.kind !== "rolling" || amount > cap) return null;
  let settled = window.settled;
  for (const bucket of window.buckets ?? []) {
    settled -= bucket.settled;
    if (settled + amount <= cap) return (bucket.index + 1) * bucketMs(window) + span.spanMs;
  }
  return null;
}
