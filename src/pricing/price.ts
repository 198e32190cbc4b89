/** The words of pricing: rates in pico-dollars, and the price of a model at one moment. */
import type { PicoUsdPerToken } from "../core/money.ts";

/**
 * Where a price comes from; the same words as in the journal and the API, declared here because
 * pricing may not know the journal. The book itself never says `rehearsal`: the caller does.
 */
export type PriceSource = "listed" | "assumed" | "override" | "rehearsal";

/** What one token costs, by the class in which the provider bills it. */
export interface Rates {
  readonly input: PicoUsdPerToken;
  readonly output: PicoUsdPerToken;
  readonly cacheRead: PicoUsdPerToken;
  readonly cacheWrite5m: PicoUsdPerToken;
  readonly cacheWrite1h: PicoUsdPerToken;
}

/** The dearest rate that a token of input can meet, by the markers in the body; and of output. */
export interface HoldRates {
  readonly none: PicoUsdPerToken;
  readonly "5m": PicoUsdPerToken;
  readonly "1h": PicoUsdPerToken;
  readonly output: PicoUsdPerToken;
}

/** Whether the long-context tier and fast mode are within a request's reach. */
export type HoldCase = "standard" | "long" | "fast" | "fastLong";

/** What a model costs at one moment, and how large its requests can get. */
export interface ModelPrice {
  /** The table's name, else the override's model, else the model as asked for. */
  readonly name: string;
  readonly source: PriceSource;
  /** YYYY-MM-DD of the row or override that applies; null where the price is assumed. */
  readonly from: string | null;
  readonly rates: Rates;
  /** A prompt above `aboveTokens` (cached tokens included) reprices its whole pass; null: no tier. */
  readonly longContext: { readonly aboveTokens: number; readonly rates: Rates } | null;
  /** Fast mode's own rates; null where the list has none. */
  readonly fast: Rates | null;
  /** Tokens that one pass can read. Where unknown: the largest known. */
  readonly contextWindowTokens: number;
  /** Tokens that one pass can write. Where unknown: the largest known. */
  readonly maxOutputTokens: number;
  /** Pico-dollars for one web search. */
  readonly webSearchPico: bigint;
  /** Pico-dollars for the request itself, once a pass; nearly everywhere 0. */
  readonly requestPico: bigint;
  /** Never below what the rates above can charge; for an assumed price the dearest known. */
  readonly holdRates: Readonly<Record<HoldCase, HoldRates>>;
}

const DECIMAL = /^(\d+)(?:\.(\d{1,6}))?$/;
const PICO_DIGITS = 6;

/**
 * Pico-dollars a token of a price in US dollars per million tokens ("0.25" → 250 000).
 *
 * @returns null where the text is no plain non-negative decimal, or has more than six decimals,
 * which no integer of pico-dollars can say.
 */
export function picoPerToken(usdPerMillion: string): PicoUsdPerToken | null {
  const match = DECIMAL.exec(usdPerMillion);
  if (match === null) return null;
  const digits = (match[1] ?? "") + (match[2] ?? "").padEnd(PICO_DIGITS, "0");
  return BigInt(digits) as PicoUsdPerToken;
}

/** New rates from two, class by class. */
function mergeRates(left: Rates, right: Rates, choose: (a: bigint, b: bigint) => bigint): Rates {
  const pick = (name: keyof Rates): PicoUsdPerToken =>
    choose(left[name], right[name]) as PicoUsdPerToken;
  return {
    input: pick("input"),
    output: pick("output"),
    cacheRead: pick("cacheRead"),
    cacheWrite5m: pick("cacheWrite5m"),
    cacheWrite1h: pick("cacheWrite1h"),
  };
}

/** The dearer of two rates in each class. */
export function dearerRates(left: Rates, right: Rates): Rates {
  return mergeRates(left, right, largest);
}

/** Fast mode where the list has no rates of its own for it: twice the standard ones. */
export function doubledRates(rates: Rates): Rates {
  return mergeRates(rates, rates, (rate) => 2n * rate);
}

/**
 * The hold rates that no charge by `price` can exceed, by case.
 *
 * @param cachesUnasked The provider writes to its cache, and charges for it, without any marker.
 */
export function holdRatesOf(
  price: Pick<ModelPrice, "rates" | "longContext" | "fast">,
  cachesUnasked = false,
): Record<HoldCase, HoldRates> {
  const ceilingOf = cachesUnasked ? ceilingUnmarked : ceilingMarked;
  const standard = price.rates;
  const long = dearerRates(standard, price.longContext?.rates ?? standard);
  const fast = dearerRates(standard, price.fast ?? doubledRates(standard));
  return {
    standard: ceilingOf(standard),
    long: ceilingOf(long),
    fast: ceilingOf(fast),
    fastLong: ceilingOf(dearerRates(fast, doubledRates(long))),
  };
}

/** Whatever the body marks, the provider may write to its cache. */
function ceilingUnmarked(rates: Rates): HoldRates {
  const dearest = ceilingMarked(rates)["1h"];
  return { none: dearest, "5m": dearest, "1h": dearest, output: rates.output };
}

function ceilingMarked(rates: Rates): HoldRates {
  // Reads count without a marker too: server tool loops report them for prefixes nobody marked.
  const none = largest(rates.input, rates.cacheRead);
  const write5m = largest(none, rates.cacheWrite5m);
  return {
    none: none as PicoUsdPerToken,
    "5m": write5m as PicoUsdPerToken,
    "1h": largest(write5m, rates.cacheWrite1h) as PicoUsdPerToken,
    output: rates.output,
  };
}

/** `rates` × `numerator` / `denominator` in each class, rounded up. */
export function scaledRates(rates: Rates, numerator: bigint, denominator: bigint): Rates {
  return mergeRates(rates, rates, (rate) => (rate * numerator + denominator - 1n) / denominator);
}

function largest(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
