/** Decides whether an attempt may go upstream and takes its hold on every window of its chain. */
import { nanoUsd, type PicoUsdPerToken } from "../core/money.ts";
import { formatTime } from "../core/time.ts";
import { isRefusal, type Refusal } from "../core/refusal.ts";
import type { AdmitRecord, PriceSource } from "../journal/record.ts";
import { limitShortage, type Books } from "../ledger/decide.ts";
import { climb } from "../ledger/ladder.ts";
import type { Hold } from "../ledger/ledger.ts";
import type { Window } from "../ledger/state.ts";
import { explainShortage } from "../policy/explain.ts";
import type { Plan } from "../policy/plan.ts";
import { boundOf, type Bound } from "../pricing/bound.ts";
import type { ModelPrice } from "../pricing/price.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import { attributionOf, type Exchange } from "./exchange.ts";
import type { Gateway } from "./ports.ts";
import type { Target } from "./route.ts";
import { isCompaction } from "./subject.ts";

/** Spliced in where a server tool states no `max_uses`. */
export const MAX_USES_DEFAULT = 10;

/** An attempt that holds its money: what it will ask for, and at which price it will be charged. */
export interface Admitted {
  readonly hold: Hold;
  readonly target: Target;
  readonly price: ModelPrice;
  readonly bound: Bound;
  /** `max_tokens` as it goes upstream. */
  readonly maxTokens: number;
  /** The same where it is lower than asked; else null. */
  readonly clamped: number | null;
}

/** What is asked of admission. */
export interface AdmitRequest {
  readonly exchange: Exchange;
  readonly plan: Plan;
  readonly model: string;
  readonly body: MessagesBody;
  readonly target: Target;
  /** Observe mode: a refusal that routing has waived already. */
  readonly waived: Refusal | null;
}

/** Takes the hold, or says which limit or budget refuses. A refused request changes no counter. */
export function admit(request: AdmitRequest, gateway: Gateway): Admitted | Refusal {
  const { exchange, plan, target } = request;
  const { policy } = exchange.ruling;
  const nowMs = gateway.ledgerClock.nowMs();
  const name = gateway.sessions.nameOf(plan.virtualKey, exchange.subject?.session ?? null, nowMs);
  const session = { virtualKey: plan.virtualKey, name };
  const windows = [...plan.meters, ...target.use.meters].map((meter) =>
    gateway.ledger.windowAt(meter, nowMs, session),
  );
  const pricing = pricingOf(request, nowMs);
  warnOfAssumedPrice(pricing.price, gateway);
  const decide = (books: Books) => decideOn({ request, windows, books, nowMs, pricing });
  if (policy.mode === "enforce") {
    const decision = decide("real");
    return isRefusal(decision)
      ? decision
      : take(request, gateway, { ...decision, windows, nowMs, pricing, shadow: null });
  }
  const shadow = request.waived ?? decide("shadow");
  const need = pricing.boundFor(pricing.asked).need;
  return take(request, gateway, {
    maxTokens: pricing.asked,
    need,
    windows,
    nowMs,
    pricing,
    shadow,
  });
}

/** An attempt that no budget holds and no limit counts: `count_tokens`. It has a row all the same. */
export function admitUnbilled(request: AdmitRequest, gateway: Gateway): Admitted {
  const nowMs = gateway.ledgerClock.nowMs();
  const { price, asked } = pricingOf(request, nowMs);
  const pricing = { price, asked, boundFor: () => NOTHING_BOUND };
  const decision = { maxTokens: asked, need: 0n };
  return take(request, gateway, { ...decision, windows: [], nowMs, pricing, shadow: null });
}

const NOTHING_BOUND: Bound = {
  inputNeed: nanoUsd(0n),
  outputTokens: 0,
  outputPico: 0n as PicoUsdPerToken,
  need: nanoUsd(0n),
  inputTokens: 0,
  passes: 1,
};

interface Pricing {
  readonly price: ModelPrice;
  /** The client's `max_tokens`, or what is spliced in where it has none. */
  readonly asked: number;
  readonly boundFor: (maxTokens: number) => Bound;
}

