/** One window's counters: what is settled, what is held, and how both move. Pure arithmetic, no I/O. */
import { invariant } from "../core/invariant.ts";
import type { CalendarPeriod } from "../core/span.ts";
import type { Bounds, Bucket, Level, Meter, SessionName, Window } from "./state.ts";

/** Rolling spans are counted in this many buckets and the running one. */
const ROLLING_BUCKETS = 60;
const PERIOD_MS: Readonly<Record<CalendarPeriod, bigint>> = {
  second: 1000n,
  minute: 60_000n,
  hour: 3_600_000n,
  day: 86_400_000n,
  week: 604_800_000n,
  month: 2_592_000_000n,
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
    shadowInFlight: 0,
    overshootBy: null,
    shadowOvershootBy: null,
    lastUsedMs: of.timeMs,
    buckets: of.meter.span?.kind === "rolling" ? [] : null,
    oldestBucket: -Infinity,
    level: fullLevel(of.meter, of.timeMs),
  };
}

/** The bucket of a rolling span that `timeMs` falls into. Whole numbers throughout: no bucket leaves early. */
export function bucketIndex(spanMs: number, timeMs: number): number {
  return Math.floor((timeMs * ROLLING_BUCKETS) / spanMs);
}

/** The first millisecond of a bucket. */
export function bucketStartMs(spanMs: number, index: number): number {
  return Math.ceil((index * spanMs) / ROLLING_BUCKETS);
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
  const oldest = bucketIndex(span.spanMs, nowMs - span.spanMs);
  if (oldest <= window.oldestBucket) return;
  window.oldestBucket = oldest;
  while (buckets[0] !== undefined && buckets[0].index < oldest) {
    const gone = buckets.shift();
    window.settled -= gone?.settled ?? 0n;
    window.shadowSettled -= gone?.shadowSettled ?? 0n;
  }
}

function refill(window: Window, level: Level, nowMs: number): void {
  if (nowMs <= level.atMs) return;
  const gained = BigInt(nowMs - level.atMs) * refillPerMs(window.meter);
  move(window.meter, level, { by: gained, shadowBy: gained });
  level.atMs = nowMs;
}

/** A bucket never holds more than its size. */
function move(meter: Meter, level: Level, change: { by: bigint; shadowBy: bigint }): void {
  const full = fullAmount(meter);
  level.amount = least(full, level.amount + change.by);
  level.shadowAmount = least(full, level.shadowAmount + change.shadowBy);
}

/** A level counts this many to one of the meter's unit: a millisecond then refills a whole number. */
export function levelUnit(meter: Meter): bigint {
  return meter.span?.kind === "calendar" ? PERIOD_MS[meter.span.per] : 1n;
}

function refillPerMs(meter: Meter): bigint {
  return meter.span?.kind === "calendar" ? (meter.cap ?? 0n) : 0n;
}

function fullAmount(meter: Meter): bigint {
  return BigInt(meter.burst ?? 0) * levelUnit(meter);
}

function fullLevel(meter: Meter, timeMs: number): Level | null {
  if (meter.burst === null) return null;
  return { amount: fullAmount(meter), shadowAmount: fullAmount(meter), atMs: timeMs };
}

/** Milliseconds until a level has risen to so many of the meter's unit; null where it never will. */
export function refillMs(meter: Meter, amount: bigint, wanted = 1n): number | null {
  const missing = wanted * levelUnit(meter) - amount;
  const rate = refillPerMs(meter);
  if (missing <= 0n) return 0;
  if (wanted > BigInt(meter.burst ?? 0)) return null;
  return rate === 0n ? null : Number((missing + rate - 1n) / rate);
}

function least(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}

/** Takes a hold. `shadow` is null where enforcement would not have admitted it. */
export function take(window: Window, amount: bigint, shadow: bigint | null, nowMs: number): void {
  window.held += amount;
  window.shadowHeld += shadow ?? 0n;
  window.inFlight++;
  if (shadow !== null) window.shadowInFlight++;
  window.lastUsedMs = Math.max(window.lastUsedMs, nowMs);
  if (window.level !== null) {
    const unit = levelUnit(window.meter);
    move(window.meter, window.level, { by: -amount * unit, shadowBy: -(shadow ?? 0n) * unit });
  }
}

/** Lowers a hold while its attempt runs. */
export function release(window: Window, by: bigint, shadowBy: bigint): void {
  window.held -= by;
  window.shadowHeld -= shadowBy;
  invariant(window.held >= 0n, "held never negative");
  if (window.level === null) return;
  const unit = levelUnit(window.meter);
  move(window.meter, window.level, { by: by * unit, shadowBy: shadowBy * unit });
}

/** How a hold ends in one window. */
export interface Charge {
  readonly held: bigint;
  /** Null where the shadow did not hold. */
  readonly shadowHeld: bigint | null;
  /** What stays: the cost; 0 where the hold is given back. */
  readonly settled: bigint;
  /** What stays in the shadow, whose answer may have been shorter; left out: the same. */
  readonly shadowSettled?: bigint;
  /** When the hold was taken: the charge belongs to that moment. */
  readonly admittedMs: number;
}

/** Replaces a hold by its charge. */
export function settle(window: Window, charge: Charge): void {
  window.held -= charge.held;
  window.shadowHeld -= charge.shadowHeld ?? 0n;
  window.inFlight--;
  if (charge.shadowHeld !== null) window.shadowInFlight--;
  invariant(window.held >= 0n && window.inFlight >= 0, "held never negative");
  const shadowSettled = charge.shadowHeld === null ? 0n : (charge.shadowSettled ?? charge.settled);
  if (window.level !== null) {
    const unit = levelUnit(window.meter);
    const shadowBy = (charge.shadowHeld ?? 0n) - shadowSettled;
    const by = charge.held - charge.settled;
    move(window.meter, window.level, { by: by * unit, shadowBy: shadowBy * unit });
  }
  add(window, charge.settled, shadowSettled, charge.admittedMs);
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
  const span = window.meter.span;
  if (span?.kind !== "rolling") return null;
  const index = bucketIndex(span.spanMs, timeMs);
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
 * When enough of a rolling window will have expired for `amount` to fit beside the rest, if nothing more
 * is spent: Unix milliseconds; null where that needs no waiting, or where even an empty window is too small.
 */
export function roomAtMs(
  window: Window,
  amount: bigint,
  books: "real" | "shadow" = "real",
): number | null {
  const { cap, span } = window.meter;
  if (cap === null || span?.kind !== "rolling" || amount > cap) return null;
  let settled = books === "real" ? window.settled : window.shadowSettled;
  if (settled + amount <= cap) return null;
  for (const bucket of window.buckets ?? []) {
    settled -= books === "real" ? bucket.settled : bucket.shadowSettled;
    if (settled + amount <= cap) return bucketStartMs(span.spanMs, bucket.index + 1) + span.spanMs;
  }
  return null;
}
