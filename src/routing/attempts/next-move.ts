/** What a request does after an attempt of it has failed: one state machine for all kinds of requests. */
import { backOffMs } from "./back-off.ts";
import { errorRow, type ErrorClass, type ErrorRow } from "./error-class.ts";

export type NextMove =
  /** No wait: somebody else is asked at once. */
  | { readonly kind: "other_key" | "other_target" | "own_fallback" }
  | { readonly kind: "same_key"; readonly waitMs: number }
  /** `budget`: an attempt was left to try, but the node has made too many extra ones. */
  | { readonly kind: "stop"; readonly why: "final" | "exhausted" | "deadline" | "budget" };

export interface Situation {
  readonly failed: ErrorClass;
  /** A target for just this class is named, not yet tried, and usable. */
  readonly ownFallback: boolean;
  /** The provider has another key that is usable and not yet tried. */
  readonly otherKey: boolean;
  /** There is another usable target, not yet tried. */
  readonly otherTarget: boolean;
  /** A warm cache makes this door dear to leave: it is asked once more before others. */
  readonly prefersToStay: boolean;
  /** Retries with the same key that this request has made. */
  readonly retries: number;
  readonly retryAfterMs: number | null;
  /** Until the request's deadline. */
  readonly leftMs: number;
  /** Uniform in [0, 1): the jitter. */
  readonly draw: number;
  /** Takes one extra attempt from the node's budget; asked only when a move was found. */
  readonly takeExtra: () => boolean;
}

const RETRIES_MAX = 2;
/** For longer than this nobody stays where others could serve at once. */
const STAY_WAIT_MAX_MS = 1_000;

/** The next move, with its extra attempt already taken from the budget. */
export function nextMove(situation: Situation): NextMove {
  if (situation.leftMs <= 0) return { kind: "stop", why: "deadline" };
  const move = wantedMove(situation);
  if (move.kind === "stop" || situation.takeExtra()) return move;
  return { kind: "stop", why: "budget" };
}

function wantedMove(situation: Situation): NextMove {
  const row = errorRow(situation.failed);
  const mayRetry = row.sameKey && situation.retries < RETRIES_MAX;
  const waitMs = mayRetry ? backOffMs(situation) : null;
  if (row.ownFallback && situation.ownFallback) return { kind: "own_fallback" };
  if (waitMs !== null && isWorthStaying(situation, waitMs)) return { kind: "same_key", waitMs };
  if (row.otherKey && situation.otherKey) return { kind: "other_key" };
  if (row.otherTarget && situation.otherTarget) return { kind: "other_target" };
  if (waitMs !== null) return { kind: "same_key", waitMs };
  return { kind: "stop", why: whyStopped(row, mayRetry) };
}

function whyStopped(row: ErrorRow, mayRetry: boolean): "deadline" | "exhausted" | "final" {
  if (mayRetry) return "deadline";
  return row.sameKey || row.otherTarget ? "exhausted" : "final";
}

function isWorthStaying({ prefersToStay, retries }: Situation, waitMs: number): boolean {
  return prefersToStay && retries === 0 && waitMs <= STAY_WAIT_MAX_MS;
}
