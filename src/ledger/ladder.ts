/** The way from a request to a hold that fits: bytes, then clamps by degrees, then no. Pure. */
import { chooseMaxTokens, lastSteps, LEAST_ANSWER_TOKENS } from "./clamp.ts";
import {
  claimOf,
  claimShortage,
  isBusy,
  tightest,
  type Books,
  type Claim,
  type Shortage,
} from "./decide.ts";
import type { Need, Window } from "./state.ts";

export interface LadderRequest {
  readonly windows: readonly Window[];
  readonly books: Books;
  /** The ledger's time. */
  readonly nowMs: number;
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
  | ({ readonly fits: true; readonly maxTokens: number } & Need)
  | { readonly fits: false; readonly shortage: Shortage };

/** From so many needs to its cap on, a request is looked at more closely. */
const NEAR_CAP_NEEDS = 40n;

/** Near a cap a request is worth a closer look: a copy and a hash of its body. */
export function isNearCap(
  windows: readonly Window[],
  { need, tokens }: Need,
  books: Books = "real",
): boolean {
  const isNear = (kind: Kind, amount: bigint): boolean => {
    const least = tightest(windows, books, kind);
    return least !== null && amount * NEAR_CAP_NEEDS > least.headroom;
  };
  return (
    isNear("money", need) ||
    isNear("output_tokens", BigInt(tokens.output)) ||
    isNear("input_tokens", BigInt(tokens.input))
  );
}

type Kind = "money" | "input_tokens" | "output_tokens";

/** Climbs until the attempt fits or nothing more can be tried. Changes no counter. */
export function climb(request: LadderRequest): Rung {
  const { windows, claimFor } = request;
  const chosen = chosenAnswer(request);
  const first = attempt(chosen);
  if (first.fits || isBusy(first.shortage)) return first;
  for (const step of lastSteps({ ...request, asked: chosen })) {
    const rung = attempt(step);
    // Busy at a smaller answer beats a refusal at a larger one.
    if (rung.fits || isBusy(rung.shortage)) return rung;
  }
  return first;

  function attempt(maxTokens: number): Rung {
    const claim = claimFor(maxTokens);
    const shortage = claimShortage(windows, claim, request);
    if (shortage !== null) return { fits: false, shortage };
    return { fits: true, maxTokens, need: claim.need, tokens: claim.tokens };
  }
}

/** The least that money and limits on output each choose. A smaller answer makes the input no smaller. */
function chosenAnswer(request: LadderRequest): number {
  const { windows, books, asked, claimFor } = request;
  let chosen = asked;
  const money = tightest(windows, books, "money");
  if (money !== null) {
    const needFor = (maxTokens: number) => claimFor(maxTokens).need;
    chosen = chooseMaxTokens({ ...request, ...money, needFor });
  }
  const output = tightest(windows, books, "output_tokens");
  if (output === null) return chosen;
  const needFor = (maxTokens: number) => BigInt(claimFor(maxTokens).tokens.output);
  return Math.min(chosen, chooseMaxTokens({ ...request, ...output, needFor }));
}

/**
 * A count costs a round trip: only where a smaller input could change the answer.
 *
 * @param request.leastClaimFor The claim for a `max_tokens` with the least input that a count could tell.
 */
export function isWorthCounting(request: {
  readonly windows: readonly Window[];
  readonly nowMs: number;
  readonly asked: number;
  readonly floor: number;
  readonly leastClaimFor: (maxTokens: number) => Need;
}): boolean {
  const { need, tokens } = request.leastClaimFor(leastAnswer(request));
  const at = { nowMs: request.nowMs, books: "real" as const };
  const shortage = claimShortage(request.windows, claimOf(need, tokens), at);
  return shortage === null || isBusy(shortage);
}

/** The smallest answer that a clamp leaves. */
export function leastAnswer({ asked, floor }: Pick<LadderRequest, "asked" | "floor">): number {
  return Math.min(asked, Math.max(LEAST_ANSWER_TOKENS, floor));
}