function pricingOf(request: AdmitRequest, nowMs: number): Pricing {
  const { body, model } = request;
  const book = request.exchange.ruling.prices;
  const price = book.resolve(model, nowMs);
  const asked = body.maxTokens ?? price.maxOutputTokens;
  let last: { readonly maxTokens: number; readonly bound: Bound } | null = null;
  const boundFor = (maxTokens: number) => {
    if (last?.maxTokens === maxTokens) return last.bound;
    const bound = boundOf(
      { facts: body.facts, maxTokens, maxUsesDefault: MAX_USES_DEFAULT },
      { book, price, atMs: nowMs },
    );
    last = { maxTokens, bound };
    return bound;
  };
  return { price, asked, boundFor };
}

function warnOfAssumedPrice(price: ModelPrice, gateway: Gateway): void {
  if (price.source !== "assumed" || !gateway.isFirst(`price of ${price.name}`)) return;
  gateway.log.warn(
    "a model has no known price: it is charged at an assumed one; add it under prices",
    {
      model: price.name,
    },
  );
}

interface Decision {
  readonly maxTokens: number;
  readonly need: bigint;
}

function decideOn(of: {
  readonly request: AdmitRequest;
  readonly windows: readonly Window[];
  readonly books: Books;
  readonly nowMs: number;
  readonly pricing: Pricing;
}): Decision | Refusal {
  const { request, windows, books, nowMs, pricing } = of;
  const limited = limitShortage(windows, nowMs, books);
  if (limited !== null) return explainShortage(limited, books, nowMs);
  const rung = climb({
    windows,
    books,
    asked: pricing.asked,
    floor: (request.body.thinkingBudgetTokens ?? 0) + 1,
    compaction: isCompaction(request.exchange.request.headers),
    needFor: (maxTokens) => pricing.boundFor(maxTokens).need,
  });
  return rung.fits ? rung : explainShortage(rung.shortage, books, nowMs);
}

interface Taking extends Decision {
  readonly windows: Window[];
  readonly nowMs: number;
  readonly pricing: Pricing;
  /** Observe mode: what enforcement would have done; null in enforce mode. */
  readonly shadow: Decision | Refusal | null;
}

function take(request: AdmitRequest, gateway: Gateway, taking: Taking): Admitted {
  const { pricing, maxTokens, nowMs } = taking;
  const bound = pricing.boundFor(maxTokens);
  const clamped = maxTokens < pricing.asked ? maxTokens : null;
  const record = admitRecord(request, taking, { bound, clamped });
  const hold = gateway.ledger.take({
    id: `${record.request}/${record.attempt}`,
    record,
    windows: taking.windows,
    admittedMs: nowMs,
    need: taking.need,
    shadowNeed: shadowNeedOf(taking),
  });
  return { hold, target: request.target, price: pricing.price, bound, maxTokens, clamped };
}

/** In enforce mode the shadow holds what the books hold; in observe mode what enforcement would have. */
function shadowNeedOf({ shadow, need }: Taking): bigint | null {
  if (shadow === null) return need;
  return isRefusal(shadow) ? null : shadow.need;
}

function admitRecord(
  request: AdmitRequest,
  taking: Taking,
  derived: { readonly bound: Bound; readonly clamped: number | null },
): AdmitRecord {
  const { exchange, target, model } = request;
  const { bound, clamped } = derived;
  const { shadow } = taking;
  return {
    time: formatTime(taking.nowMs),
    type: "admit",
    request: exchange.id,
    attempt: exchange.attempts + 1,
    ...attributionOf(exchange),
    provider: target.use.provider.id,
    provider_key: target.credential?.id ?? target.row.kind,
    model,
    price: priceSource(target, taking.pricing.price),
    max_tokens: request.body.maxTokens,
    clamped_max_tokens: clamped,
    waited_ms: Math.round(exchange.waitedMs),
    need: String(taking.need),
    input_need: String(bound.inputNeed),
    output_tokens: bound.outputTokens,
    output_pico: String(bound.outputPico),
    windows: keysOf(taking.windows, "money"),
    limits: keysOf(taking.windows, "limits"),
    ...(shadow !== null && isRefusal(shadow) ? { refusal: shadow.code } : {}),
    ...(shadow !== null && !isRefusal(shadow) ? { shadow_need: String(shadow.need) } : {}),
  };
}

function priceSource(target: Target, price: ModelPrice): PriceSource {
  return target.row.transport === "embedded" ? "rehearsal" : price.source;
}

function keysOf(windows: readonly Window[], which: "money" | "limits"): string[] {
  const keys: string[] = [];
  for (const window of windows)
    if ((window.meter.unit === "usd") === (which === "money")) keys.push(window.key);
  return keys;
}
