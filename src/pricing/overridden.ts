/** The configuration's price overrides as prices; what one does not state is the table's. */
import type { PicoUsdPerToken } from "../core/money.ts";
import { addDated, midnightOf } from "./dated.ts";
import type { Dated } from "./dated.ts";
import { rateOf } from "./listed.ts";
import type { PriceOverride } from "./override.ts";
import { holdRatesOf } from "./price.ts";
import type { ModelPrice, Rates } from "./price.ts";

export interface DatedOverride extends Dated {
  readonly override: PriceOverride;
}

/** Of the input price, where neither override nor table states a cache price. */
const CACHE_HUNDREDTHS = { cacheRead: 10n, cacheWrite5m: 125n, cacheWrite1h: 200n } as const;

/** Overrides by model, each list in the order of its dates; of one date the last wins. */
export function overridesByModel(
  overrides: readonly PriceOverride[],
): ReadonlyMap<string, readonly DatedOverride[]> {
  const lists = new Map<string, readonly DatedOverride[]>();
  for (const override of overrides) {
    const { model, from } = override;
    addDated(lists, model, { override, fromMs: midnightOf(from, model) });
  }
  return lists;
}

/**
 * The price that an override makes.
 *
 * @param around.base The table's price of that day (its tier, fast mode and window stay in force);
 * for a model that the table lacks, null.
 * @param around.dearest Gives window and fees where there is no base.
 * @param around.cachesUnasked The provider charges for writes to its cache that nothing marked.
 */
export function overriddenPrice(
  override: PriceOverride,
  around: {
    readonly base: ModelPrice | null;
    readonly dearest: ModelPrice;
    readonly cachesUnasked: boolean;
  },
): ModelPrice {
  const { base, dearest, cachesUnasked } = around;
  const rates = overrideRates(override, base?.rates ?? null);
  const longContext = base?.longContext ?? null;
  const fast = base?.fast ?? null;
  return {
    ...(base ?? { ...dearest, name: override.model }),
    source: "override",
    from: override.from,
    rates,
    longContext,
    fast,
    holdRates: holdRatesOf({ rates, longContext, fast }, cachesUnasked),
  };
}

/** An override's rates over the table's; derived cache prices are rounded up to a pico-dollar. */
export function overrideRates(override: PriceOverride, base: Rates | null): Rates {
  const { model } = override;
  const input = rateOf(override.input, model, "input");
  const cached = (stated: string | null, name: keyof typeof CACHE_HUNDREDTHS): PicoUsdPerToken => {
    if (stated !== null) return rateOf(stated, model, name);
    if (base !== null) return base[name];
    return ((input * CACHE_HUNDREDTHS[name] + 99n) / 100n) as PicoUsdPerToken;
  };
  return {
    input,
    output: rateOf(override.output, model, "output"),
    cacheRead: cached(override.cache_read, "cacheRead"),
    cacheWrite5m: cached(override.cache_write_5m, "cacheWrite5m"),
    cacheWrite1h: cached(override.cache_write_1h, "cacheWrite1h"),
  };
}
