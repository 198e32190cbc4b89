/** What an attempt will ask of its budgets: its price, and its bound for each size of answer. */
import type { Plan } from "../policy/plan.ts";
import type { Refusal } from "../core/refusal.ts";
import { boundOf, type Bound } from "../pricing/bound.ts";
import type { ModelPrice } from "../pricing/price.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./ports.ts";
import type { Target } from "./route.ts";

/** Spliced in where a server tool states no `max_uses`. */
export const MAX_USES_DEFAULT = 10;

/** What is asked of admission. */
export interface AdmitRequest {
  readonly exchange: Exchange;
  readonly plan: Plan;
  readonly model: string;
  readonly body: MessagesBody;
  readonly chunks: readonly Buffer[];
  readonly target: Target;
  /** Observe mode: a refusal that routing has waived already. */
  readonly waived: Refusal | null;
}

/** Its price, and its bound for each size of answer. */
export interface Pricing {
  readonly price: ModelPrice;
  /** The client's `max_tokens`, or what is spliced in where it has none. */
  readonly asked: number;
  readonly boundFor: (maxTokens: number) => Bound;
}

/** @param inputTokens What is known of the input besides its bytes; null: nothing. */
export function pricingOf(
  request: AdmitRequest,
  nowMs: number,
  inputTokens: number | null,
): Pricing {
  const { body, model } = request;
  const book = request.exchange.ruling.prices;
  const price = book.resolve(model, nowMs);
  const asked = body.maxTokens ?? price.maxOutputTokens;
  let last: { readonly maxTokens: number; readonly bound: Bound } | null = null;
  const boundFor = (maxTokens: number) => {
    if (last?.maxTokens === maxTokens) return last.bound;
    const bound = boundOf(
      {
        facts: body.facts,
        maxTokens,
        maxUsesDefault: MAX_USES_DEFAULT,
        ...(inputTokens === null ? {} : { knownInputTokens: inputTokens }),
      },
      { book, price, atMs: nowMs },
    );
    last = { maxTokens, bound };
    return bound;
  };
  return { price, asked, boundFor };
}

/** Says once of each model that its price is assumed. */
export function warnOfAssumedPrice(price: ModelPrice, gateway: Gateway): void {
  if (price.source !== "assumed" || !gateway.isFirst(`price of ${price.name}`)) return;
  gateway.log.warn(
    "a model has no known price: it is charged at an assumed one; add it under prices",
    {
      model: price.name,
    },
  );
}
