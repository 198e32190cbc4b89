/** What a request probably costs: its resent history out of the cache, the rest as new, a usual answer. */
import type { BodyFacts } from "../core/body-facts.ts";
import { roundUp, type NanoUsd } from "../core/money.ts";
import type { ModelPrice } from "./price.ts";

/** Most answers are shorter. */
export const USUAL_ANSWER_TOKENS = 6000;

/**
 * An estimate, not a bound: caches miss, and answers get long. In nano-dollars, rounded up.
 *
 * @param request.cachedTokens What of the input the turn before has left in the provider's cache.
 */
export function likelyCost(
  request: {
    readonly facts: BodyFacts;
    readonly inputTokens: number;
    readonly cachedTokens: number;
  },
  price: ModelPrice,
): NanoUsd {
  const { rates } = price;
  const cached = Math.min(request.cachedTokens, request.inputTokens);
  const newRate = price.holdRates.standard[request.facts.cacheMarkers];
  const pico =
    BigInt(cached) * rates.cacheRead +
    BigInt(request.inputTokens - cached) * newRate +
    BigInt(USUAL_ANSWER_TOKENS) * rates.output;
  return roundUp(pico);
}
