/** Decides whether an attempt may go upstream and takes its hold on every window of its chain. */
import { nanoUsd, type PicoUsdPerToken } from "../core/money.ts";
import { formatTime } from "../core/time.ts";
import { isRefusal, type Refusal } from "../core/refusal.ts";
import type { AdmitRecord, PriceSource } from "../journal/record.ts";
import { budgetShortage, limitShortage, tightest, type Books } from "../ledger/decide.ts";
import { climb } from "../ledger/ladder.ts";
import { exceedsCap, type Hold } from "../ledger/ledger.ts";
import type { Window } from "../ledger/state.ts";
import { explainShortage } from "../policy/explain.ts";
import type { Plan } from "../policy/plan.ts";
import { boundOf, type Bound } from "../pricing/bound.ts";
import type { ModelPrice } from "../pricing/price.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import { countInput } from "./count-input.ts";
import { attributionOf, type Exchange } from "./exchange.ts";
import { identify } from "./identify.ts";
import type { Gateway } from "./ports.ts";
import { ClientGone } from "./receive.ts";
import { draining } from "./refuse.ts";
import type { Target } from "./route.ts";
import { withCountMargin } from "./settle.ts";
import { isCompaction } from "./subject.ts";
import { recallTurn, turnView, type TurnView } from "./turns.ts";

/** Spliced in where a server tool states no `max_uses`. */
export const MAX_USES_DEFAULT = 10;

/** From so many needs to its cap on, a request is looked at more closely. */
const NEAR_CAP_NEEDS = 40n;
/** No answer is clamped below this. */
const LEAST_ANSWER_TOKENS = 2_000;
const BUDGET_CODES: ReadonlySet<string> = new Set([
  "budget_exhausted",
  "request_exceeds_budget",
  "budget_busy",
]);

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
  /** Near a cap: what the next turn may learn from this one's figures. */
  readonly turn: TurnView | null;
}

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

/**
 * Takes the hold, or says which limit or budget refuses. A refused request changes no counter. Near a cap
 * it asks the upstream for a count, and waits where only others' holds are in the way.
 *
 * @throws ClientGone where the client hung up while it waited.
 */
export async function admit(request: AdmitRequest, gateway: Gateway): Promise<Admitted | Refusal> {
  const { policy } = request.exchange.ruling;
  if (policy.mode === "observe") return observe(request, gateway);
  const known: KnownInput = { tokens: null, cutAt: null, turn: null };
  const attempt = () => enforce(request, known, gateway);
  let result = attempt();
  if (isRefusal(result) && isWorthCounting(result, request, gateway)) {
    known.tokens = leastOf(known.tokens, await countedInput(request, gateway));
    result = attempt();
  }
  if (!isRefusal(result) || result.code !== "budget_busy") return result;
  return wait(request, attempt, result, gateway);
}

/** What is known of a request's input besides its bytes. */
interface KnownInput {
  tokens: number | null;
  cutAt: number | null;
  turn: TurnView | null;
}

/** Decides and takes in one turn of the event loop. */
function enforce(request: AdmitRequest, known: KnownInput, gateway: Gateway): Admitted | Refusal {
  const { windows, nowMs } = windowsOf(request, gateway);
  const limited = limitShortage(windows, nowMs, "real");
  if (limited !== null) return explainShortage(limited, "real", nowMs);
  const byBytes = pricingOf(request, nowMs, null);
  warnOfAssumedPrice(byBytes.price, gateway);
  const isTight = isNearCap(windows, byBytes);
  if (isTight && known.turn === null) learn(request, known, gateway);
  const pricing = known.tokens === null ? byBytes : pricingOf(request, nowMs, known.tokens);
  const decision = decideOn({
    request,
    windows,
    books: "real",
    nowMs,
    pricing,
    cutAt: known.cutAt,
  });
  if (isRefusal(decision)) return decision;
  const taking = { ...decision, windows, nowMs, pricing, shadow: null, turn: known.turn };
  return take(request, gateway, taking);
}

/** Decides by the shadow's books, takes on the real ones whatever comes of it. */
function observe(request: AdmitRequest, gateway: Gateway): Admitted {
  const { windows, nowMs } = windowsOf(request, gateway);
  const pricing = pricingOf(request, nowMs, null);
  warnOfAssumedPrice(pricing.price, gateway);
  const shadow = request.waived ?? shadowDecision(request, windows, { nowMs, pricing });
  const need = pricing.boundFor(pricing.asked).need;
  const taking = { maxTokens: pricing.asked, need, windows, nowMs, pricing, shadow, turn: null };
  return take(request, gateway, taking);
}

function shadowDecision(
  request: AdmitRequest,
  windows: readonly Window[],
  at: { readonly nowMs: number; readonly pricing: Pricing },
): Decision | Refusal {
  const limited = limitShortage(windows, at.nowMs, "shadow");
  if (limited !== null) return explainShortage(limited, "shadow", at.nowMs);
  return decideOn({ request, windows, books: "shadow", cutAt: null, ...at });
}

function windowsOf(request: AdmitRequest, gateway: Gateway) {
  const { exchange, plan, target } = request;
  const nowMs = gateway.ledgerClock.nowMs();
  const name = gateway.sessions.nameOf(plan.virtualKey, exchange.subject?.session ?? null, nowMs);
  const session = { virtualKey: plan.virtualKey, name };
  const windows = [...plan.meters, ...target.use.meters].map((meter) =>
    gateway.ledger.windowAt(meter, nowMs, session),
  );
  return { windows, nowMs };
}

