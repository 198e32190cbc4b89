/** What an attempt costs by the provider's own figures, exact until one rounding at the end. */
import { nanoUsd } from "../core/money.ts";
import type { NanoUsd } from "../core/money.ts";
import { inputTokensOf, type BilledPass, type BilledUsage, type Usage } from "../core/usage.ts";
import { modifierOf } from "./modifier.ts";
import type { PriceBook } from "./price-book.ts";
import { doubledRates } from "./price.ts";
import type { ModelPrice, Rates } from "./price.ts";

export interface CostContext {
  readonly book: PriceBook;
  /** Of the request's model, as it was when the hold succeeded. */
  readonly price: ModelPrice;
  /** That moment, Unix milliseconds: passes at other models are priced by it too. */
  readonly atMs: number;
  /** Default: what the provider says of its service tier. */
  readonly batch?: boolean;
  /** True at a regional endpoint that has a premium. */
  readonly regional?: boolean;
  /** The provider's kind, for passes at other models; left out: Anthropic's. */
  readonly kind?: string;
}

const PICO_PER_NANO = 1000n;

/**
 * The cost in nano-dollars, rounded half up once: the sum over the passes, each at its own model's
 * price and tier; a free pass costs nothing. The modifiers apply to tokens, not to fees.
 */
export function costOf(billed: BilledUsage, context: CostContext): NanoUsd {
  let tokensPico = 0n;
  let feesPico = 0n;
  for (const pass of billed.passes) {
    if (pass.free) continue;
    const price = priceOfPass(pass, context);
    tokensPico += tokensPicoOf(pass.usage, ratesOfPass(pass, price, { billed, context }));
    if (pass.usage.web_search_requests > 0) {
      feesPico += BigInt(pass.usage.web_search_requests) * price.webSearchPico;
    }
    feesPico += price.requestPico;
  }
  const { numerator, denominator } = modifierOf({
    us: billed.inferenceGeo === "us",
    regional: context.regional ?? false,
    batch: context.batch ?? billed.serviceTier === "batch",
  });
  const scaled = tokensPico * numerator + feesPico * denominator;
  const unit = PICO_PER_NANO * denominator;
  return nanoUsd((2n * scaled + unit) / (2n * unit));
}

function priceOfPass(pass: BilledPass, context: CostContext): ModelPrice {
  const { book, price, atMs, kind } = context;
  return pass.model === null ? price : book.resolve(pass.model, atMs, kind);
}

function ratesOfPass(
  pass: BilledPass,
  price: ModelPrice,
  request: { readonly billed: BilledUsage; readonly context: CostContext },
): Rates {
  // The speed is the request's: a pass at another model has it only where that model offers it.
  const fast =
    request.billed.speed === "fast" &&
    (price.fast !== null || price.name === request.context.price.name);
  const tier = price.longContext;
  if (tier !== null && inputTokensOf(pass.usage) > tier.aboveTokens) {
    return fast ? doubledRates(tier.rates) : tier.rates;
  }
  return fast ? (price.fast ?? doubledRates(price.rates)) : price.rates;
}

/** Thinking is part of the output tokens already. */
function tokensPicoOf(usage: Usage, rates: Rates): bigint {
  return (
    BigInt(usage.input_tokens) * rates.input +
    BigInt(usage.output_tokens) * rates.output +
    BigInt(usage.cache_read_input_tokens) * rates.cacheRead +
    BigInt(usage.cache_write_5m_input_tokens) * rates.cacheWrite5m +
    BigInt(usage.cache_write_1h_input_tokens) * rates.cacheWrite1h
  );
}
