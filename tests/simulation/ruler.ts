/** Two ways to rule on an arrival: the product's ladder, and an oracle that knows all but the cache. */
import { claimOf, claimShortage, type Claim, type Shortage } from "../../src/ledger/decide.ts";
import { climb, isNearCap, isWorthCounting } from "../../src/ledger/ladder.ts";
import { NO_TOKENS, type Window } from "../../src/ledger/state.ts";
import { boundOf, type Bound } from "../../src/pricing/bound.ts";
import { likelyCost } from "../../src/pricing/likely.ts";
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
  readonly wantsCount: (
    arrival: Arrival,
    known: Known,
    context: Context & { readonly verdict: Verdict },
  ) => boolean;
}

const MAX_USES_DEFAULT = 10;

/** The product's ladder: bytes or what is known, clamps by degrees, refusals. */
export function ladderRuler(book: PriceBook): Ruler {
  const pricer = (arrival: Arrival, nowMs: number, known: Pick<Known, "tokens" | "cached">) => {
    const price = book.resolve(arrival.model, nowMs);
    const { facts } = arrival;
    const limit = known.tokens === null ? {} : { knownInputTokens: known.tokens };
    const boundFor = (maxTokens: number) =>
      boundOf(
        { facts, maxTokens, maxUsesDefault: MAX_USES_DEFAULT, ...limit },
        { book, price, atMs: nowMs },
      );
    const claimFor = (maxTokens: number): Claim => {
      const { need, inputTokens } = boundFor(maxTokens);
      const request = { facts, inputTokens, cachedTokens: known.cached };
      return { ...claimOf(need), likely: () => likelyCost(request, price) };
    };
    return { price, boundFor, claimFor };
  };
  const floorOf = (known: Known) => Math.max(1, known.cutAt ?? 0);
  return {
    judge: (arrival, known, { windows, nowMs }) => {
      const byBytes = pricer(arrival, nowMs, NOTHING_KNOWN);
      const isTight = isNearCap(windows, byBytes.claimFor(arrival.asked));
      const { price, boundFor, claimFor } = isTight ? pricer(arrival, nowMs, known) : byBytes;
      const rung = climb({
        windows,
        books: "real",
        nowMs,
        asked: arrival.asked,
        floor: floorOf(known),
        compaction: arrival.isCompaction,
        claimFor,
      });
      if (!rung.fits) return { fits: false, code: codeOf(rung.shortage) };
      const { maxTokens } = rung;
      return { fits: true, bound: boundFor(maxTokens), maxTokens, price, isTight };
    },
    wantsCount: (arrival, known, { verdict, windows, nowMs }) => {
      if (verdict.fits) return false;
      const { boundFor } = pricer(arrival, nowMs, { tokens: known.cached, cached: 0 });
      return isWorthCounting({
        windows,
        nowMs,
        asked: arrival.asked,
        floor: floorOf(known),
        leastClaimFor: (maxTokens) => ({ need: boundFor(maxTokens).need, tokens: NO_TOKENS }),
      });
    },
  };
}

const NOTHING_KNOWN = { tokens: null, cached: 0 };

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
      const shortage = claimShortage(windows, claimOf(bound.need), { nowMs, books: "real" });
      if (shortage !== null) return { fits: false, code: codeOf(shortage) };
      return { fits: true, bound, maxTokens, price, isTight: true };
    },
    wantsCount: () => false,
  };
}

function codeOf({ code }: Shortage): RefusalCode {
  if (code === "rate_limited" || code === "concurrency_limited" || code === "limit_busy")
    throw new Error("no limit is configured");
  return code;
}
