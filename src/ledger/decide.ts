/** Whether an attempt fits its windows, and if not, which window says no and why. Pure. */
import type { Level, Window } from "./state.ts";
import { amountHeld } from "./ledger.ts";
import { levelUnit, refillMs, roomAtMs } from "./window.ts";

/** The real counters, or those of what enforcement would have done. */
export type Books = "real" | "shadow";

export type ShortageCode =
  | "rate_limited"
  | "concurrency_limited"
  | "budget_exhausted"
  | "request_exceeds_budget"
  | "budget_busy";

/** One window that says no. */
export interface Shortage {
  readonly code: ShortageCode;
  readonly window: Window;
  /** When it has room again by the calendar; null where time alone does not help. */
  readonly resetMs: number | null;
}

/** Share of a cap, in percent, above which a request that does not fit finds it exhausted. */
const EXHAUSTED_ABOVE_PERCENT = 95n;

/**
 * The limit that refuses, or null. Of several the one that resets last; rates come before concurrency, and
 * the chain's own limits before those of the provider's key.
 */
export function limitShortage(
  windows: readonly Window[],
  nowMs: number,
  books: Books,
): Shortage | null {
  let short: Shortage[] | null = null;
  for (const window of windows) {
    if (window.meter.unit === "usd" || fitsLimit(window, books)) continue;
    (short ??= []).push(limitShortageOf(window, nowMs, books));
  }
  if (short === null) return null;
  const own = short.filter((shortage) => !isOfAccount(shortage));
  return latest(own.length > 0 ? own : short, ["rate_limited", "concurrency_limited"]);
}

/** A limit of a provider's key: another key, or another target, may have room. */
export function isOfAccount({ window }: Shortage): boolean {
  return window.meter.scope.type === "provider_key";
}

function fitsLimit(window: Window, books: Books): boolean {
  const { cap } = window.meter;
  if (cap === null) return true;
  if (window.level !== null) return levelIn(window.level, books) >= levelUnit(window.meter);
  const one = amountHeld(window, 0n);
  return settledIn(window, books) + heldIn(window, books) + (one === 0n ? 1n : one) <= cap;
}

function limitShortageOf(window: Window, nowMs: number, books: Books): Shortage {
  const { meter, level } = window;
  if (meter.unit === "concurrent") return { code: "concurrency_limited", window, resetMs: null };
  if (level === null) {
    const resetMs = window.endMs ?? rollingRoomAtMs(window, nowMs, books);
    return { code: "rate_limited", window, resetMs };
  }
  const waitMs = refillMs(meter, levelIn(level, books));
  const resetMs = waitMs === null ? null : nowMs + waitMs;
  return { code: "rate_limited", window, resetMs };
}

/** When a rolling limit has room beside what is in flight; null for what is not rolling, or never has room. */
function rollingRoomAtMs(window: Window, nowMs: number, books: Books): number | null {
  const { cap, span } = window.meter;
  if (span?.kind !== "rolling" || cap === null || cap < 1n) return null;
  // What is in flight fills it alone: that leaves a whole span after it was taken, at the latest.
  return roomAtMs(window, heldIn(window, books) + 1n, books) ?? nowMs + span.spanMs;
}

function levelIn(level: Level, books: Books): bigint {
  return books === "real" ? level.amount : level.shadowAmount;
}

/** What an attempt asks of every budget of its chain, in nano-dollars. */
export interface Claim {
  /** The most that it can cost: its hold. */
  readonly need: bigint;
  /** What it probably costs; all that a budget with `last_request` has to have left. */
  readonly likely: () => bigint;
}

/** A claim of which no more is known than its bound. */
export function claimOf(need: bigint): Claim {
  return { need, likely: () => need };
}

/**
 * The budget that refuses a claim, or null where all have room. Of several the worst reason wins, and of
 * equal reasons the one that resets last; `total` and `session` count as last.
 */
export function budgetShortage(
  windows: readonly Window[],
  claim: Claim,
  books: Books,
): Shortage | null {
  let short: Shortage[] | null = null;
  for (const window of windows) {
    if (window.meter.unit !== "usd" || fitsBudget(window, claim, books)) continue;
    (short ??= []).push(budgetShortageOf(window, claim, books));
  }
  return short === null
    ? null
    : latest(short, ["budget_exhausted", "request_exceeds_budget", "budget_busy"]);
}

function fitsBudget(window: Window, { need, likely }: Claim, books: Books): boolean {
  const headroom = headroomOf(window, books);
  if (headroom >= need) return true;
  // One at a time may go over the cap, and only where it probably does not.
  const overshootBy = books === "real" ? window.overshootBy : window.shadowOvershootBy;
  const isLast = window.meter.overshoot === "last_request" && overshootBy === null;
  return isLast && headroom > 0n && headroom >= likely();
}

function budgetShortageOf(window: Window, { need, likely }: Claim, books: Books): Shortage {
  const cap = window.meter.cap ?? 0n;
  const settled = settledIn(window, books);
  const enough = window.meter.overshoot === "last_request" ? likely() : need;
  if (settled < cap && settled + enough <= cap)
    return { code: "budget_busy", window, resetMs: null };
  const exhausted = cap <= 0n || settled * 100n > cap * EXHAUSTED_ABOVE_PERCENT;
  // What no empty window has room for resets, like a calendar window, when all has expired.
  const resetMs = window.endMs ?? roomAtMs(window, need < cap ? need : cap, books);
  return { code: exhausted ? "budget_exhausted" : "request_exceeds_budget", window, resetMs };
}

function latest(short: readonly Shortage[], order: readonly ShortageCode[]): Shortage | null {
  let worst: Shortage | null = null;
  for (const shortage of short) {
    const rank = worst === null ? 1 : order.indexOf(worst.code) - order.indexOf(shortage.code);
    const later = (shortage.resetMs ?? Infinity) > (worst?.resetMs ?? Infinity);
    if (rank > 0 || (rank === 0 && later)) worst = shortage;
  }
  return worst;
}

/** What is left in the tightest money window, and how many attempts run in it; null: no budget at all. */
export function tightest(
  windows: readonly Window[],
  books: Books,
): { readonly headroom: bigint; readonly inFlight: number; readonly window: Window } | null {
  let least: { headroom: bigint; inFlight: number; window: Window } | null = null;
  for (const window of windows) {
    if (window.meter.unit !== "usd" || window.meter.cap === null) continue;
    const headroom = headroomOf(window, books);
    const inFlight = books === "real" ? window.inFlight : window.shadowInFlight;
    if (least === null || headroom < least.headroom) least = { headroom, inFlight, window };
  }
  return least;
}

/** cap − settled − held; negative after a lowered cap. A window without a cap has room for anything. */
export function headroomOf(window: Window, books: Books): bigint {
  const { cap } = window.meter;
  if (cap === null) return BigInt(Number.MAX_SAFE_INTEGER) * BigInt(Number.MAX_SAFE_INTEGER);
  return cap - settledIn(window, books) - heldIn(window, books);
}

function settledIn(window: Window, books: Books): bigint {
  return books === "real" ? window.settled : window.shadowSettled;
}

function heldIn(window: Window, books: Books): bigint {
  return books === "real" ? window.held : window.shadowHeld;
}
