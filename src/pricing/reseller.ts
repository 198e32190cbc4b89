/** Claude under the names of those who resell it, and what they add to Anthropic's list. */
import type { ListedPrice } from "./listed.ts";
import { holdRatesOf, scaledRates, type ModelPrice } from "./price.ts";

// "global.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5@20251001",
// "anthropic/claude-opus-4.5", "databricks-claude-opus-4-7"
const RESOLD =
  /(?:^|[./~-])(claude-[a-z0-9.-]+?)(?:-\d{8})?(?:-v\d+(?::\d+)?)?(?:@\w+)?(?:\[1m\])?$/;
/** Regional endpoints cost more for models from Sonnet 4.5 on. */
const PREMIUM_SINCE_MS = Date.parse("2025-09-29T00:00:00Z");

/** The model's id at Anthropic itself; null for what is no Claude. */
export function claudeIdOf(model: string): string | null {
  const id = RESOLD.exec(model)?.[1];
  return id === undefined ? null : id.replaceAll(".", "-");
}

/** Whether an id says that inference stays in a region, which Bedrock charges a tenth more for. */
export function isRegionalId(kind: string, model: string): boolean {
  return kind === "bedrock" && !/(?:^|\/)global\./.test(model);
}

/** Anthropic's rows of one model with the premium of a regional endpoint, where the model has it. */
export function regionalRows(rows: readonly ListedPrice[]): readonly ListedPrice[] {
  const first = rows[0];
  if (first === undefined || first.fromMs < PREMIUM_SINCE_MS) return rows;
  return rows.map((row) => ({ ...row, price: regionalPrice(row.price) }));
}

/** A tenth more in every class. */
export function regionalPrice(price: ModelPrice): ModelPrice {
  const rates = scaledRates(price.rates, 11n, 10n);
  const tier = price.longContext;
  const longContext = tier === null ? null : { ...tier, rates: scaledRates(tier.rates, 11n, 10n) };
  const fast = price.fast === null ? null : scaledRates(price.fast, 11n, 10n);
  return {
    ...price,
    rates,
    longContext,
    fast,
    holdRates: holdRatesOf({ rates, longContext, fast }),
  };
}