/** Near its cap a request is worth a closer look: a copy and a hash of its body. */
function isNearCap(windows: readonly Window[], pricing: Pricing): boolean {
  const least = tightest(windows, "real");
  if (least === null) return false;
  return pricing.boundFor(pricing.asked).need * NEAR_CAP_NEEDS > least.headroom;
}

function learn(request: AdmitRequest, known: KnownInput, gateway: Gateway): void {
  known.turn = turnView(request.exchange, request.body, request.chunks);
  if (known.turn === null) return;
  const recalled = recallTurn(gateway.turns, known.turn);
  known.tokens = recalled.inputTokens;
  known.cutAt = recalled.cutAt;
}

/** A count costs a round trip: only where a smaller input could change the answer. */
function isWorthCounting(refused: Refusal, request: AdmitRequest, gateway: Gateway): boolean {
  if (!BUDGET_CODES.has(refused.code)) return false;
  const { facts } = request.body;
  if (facts.serverTools.length > 0 || facts.fallbacks.length > 0) return false;
  const { windows, nowMs } = windowsOf(request, gateway);
  const { asked, boundFor } = pricingOf(request, nowMs, 0);
  const least = boundFor(Math.min(asked, LEAST_ANSWER_TOKENS)).need;
  const shortage = budgetShortage(windows, least, "real");
  return shortage === null || shortage.code === "budget_busy";
}

async function countedInput(request: AdmitRequest, gateway: Gateway): Promise<number | null> {
  const { exchange, target, body, chunks } = request;
  const startedMs = gateway.clock.monotonicMs();
  const tokens = await countInput({ exchange, target, body, chunks }, gateway);
  exchange.waitedMs += gateway.clock.monotonicMs() - startedMs;
  return tokens === null ? null : withCountMargin(tokens);
}

function leastOf(left: number | null, right: number | null): number | null {
  if (left === null || right === null) return left ?? right;
  return Math.min(left, right);
}

/** Waits for other requests' holds to settle; a deadline gives the refusal that there was. */
async function wait(
  request: AdmitRequest,
  attempt: () => Admitted | Refusal,
  refused: Refusal,
  gateway: Gateway,
): Promise<Admitted | Refusal> {
  const { exchange } = request;
  const { response } = exchange;
  let leave = () => {};
  const onClose = () => leave();
  response.once("close", onClose);
  const { result, waitedMs } = await gateway.waiting.wait(
    () => {
      const ended = stillWelcome(exchange, gateway);
      if (ended !== null) return ended;
      const next = attempt();
      return isRefusal(next) && next.code === "budget_busy" ? null : next;
    },
    {
      atMostMs: gateway.budgetWaitMs(),
      onLeave: (end) => {
        leave = end;
      },
    },
  );
  response.off("close", onClose);
  exchange.waitedMs += waitedMs;
  if (response.destroyed && (result === null || isRefusal(result)))
    throw new ClientGone("the client hung up while it waited for its budget");
  return result ?? refused;
}

/** A waiting request leaves when its key is revoked or the gateway drains. */
function stillWelcome(exchange: Exchange, gateway: Gateway): Refusal | null {
  if (gateway.draining()) return draining();
  const caller = identify(exchange.request.headers, gateway.ruling(), gateway.ledgerClock.nowMs());
  return isRefusal(caller) ? caller : null;
}

/** An attempt that no budget holds and no limit counts: `count_tokens`. It has a row all the same. */
export function admitUnbilled(request: AdmitRequest, gateway: Gateway): Admitted {
  const nowMs = gateway.ledgerClock.nowMs();
  const { price, asked } = pricingOf(request, nowMs, null);
  const pricing = { price, asked, boundFor: () => NOTHING_BOUND };
  const decision = { maxTokens: asked, need: 0n };
  const taking = { ...decision, windows: [], nowMs, pricing, shadow: null, turn: null };
  return take(request, gateway, taking);
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

function pricingOf(request: AdmitRequest, nowMs: number, inputTokens: number | null): Pricing {
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
  readonly cutAt: number | null;
}): Decision | Refusal {
  const { request, windows, books, nowMs, pricing } = of;
  const rung = climb({
    windows,
    books,
    asked: pricing.asked,
    // The continuation of an answer that was cut here is not cut shorter still.
    floor: Math.max((request.body.thinkingBudgetTokens ?? 0) + 1, of.cutAt ?? 0),
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
  readonly turn: TurnView | null;
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
  const { turn } = taking;
  return { hold, target: request.target, price: pricing.price, bound, maxTokens, clamped, turn };
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
    ...(isOvershooting(taking) ? { overshoot: "last_request" as const } : {}),
    ...(shadow !== null && isRefusal(shadow) ? { refusal: shadow.code } : {}),
    ...(shadow !== null && !isRefusal(shadow) ? { shadow_need: String(shadow.need) } : {}),
  };
}

function isOvershooting({ windows, need, shadow }: Taking): boolean {
  return (
    shadow === null &&
    windows.some((window) => window.meter.unit === "usd" && exceedsCap(window, need))
  );
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
