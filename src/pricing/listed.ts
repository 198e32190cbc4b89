/** Rows of price lists as prices, by every name that they have. */
import { invariant } from "../core/invariant.ts";
import type { PicoUsdPerToken } from "../core/money.ts";
import { addDated, midnightOf } from "./dated.ts";
import type { Dated } from "./dated.ts";
import { holdRatesOf, picoPerToken } from "./price.ts";
import type { ModelPrice, Rates } from "./price.ts";
import type { PriceList, PriceRow } from "./table.ts";

export interface ListedPrice extends Dated {
  readonly row: PriceRow;
  readonly price: ModelPrice;
  /** In force in some hours of the day instead; null where all hours cost the same. */
  readonly peak: PeakPrice | null;
}

export interface PeakPrice {
  /** From the first to before the second of each, in UTC. */
  readonly hoursUtc: readonly (readonly [number, number])[];
  readonly price: ModelPrice;
}

/** Whether a moment (Unix milliseconds) lies in the hours. */
export function isPeak({ hoursUtc }: PeakPrice, atMs: number): boolean {
  const hour = Math.floor(atMs / HOUR_MS) % DAY_HOURS;
  for (const [from, before] of hoursUtc) if (hour >= from && hour < before) return true;
  return false;
}

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;

/** Rows by name and alias, each list in the order of its dates. */
export function listedPrices(
  table: readonly PriceRow[],
): ReadonlyMap<string, readonly ListedPrice[]> {
  const lists = new Map<string, readonly ListedPrice[]>();
  for (const row of table) {
    const price = priceOf(row, row.prices);
    const peak =
      row.peak === undefined
        ? null
        : { hoursUtc: row.peak.hoursUtc, price: priceOf(row, row.peak.prices) };
    const listed = { row, fromMs: midnightOf(row.from, row.model), price, peak };
    for (const name of [row.model, ...(row.aliases ?? [])]) addDated(lists, name, listed);
  }
  return lists;
}

/** @throws InvariantBroken where a price of the list is malformed. */
export function ratesOf(prices: PriceList, model: string): Rates {
  const rate = (name: keyof PriceList): PicoUsdPerToken => rateOf(prices[name], model, name);
  return {
    input: rate("input"),
    output: rate("output"),
    cacheRead: rate("cacheRead"),
    cacheWrite5m: rate("cacheWrite5m"),
    cacheWrite1h: rate("cacheWrite1h"),
  };
}

/** @throws InvariantBroken naming model and field where the price is malformed. */
export function rateOf(usdPerMillion: string, model: string, field: string): PicoUsdPerToken {
  const pico = picoPerToken(usdPerMillion);
  invariant(pico !== null, `${field} "${usdPerMillion}" of ${model} has at most six decimals`);
  return pico;
}

function priceOf(row: PriceRow, prices: PriceList): ModelPrice {
  const rates = ratesOf(prices, row.model);
  const tier = row.longContext;
  const longContext =
    tier === undefined
      ? null
      : { aboveTokens: tier.aboveTokens, rates: ratesOf(tier.prices, row.model) };
  const fast = row.fast === undefined ? null : ratesOf(row.fast, row.model);
  return {
    name: row.model,
    source: "listed",
    from: row.from,
    rates,
    longContext,
    fast,
    contextWindowTokens: row.contextWindowTokens,
    maxOutputTokens: row.maxOutputTokens,
    webSearchPico: picoOfOne(row.webSearchPerThousand, row.model, "web search"),
    requestPico: picoOfOne(row.feePerThousandRequests ?? "0", row.model, "fee"),
    holdRates: holdRatesOf({ rates, longContext, fast }, row.cachesUnasked),
  };
}

/** A price for a thousand, read as one for a million tokens, is a thousandth of it. */
function picoOfOne(usdPerThousand: string, model: string, field: string): bigint {
  return 1000n * rateOf(usdPerThousand, model, field);
}
