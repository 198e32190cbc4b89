/** The way from a request to a hold that fits: bytes, then clamps by degrees, then no. Pure. */
import { chooseMaxTokens, lastSteps, LEAST_ANSWER_TOKENS } from "./clamp.ts";
import {
  budgetShortage,
  claimOf,
  tightest,
  type Books,
  type Claim,
  type Shortage,
} from "./decide.ts";
import type { Window } from "./state.ts";

export interface LadderRequest {
  readonly windows: readonly Window[];
  readonly books: Books;
  /** The client's `max_tokens`, or what is spliced in. */
  readonly asked: number;
  /** `max_tokens` may not go below it: the body's thinking budget. */
  readonly floor: number;
  readonly compaction: boolean;
  /** What is asked of the budgets for a given `max_tokens`. */
  readonly claimFor: (maxTokens: number) => Claim;
}

/** What to hold, or which window is short even of the least. */
export type Rung =
  | { readonly fits: true; readonly maxTokens: number; readonly need: bigint }
  | { readonly fits: false; readonly shortage: Shortage };

/** From so many needs to its cap on, a request is looked at more closely. */
const NEAR_CAP_NEEDS = 40n;

/** Near its cap a request is worth a closer look: a copy and a hash of its body. */
export function isNearCap(
  windows: readonly Window[],
  need: bigint,
  books: Books = "real",
): boolean {
  const least = tightest(windows, books);
  return least !== null && need * NEAR_CAP_NEEDS > least.headroom;
}

/** Climbs until the attempt fits or nothing more can be tried. Changes no counter. */
export function climb(request: LadderRequest): Rung {
  const { windows, books, asked, claimFor } = request;
  const least = tightest(windows, books);
  if (least === null) return { fits: true, maxTokens: asked, need: claimFor(asked).need };
  const needFor = (maxTokens: number) => claimFor(maxTokens).need;
  const chosen = chooseMaxTokens({ ...request, ...least, needFor });
  const first = attempt(chosen);
  if (first.fits || first.shortage.code === "budget_busy") return first;
  for (const step of lastSteps({ ...request, asked: chosen })) {
    const rung = attempt(step);
    // Busy at a smaller answer beats a refusal at a larger one.
    if (rung.fits || rung.shortage.code === "budget_busy") return rung;
  }
  return first;

  function attempt(maxTokens: number): Rung {
    const claim = claimFor(maxTokens);
    const shortage = budgetShortage(windows, claim, books);
    return shortage === null
      ? { fits: true, maxTokens, need: claim.need }
      : { fits: false, shortage };
  }
}

/**
 * A count costs a round trip: only where a smaller input could change the answer.
 *
 * @param request.leastNeedFor The need for a `max_tokens` with the least input that a count could tell.
 */
export function isWorthCounting(request: {
  readonly windows: readonly Window[];
  readonly asked: number;
  readonly floor: number;
  readonly leastNeedFor: (maxTokens: number) => bigint;
}): boolean {
  const answerTokens = Math.min(request.asked, Math.max(LEAST_ANSWER_TOKENS, request.floor));
  const least = claimOf(request.leastNeedFor(answerTokens));
  const shortage = budgetShortage(request.windows, least, "real");
  return shortage === null || shortage.code === "budget_busy";
}
