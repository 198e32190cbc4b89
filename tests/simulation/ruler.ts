/** Two ways to rule on an arrival: the product's ladder, and an oracle that knows all but the cache. */
import { budgetShortage, tightest, type Shortage } from "../../src/ledger/decide.ts";
import { climb } from "../../src/ledger/ladder.ts";
import type { Window } from "../../src/ledger/state.ts";
import { boundOf, type Bound } from "../../src/pricing/bound.ts";
import type { PriceBook } from "../../src/pricing/price-book.ts";
import type { ModelPrice } from "../../src/pricing/price.ts";
import type { Arrival, Known, RefusalCode } from "./gate.ts";

/** What a request would hold, or why it may not go. */
export type Verdict =
  | {
      readonly fits: true;
      readonly bound: Bound;
      readonly maxTokens: number;
      readonly price: ModelPrice;
      readonly isTight: boolean;
    }
  | { readonly fits: false; readonly code: RefusalCode };

export interface Context {
  readonly windows: readonly Window[];
  readonly nowMs: number;
}

export interface Ruler {
  readonly judge: (arrival: Arrival, known: Known, context: Context) => Verdict;
  readonly wantsCount: (arrival: Arrival, verdict: Verdict, context: Context) => boolean;
}

/** As in the gateway: from so many needs to its cap on, a request is looked at more closely. */
const NEAR_CAP_NEEDS = 40n;
const LEAST_ANSWER_TOKENS = 2_000;
const MAX_USES_DEFAULT = 10;

/** The product's ladder: bytes or what is known, clamps by degrees, refusals. */
export function ladderRuler(book: PriceBook): Ruler {
  const pricer = (arrival: Arrival, nowMs: number, known: number | null) => {
    const price = book.resolve(arrival.model, nowMs);
    const boundFor = (maxTokens: number) =>
      boundOf(
        {
          facts: arrival.facts,
          maxTokens,
          maxUsesDefault: MAX_USES_DEFAULT,
          ...(known === null ? {} : { knownInputTokens: known }),
        },
        { book, price, atMs: nowMs },
      );
    return { price, boundFor };
  };
  return {
    judge: (arrival, known, { windows, nowMs }) => {
      const byBytes = pricer(arrival, nowMs, null);
      const isTight = isNearCap(windows, byBytes.boundFor(arrival.asked).need);
      const { price, boundFor } = isTight ? pricer(arrival, nowMs, known.tokens) : byBytes;
      const rung = climb({
        windows,
        books: "real",
        asked: arrival.asked,
        floor: Math.max(1, known.cutAt ?? 0),
        compaction: arrival.isCompaction,
        needFor: (maxTokens) => boundFor(maxTokens).need,
      });
      if (!rung.fits) return { fits: false, code: codeOf(rung.shortage) };
      const { maxTokens } = rung;
      return { fits: true, bound: boundFor(maxTokens), maxTokens, price, isTight };
    },
    wantsCount: (arrival, verdict, { windows, nowMs }) => {
      if (verdict.fits) return false;
      const least = Math.min(arrival.asked, LEAST_ANSWER_TOKENS);
      const { need } = pricer(arrival, nowMs, 0).boundFor(least);
      const shortage = budgetShortage(windows, need, "real");
      return shortage === null || shortage.code === "budget_busy";
    },
  };
}

function isNearCap(windows: readonly Window[], need: bigint): boolean {
  const least = tightest(windows, "real");
  return least !== null && need * NEAR_CAP_NEEDS > least.headroom;
}

/** Holds the true tokens at the price of a cold cache, and the true answer: nothing sound can hold less. */
export function oracleRuler(book: PriceBook): Ruler {
  return {
    judge: (arrival, _known, { windows, nowMs }) => {
      const { inputTokens, outputTokens } = arrival.truth;
      const maxTokens = Math.min(arrival.asked, outputTokens);
      const price = book.resolve(arrival.model, nowMs);
      const bound = boundOf(
        {
          facts: arrival.facts,
          maxTokens,
          maxUsesDefault: MAX_USES_DEFAULT,
          knownInputTokens: inputTokens,
        },
        { book, price, atMs: nowMs },
      );
      const shortage = budgetShortage(windows, bound.need, "real");
      if (shortage !== null) return { fits: false, code: codeOf(shortage) };
      return { fits: true, bound, maxTokens, price, isTight: true };
    },
    wantsCount: () => false,
  };
}

function codeOf({ code }: Shortage): RefusalCode {
  if (code === "rate_limited" || code === "concurrency_limited")
    throw new Error("no limit is configured");
  return code;
}
