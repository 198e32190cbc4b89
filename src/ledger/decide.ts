/** Whether an attempt fits its windows, and if not, which window says no and why. Pure. */
import { amountHeld, isReserving } from "./amounts.ts";
import { NO_TOKENS, type Level, type Need, type TokenNeed, type Window } from "./state.ts";
import { levelUnit, refillMs, roomAtMs } from "./window.ts";

/** The real counters, or those of what enforcement would have done. */
export type Books = "real" | "shadow";

export type ShortageCode =
  | "rate_limited"
  | "concurrency_limited"
  | "budget_exhausted"
  | "request_exceeds_budget"
  | "budget_busy"
  /** A limit that holds by reservation, where only others' holds are in the way. */
  | "limit_busy";

/** One window that says no. */
export interface Shortage {
  readonly code: ShortageCode;
  readonly window: Window;
  /** When it has room again by the calendar; null where time alone does not help. */
  readonly resetMs: number | null;
  /** What was asked of a limit that holds by reservation, in its unit; left out for all others. */
  readonly asked?: bigint;
}

/** Whether only others' holds are in the way: then it is worth to wait. */
export function isBusy({ code }: Shortage): boolean {
  return code === "budget_busy" || code === "limit_busy";
}

/** Share of a cap, in percent, above which a request that does not fit finds it exhausted. */
const EXHAUSTED_ABOVE_PERCENT = 95n;

const LIMIT_ORDER: readonly ShortageCode[] = ["rate_limited", "concurrency_limited", "limit_busy"];

/**
 * The limit that refuses by what it has counted, or null. Of several the one that resets last; rates come
 * before concurrency, and the chain's own limits before those of the provider's key.
 *
 * @param least What the attempt claims at least: where another limit has no room for that until later,
 *   that one is told. Such a limit alone refuses nothing here; `claimShortage` asks it.
 */
export function limitShortage(
  windows: readonly Window[],
  nowMs: number,
  books: Books,
  least: (() => Claim) | null = null,
): Shortage | null {
  let short: Shortage[] | null = null;
  for (const window of windows) {
    if (isClaimed(window) || fitsLimit(window, books)) continue;
    (short ??= []).push(limitShortageOf(window, nowMs, books));
  }
  if (short === null) return null;
  const own = short.filter((shortage) => !isOfAccount(shortage));
  if (own.length === 0) return latest(short, LIMIT_ORDER);
  const claim = least?.();
  for (const window of claim === undefined ? [] : windows)
    if (claim !== undefined && isReserving(window.meter) && !fitsClaim(window, claim, books))
      own.push(reservationShortageOf(window, { claim, nowMs, books }));
  return latest(own, LIMIT_ORDER);
}

/** Windows that hold what an attempt claims, rather than count it as one or when it has settled. */
export function isClaimed({ meter }: Window): boolean {
  return meter.unit === "usd" || isReserving(meter);
}

/** A limit of a provider's key: another key, or another target, may have room. */
export function isOfAccount({ window }: Shortage): boolean {
  return window.meter.scope.type === "provider_key";
}

function fitsLimit(window: Window, books: Books): boolean {
  const { cap } = window.meter;
  if (cap === null) return true;
  if (window.level !== null) return levelIn(window.level, books) >= levelUnit(window.meter);
  return settledIn(window, books) + heldIn(window, books) + 1n <= cap;
}

function limitShortageOf(window: Window, nowMs: number, books: Books): Shortage {
  const { meter, level } = window;
  if (meter.unit === "concurrent") return { code: "concurrency_limited", window, resetMs: null };
  if ((meter.cap ?? 0n) < 1n) return { code: "rate_limited", window, resetMs: null };
  if (level === null) {
    const resetMs = window.endMs ?? rollingRoomAtMs(window, nowMs, books);
    return { code: "rate_limited", window, resetMs };
  }
  const waitMs = refillMs(meter, levelIn(level, books));
  const resetMs = waitMs === null ? null : nowMs + waitMs;
  return { code: "rate_limited", window, resetMs };
}

/** When a rolling limit has room beside what is in flight; null for what is not rolling. */
function rollingRoomAtMs(window: Window, nowMs: number, books: Books): number | null {
  const { cap, span } = window.meter;
  if (span?.kind !== "rolling" || cap === null) return null;
  // What is in flight fills it alone: that leaves a whole span after it was taken, at the latest.
  return roomAtMs(window, heldIn(window, books) + 1n, books) ?? nowMs + span.spanMs;
}

function levelIn(level: Level, books: Books): bigint {
  return books === "real" ? level.amount : level.shadowAmount;
}

/** What an attempt asks of every budget of its chain, and of its limits on tokens and cost. */
export interface Claim extends Need {
  /** The most that it can cost: its hold. */
  readonly need: bigint;
  /** What it probably costs; all that a budget with `last_request` has to have left. */
  readonly likely: () => bigint;
  /** The same in tokens. */
  readonly likelyTokens: () => TokenNeed;
}

/** A claim of which no more is known than its bound. */
export function claimOf(need: bigint, tokens: TokenNeed = NO_TOKENS): Claim {
  return { need, tokens, likely: () => need, likelyTokens: () => tokens };
}

const CLAIM_ORDER: readonly ShortageCode[] = [
  "rate_limited",
  "budget_exhausted",
  "request_exceeds_budget",
  "budget_busy",
  "limit_busy",
];

/**
 * The budget, or the limit on tokens or cost, that refuses a claim; null where all have room. Of several
 * the worst reason wins, and of equal reasons the one that resets last; what never resets counts as last.
 */
