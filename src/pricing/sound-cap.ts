/** How small a cap may be before an unfittable request leaves a noticeable part of it unused. */
import { roundUp } from "../core/money.ts";
import type { NanoUsd } from "../core/money.ts";
import type { ModelPrice } from "./price.ts";

/** 95 % of a cap is used where one need is at most a twentieth of it. */
const NEEDS_IN_CAP = 20n;
/** The least `max_tokens` that a request is clamped to before it is refused. */
const FLOOR_OUTPUT_TOKENS = 2_000n;

/**
 * The smallest cap of which about 95 % can be used, in nano-dollars: twenty times the need of a
 * request that writes its whole context to the cache and answers with the least output.
 *
 * @param request `contextTokens` as sessions of the model reach; `markers` as their bodies carry.
 */
export function smallestSoundCap(
  price: ModelPrice,
  request: { readonly contextTokens: number; readonly markers: "5m" | "1h" },
): NanoUsd {
  const long = price.longContext !== null && request.contextTokens > price.longContext.aboveTokens;
  const rates = price.holdRates[long ? "long" : "standard"];
  const need =
    BigInt(request.contextTokens) * rates[request.markers] + FLOOR_OUTPUT_TOKENS * rates.output;
  return roundUp(NEEDS_IN_CAP * need);
}
