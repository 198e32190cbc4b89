/** Prices for what nobody lists: the dearest known, the assumed one, and none at all. */
import { ratesOf } from "./listed.ts";
import { dearerRates, doubledRates, holdRatesOf, type ModelPrice, type Rates } from "./price.ts";
import { ASSUMED_PRICES } from "./table.ts";

/** A price that none of `listed` and `overridden` can exceed, nor an assumed one. */
export function dearestPrice(
  listed: readonly ModelPrice[],
  overridden: readonly Rates[],
): ModelPrice {
  const rates = [
    ...listed.flatMap((price) => [price.rates, price.longContext?.rates ?? price.rates]),
    ...overridden,
  ].reduce((a, b) => dearerRates(a, b), ratesOf(ASSUMED_PRICES, "an unknown model"));
  const fast = listed.reduce(
    (sofar, price) => (price.fast === null ? sofar : dearerRates(sofar, price.fast)),
    doubledRates(rates),
  );
  return {
    name: "dearest",
    source: "listed",
    from: null,
    rates,
    longContext: null,
    fast,
    contextWindowTokens: Math.max(...listed.map((price) => price.contextWindowTokens)),
    maxOutputTokens: Math.max(...listed.map((price) => price.maxOutputTokens)),
    webSearchPico: largestOf(listed.map((price) => price.webSearchPico)),
    requestPico: largestOf(listed.map((price) => price.requestPico)),
    holdRates: holdRatesOf({ rates, longContext: null, fast }),
  };
}

/** The dearest price with its hold rates as a provider's that caches unasked. */
export function cachingUnasked(dearest: ModelPrice): ModelPrice {
  return { ...dearest, holdRates: holdRatesOf(dearest, true) };
}

/** Charged as the reference price of an unknown model, held at the dearest known. */
export function assumedPrice(model: string, dearest: ModelPrice): ModelPrice {
  const rates = ratesOf(ASSUMED_PRICES, "an unknown model");
  return { ...dearest, name: model, source: "assumed", rates, fast: null };
}

const NOTHING = { input: "0", output: "0", cacheRead: "0", cacheWrite5m: "0", cacheWrite1h: "0" };

/** What the operator's own machines charge. */
export function freePrice(model: string, dearest: ModelPrice): ModelPrice {
  const rates = ratesOf(NOTHING, model);
  const price = { rates, longContext: null, fast: null };
  const fees = { webSearchPico: 0n, requestPico: 0n };
  return { ...dearest, name: model, ...price, ...fees, holdRates: holdRatesOf(price) };
}

function largestOf(amounts: readonly bigint[]): bigint {
  return amounts.reduce((sofar, amount) => (amount > sofar ? amount : sofar), 0n);
}