export function claimShortage(
  windows: readonly Window[],
  claim: Claim,
  at: { readonly nowMs: number; readonly books: Books },
): Shortage | null {
  const { books } = at;
  let short: Shortage[] | null = null;
  for (const window of windows) {
    if (!isClaimed(window) || fitsClaim(window, claim, books)) continue;
    const shortage =
      window.meter.unit === "usd"
        ? budgetShortageOf(window, claim, books)
        : reservationShortageOf(window, { claim, ...at });
    (short ??= []).push(shortage);
  }
  return short === null ? null : latest(short, CLAIM_ORDER);
}

function fitsClaim(window: Window, claim: Claim, books: Books): boolean {
  const headroom = headroomOf(window, books);
  if (headroom >= amountHeld(window, claim)) return true;
  // One at a time may go over the cap, and only where it probably does not.
  const overshootBy = books === "real" ? window.overshootBy : window.shadowOvershootBy;
  const isLast = window.meter.overshoot === "last_request" && overshootBy === null;
  return isLast && headroom > 0n && headroom >= likelyIn(window, claim);
}

function likelyIn(window: Window, claim: Claim): bigint {
  return amountHeld(window, { need: claim.likely(), tokens: claim.likelyTokens() });
}

/** What has to be left in a window for the claim to fit. */
function enoughFor(window: Window, claim: Claim): bigint {
  const need = amountHeld(window, claim);
  if (window.meter.overshoot !== "last_request") return need;
  const likely = likelyIn(window, claim);
  return likely < need ? likely : need;
}

function budgetShortageOf(window: Window, claim: Claim, books: Books): Shortage {
  const { need } = claim;
  const cap = window.meter.cap ?? 0n;
  const settled = settledIn(window, books);
  const enough = window.meter.overshoot === "last_request" ? claim.likely() : need;
  if (settled < cap && settled + enough <= cap)
    return { code: "budget_busy", window, resetMs: null };
  const exhausted = cap <= 0n || settled * 100n > cap * EXHAUSTED_ABOVE_PERCENT;
  // What no empty window has room for resets, like a calendar window, when all has expired.
  const resetMs = window.endMs ?? roomAtMs(window, need < cap ? need : cap, books);
  return { code: exhausted ? "budget_exhausted" : "request_exceeds_budget", window, resetMs };
}

function reservationShortageOf(
  window: Window,
  of: { readonly claim: Claim; readonly nowMs: number; readonly books: Books },
): Shortage {
  const { claim, nowMs, books } = of;
  const asked = enoughFor(window, claim);
  // What an empty window has no room for never fits.
  if (asked > mostOf(window)) return { code: "rate_limited", window, resetMs: null, asked };
  const alone = headroomOf(window, books) + heldIn(window, books);
  if (asked <= alone) return { code: "limit_busy", window, resetMs: null, asked };
  return {
    code: "rate_limited",
    window,
    resetMs: roomForMs(window, asked, { nowMs, books }),
    asked,
  };
}

/** The most that a window has room for when nothing is in it: its cap, or the size of its token bucket. */
export function mostOf({ meter }: Window): bigint {
  const { cap, burst } = meter;
  return burst === null ? (cap ?? 0n) : BigInt(burst);
}

/** When there is room for so much if nothing more comes and what is in flight stays; null: never. */
function roomForMs(
  window: Window,
  asked: bigint,
  { nowMs, books }: { readonly nowMs: number; readonly books: Books },
): number | null {
  const { level, meter } = window;
  if (level !== null) {
    const waitMs = refillMs(meter, levelIn(level, books), asked);
    return waitMs === null ? null : nowMs + waitMs;
  }
  if (window.endMs !== null) return window.endMs;
  // Beside what is in flight it may never fit: then room comes, at the earliest, once that has ended too.
  return roomAtMs(window, heldIn(window, books) + asked, books) ?? roomAtMs(window, asked, books);
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

/** What is left in the tightest window of some kind, and how many attempts run in it. */
export interface Tightest {
  readonly headroom: bigint;
  readonly inFlight: number;
  readonly window: Window;
}

/** The tightest window of money, of budgets and limits alike, or of a limit on tokens; null: there is none. */
export function tightest(
  windows: readonly Window[],
  books: Books,
  kind: "money" | "input_tokens" | "output_tokens" = "money",
): Tightest | null {
  let least: Tightest | null = null;
  for (const window of windows) {
    if (!isClaimed(window) || window.meter.cap === null || kindOf(window) !== kind) continue;
    const headroom = headroomOf(window, books);
    const inFlight = books === "real" ? window.inFlight : window.shadowInFlight;
    if (least === null || headroom < least.headroom) least = { headroom, inFlight, window };
  }
  return least;
}

function kindOf({ meter: { unit } }: Window): string {
  return unit === "usd" || unit === "cost" ? "money" : unit;
}

/**
 * What is left: cap − settled − held, or what is in the token bucket; negative after a lowered cap or a
 * charge above its hold. A window without a cap has room for anything.
 */
export function headroomOf(window: Window, books: Books): bigint {
  const { cap } = window.meter;
  if (cap === null) return BigInt(Number.MAX_SAFE_INTEGER) * BigInt(Number.MAX_SAFE_INTEGER);
  if (window.level === null) return cap - settledIn(window, books) - heldIn(window, books);
  const amount = levelIn(window.level, books);
  const unit = levelUnit(window.meter);
  const whole = amount / unit;
  return amount < 0n && whole * unit !== amount ? whole - 1n : whole;
}

function settledIn(window: Window, books: Books): bigint {
  return books === "real" ? window.settled : window.shadowSettled;
}

function heldIn(window: Window, books: Books): bigint {
  return books === "real" ? window.held : window.shadowHeld;
}
