/** Decides whether an attempt may go upstream and takes its hold on every window of its chain. */
import { isRefusal, type Refusal } from "../core/refusal.ts";
import { budgetShortage, limitShortage, tightest, type Books } from "../ledger/decide.ts";
import { climb } from "../ledger/ladder.ts";
import type { Window } from "../ledger/state.ts";
import { explainShortage } from "../policy/explain.ts";
import { countInput } from "./count-input.ts";
import { pricingOf, warnOfAssumedPrice, type AdmitRequest, type Pricing } from "./demand.ts";
import type { Exchange } from "./exchange.ts";
import { identify } from "./identify.ts";
import type { Gateway } from "./ports.ts";
import { ClientGone } from "./receive.ts";
import { draining } from "./refuse.ts";
import { withCountMargin } from "./settle.ts";
import { isCompaction } from "./subject.ts";
import { take, type Admitted, type Decision } from "./take.ts";
import { recallTurn, turnView, type TurnView } from "./turns.ts";

/** From so many needs to its cap on, a request is looked at more closely. */
const NEAR_CAP_NEEDS = 40n;
/** No answer is clamped below this. */
const LEAST_ANSWER_TOKENS = 2_000;
const BUDGET_CODES: ReadonlySet<string> = new Set([
  "budget_exhausted",
  "request_exceeds_budget",
  "budget_busy",
]);

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
  if (isRefusal(result) && isWorthCounting(result, request, known, gateway)) {
    known.tokens = leastOf(known.tokens, await countedInput(request, gateway));
    if (request.exchange.response.destroyed)
      throw new ClientGone("the client hung up while its input was counted");
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
  if (isTight && known.turn === null && countsBound(request, gateway))
    learn(request, known, gateway);
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
  const taking = {
    ...decision,
    windows,
    nowMs,
    pricing,
    shadow: null,
    turn: known.turn,
    nearCap: isTight,
  };
  return take(request, gateway, taking);
}

/** Decides by the shadow's books, takes on the real ones whatever comes of it. */
function observe(request: AdmitRequest, gateway: Gateway): Admitted {
  const { windows, nowMs } = windowsOf(request, gateway);
  const pricing = pricingOf(request, nowMs, null);
  warnOfAssumedPrice(pricing.price, gateway);
  const shadow = request.waived ?? shadowDecision(request, windows, { nowMs, pricing });
  const need = pricing.boundFor(pricing.asked).need;
  const taking = { maxTokens: pricing.asked, need, windows, nowMs, pricing, shadow };
  return take(request, gateway, { ...taking, nearCap: false, turn: null });
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
function isWorthCounting(
  refused: Refusal,
  request: AdmitRequest,
  known: KnownInput,
  gateway: Gateway,
): boolean {
  if (!BUDGET_CODES.has(refused.code) || !countsBound(request, gateway)) return false;
  const { facts } = request.body;
  if (facts.serverTools.length > 0 || facts.fallbacks.length > 0) return false;
  const { windows, nowMs } = windowsOf(request, gateway);
  const { asked, boundFor } = pricingOf(request, nowMs, 0);
  const answerTokens = Math.max(LEAST_ANSWER_TOKENS, floorOf(request, known.cutAt));
  const least = boundFor(Math.min(asked, answerTokens)).need;
  const shortage = budgetShortage(windows, least, "real");
  return shortage === null || shortage.code === "budget_busy";
}

/** Whether figures of this provider can be held against the next request. */
function countsBound({ target }: AdmitRequest, gateway: Gateway): boolean {
  return gateway.providerHealth.countsBound(target.use.provider.id);
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
  const startedMs = gateway.clock.monotonicMs();
  const beforeMs = exchange.waitedMs;
  let leave = () => {};
  const onClose = () => leave();
  response.once("close", onClose);
  const { result, waitedMs } = await gateway.waiting.wait(
    () => {
      const ended = stillWelcome(exchange, gateway);
      if (ended !== null) return ended;
      // An attempt that succeeds has its wait in its record.
      exchange.waitedMs = beforeMs + gateway.clock.monotonicMs() - startedMs;
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
  exchange.waitedMs = beforeMs + waitedMs;
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
    floor: floorOf(request, of.cutAt),
    compaction: isCompaction(request.exchange.request.headers),
    needFor: (maxTokens) => pricing.boundFor(maxTokens).need,
  });
  return rung.fits ? rung : explainShortage(rung.shortage, books, nowMs);
}

/** `max_tokens` goes no lower: what may be thought, and what an answer that is continued was cut at. */
function floorOf(request: AdmitRequest, cutAt: number | null): number {
  return Math.max((request.body.thinkingBudgetTokens ?? 0) + 1, cutAt ?? 0);
}
