/** What an attempt will ask of its budgets: its price, and its bound for each size of answer. */
import type { BodyFacts } from "../core/body-facts.ts";
import type { Plan } from "../policy/plan.ts";
import type { Refusal } from "../core/refusal.ts";
import type { Claim } from "../ledger/decide.ts";
import type { TokenNeed } from "../ledger/state.ts";
import { boundOf, type Bound, type BoundContext } from "../pricing/bound.ts";
import { likelyCost, USUAL_ANSWER_TOKENS } from "../pricing/likely.ts";
import type { ModelPrice } from "../pricing/price.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import type { CanonicalRequest } from "../wire/canonical/request.ts";
import type { Unsupported } from "../wire/egress.ts";
import { OUTPUT_TOKENS_MIN } from "../wire/openai-responses/request.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./ports.ts";
import type { Target } from "./candidates.ts";

/** Spliced in where a server tool states no `max_uses`. */
export const MAX_USES_DEFAULT = 10;

/** What is asked of admission. */
export interface AdmitRequest {
  readonly exchange: Exchange;
  readonly plan: Plan;
  readonly model: string;
  readonly body: MessagesBody;
  readonly chunks: readonly Buffer[];
  /** The body read whole, for the count of a door of another dialect; left out: such doors are not asked. */
  readonly canonical?: () => CanonicalRequest | Unsupported;
  readonly target: Target;
  /** Observe mode: a refusal that routing has waived already. */
  readonly waived: Refusal | null;
}

/** What is known of a request besides its bytes, and what it is held to. */
export interface Knowledge {
  /** The input has no more tokens than this; null: nothing is known. */
  readonly inputTokens: number | null;
  /** So many of them were in the prompt of the turn before. */
  readonly cachedTokens: number;
  /** Server tools may run no more often than this; null: as the body says. */
  readonly maxUsesCap: number | null;
}

export const NOTHING_KNOWN: Knowledge = { inputTokens: null, cachedTokens: 0, maxUsesCap: null };

/** Its price, and its bound for each size of answer. */
export interface Pricing {
  readonly price: ModelPrice;
  /** The client's `max_tokens`, within what the model and its dialect take, or what is spliced in where it has none. */
  readonly asked: number;
  readonly boundFor: (maxTokens: number) => Bound;
  readonly claimFor: (maxTokens: number) => Claim;
}

export function pricingOf(request: AdmitRequest, nowMs: number, known: Knowledge): Pricing {
  const book = request.exchange.ruling.prices;
  const price = book.resolve(request.model, nowMs, request.target.row.kind);
  const { row, regional } = request.target;
  const context = { book, price, atMs: nowMs, kind: row.kind, can: row.can, regional };
  return new BodyPricing(request.body, { context, asked: askedOf(request, price) }, known);
}

/**
 * The client's `max_tokens`, chosen for the model that it named: another model may be capable of less, and
 * refuses more; another dialect may not take so few. Anthropic's own API gets what the client wrote.
 */
function askedOf({ body, target }: AdmitRequest, price: ModelPrice): number {
  const asked = body.maxTokens ?? price.maxOutputTokens;
  if (target.door.format === "openai-responses" && asked < OUTPUT_TOKENS_MIN)
    return OUTPUT_TOKENS_MIN;
  const isOwn = target.row.asksAsWritten === true || target.row.transport === "embedded";
  return isOwn || price.source !== "listed" ? asked : Math.min(asked, price.maxOutputTokens);
}

class BodyPricing implements Pricing {
  readonly price: ModelPrice;
  readonly asked: number;
  readonly #facts: BodyFacts;
  readonly #context: BoundContext;
  readonly #known: Knowledge;
  #last: { readonly maxTokens: number; readonly bound: Bound } | null = null;

  constructor(
    body: MessagesBody,
    { context, asked }: { readonly context: BoundContext; readonly asked: number },
    known: Knowledge,
  ) {
    this.price = context.price;
    this.asked = asked;
    this.#facts = body.facts;
    this.#context = context;
    this.#known = known;
  }

  boundFor(maxTokens: number): Bound {
    if (this.#last?.maxTokens === maxTokens) return this.#last.bound;
    const { inputTokens, maxUsesCap } = this.#known;
    const request = {
      facts: this.#facts,
      maxTokens,
      maxUsesDefault: MAX_USES_DEFAULT,
      knownInputTokens: inputTokens ?? Infinity,
      maxUsesCap: maxUsesCap ?? Infinity,
    };
    const bound = boundOf(request, this.#context);
    this.#last = { maxTokens, bound };
    return bound;
  }

  claimFor(maxTokens: number): Claim {
    const bound = this.boundFor(maxTokens);
    const { need, inputTokens } = bound;
    const { cachedTokens } = this.#known;
    const tokens = tokensOf(bound);
    return {
      need,
      tokens,
      likely: () => likelyCost({ facts: this.#facts, inputTokens, cachedTokens }, this.price),
      // What is read from the cache counts in no limit.
      likelyTokens: () => ({
        input: Math.max(0, tokens.input - Math.min(cachedTokens, inputTokens)),
        output: Math.min(tokens.output, USUAL_ANSWER_TOKENS),
      }),
    };
  }
}

/** The most tokens that limits can count of an attempt: of its own model, advisors and fallbacks. */
function tokensOf({ inputTokens, outputTokens, others }: Bound): TokenNeed {
  return {
    input: safe(inputTokens + (others?.inputTokens ?? 0)),
    output: safe(outputTokens + (others?.outputTokens ?? 0)),
  };
}

/** No limit is above it, and JSON has it exactly. */
function safe(tokens: number): number {
  return Math.min(tokens, Number.MAX_SAFE_INTEGER);
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
