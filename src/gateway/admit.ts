/** Decides whether an attempt may go upstream and takes its hold on every window of its chain. */
import { takesMaxUses } from "../core/body-facts.ts";
import { invariant } from "../core/invariant.ts";
import { isRefusal, type Refusal } from "../core/refusal.ts";
import { isOfAccount, limitShortage, type Books } from "../ledger/decide.ts";
import { climb, isNearCap, isWorthCounting } from "../ledger/ladder.ts";
import type { Window } from "../ledger/state.ts";
import { explainShortage } from "../policy/explain.ts";
import { accountWindows } from "./accounts.ts";
import { countInput } from "./count-input.ts";
import {
  NOTHING_KNOWN,
  pricingOf,
  warnOfAssumedPrice,
  type AdmitRequest,
  type Knowledge,
  type Pricing,
} from "./demand.ts";
import type { Gateway } from "./ports.ts";
import { ClientGone } from "./receive.ts";
import { keyIsFull } from "./refuse.ts";
import { withCountMargin } from "./settle.ts";
import { countedSession, haltOf } from "./session-rules.ts";
import { isCompaction } from "./subject.ts";
import { take, type Admitted, type Decision } from "./take.ts";
import { recallTurn, traceOf, turnView, type TurnView } from "./turns.ts";
import { waitFor } from "./wait-for.ts";

/** Where a server tool's passes do not fit, it may run so often. */
const MAX_USES_CAPS = [3, 1];
const BUDGET_CODES: ReadonlySet<string> = new Set([
  "budget_exhausted",
  "request_exceeds_budget",
  "budget_busy",
]);

/**
 * Takes the hold, or says which limit or budget refuses: `keyIsFull` where that is one of the target's
 * own key, and another may serve. A refused request changes no counter. Near a cap it asks the upstream for
 * a count, and waits where only others' holds are in the way.
 *
 * @throws ClientGone where the client hung up while it waited.
 */
export async function admit(request: AdmitRequest, gateway: Gateway): Promise<Admitted | Refusal> {
  const { policy } = request.exchange.ruling;
  if (policy.mode === "observe") return observe(request, gateway);
  const known: Known = { ...NOTHING_KNOWN, cutAt: null, turn: null };
  const attempt = () => enforce(request, known, gateway);
  let result = attempt();
  if (isRefusal(result) && mayCount(result, request, known, gateway)) {
    known.inputTokens = leastOf(known.inputTokens, await countedInput(request, gateway));
    if (request.exchange.response.destroyed)
      throw new ClientGone("the client hung up while its input was counted");
    result = attempt();
  }
  if (!isRefusal(result) || result.code !== "budget_busy") return result;
  const again = () => {
    const next = attempt();
    return isRefusal(next) && next.code === "budget_busy" ? null : next;
  };
  const atMostMs = gateway.budgetWaitMs();
  return (await waitFor(request.exchange, again, { atMostMs, gateway })) ?? result;
}

/** What has been learnt of a request so far. */
interface Known extends Knowledge {
  inputTokens: number | null;
  cachedTokens: number;
  cutAt: number | null;
  turn: TurnView | null;
}

/** Decides and takes in one turn of the event loop. */
function enforce(request: AdmitRequest, known: Known, gateway: Gateway): Admitted | Refusal {
  const halted = haltOf(request.exchange, gateway);
  if (halted !== null) return halted;
  const { windows, nowMs } = windowsOf(request, gateway);
  const limited = limitShortage(windows, nowMs, "real");
  if (limited !== null) {
    const refused = explainShortage(limited, "real", nowMs);
    return isOfAccount(limited) ? keyIsFull(refused) : refused;
  }
  const byBytes = pricingOf(request, nowMs, NOTHING_KNOWN);
  warnOfAssumedPrice(byBytes.price, gateway);
  const nearCap = isNearCap(windows, byBytes.boundFor(byBytes.asked).need);
  if (nearCap && known.turn === null && countsBound(request, gateway))
    learn(request, known, gateway);
  const { cutAt } = known;
  let refused: Refusal | null = null;
  for (const maxUsesCap of usesCaps(request)) {
    const isPlain = known.inputTokens === null && maxUsesCap === null;
    const pricing = isPlain ? byBytes : pricingOf(request, nowMs, { ...known, maxUsesCap });
    const decision = decideOn({ request, windows, books: "real", nowMs, pricing, cutAt });
    if (!isRefusal(decision)) {
      const turn = known.turn === null ? null : traceOf(known.turn);
      const taking = { ...decision, windows, nowMs, pricing, shadow: null, turn, nearCap };
      return take(request, gateway, { ...taking, maxUsesCap });
    }
    refused ??= decision;
  }
  invariant(refused !== null, "there is at least one try");
  return refused;
}

const AS_ASKED: readonly null[] = [null];
const CAPPED = [null, ...MAX_USES_CAPS];

/** How often server tools may run, one after the other until one fits. */
function usesCaps({ body }: AdmitRequest): readonly (number | null)[] {
  const { serverTools, obscured } = body.facts;
  if (obscured || !serverTools.some(({ type }) => takesMaxUses(type))) return AS_ASKED;
  return CAPPED;
}

/** Decides by the shadow's books, takes on the real ones whatever comes of it. */
function observe(request: AdmitRequest, gateway: Gateway): Admitted | Refusal {
  const halted = haltOf(request.exchange, gateway);
  if (halted !== null) return halted;
  const { windows, nowMs } = windowsOf(request, gateway);
  const pricing = pricingOf(request, nowMs, NOTHING_KNOWN);
  warnOfAssumedPrice(pricing.price, gateway);
  const shadow = request.waived ?? shadowDecision(request, windows, { nowMs, pricing });
  const need = pricing.boundFor(pricing.asked).need;
  const taking = { maxTokens: pricing.asked, need, windows, nowMs, pricing, shadow };
  return take(request, gateway, { ...taking, nearCap: false, turn: null, maxUsesCap: null });
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
  const counted = countedSession(exchange, plan, gateway);
  const session = { virtualKey: plan.virtualKey, name: counted.session };
  const windows: Window[] = [];
  for (const meters of [plan.meters, target.use.meters])
    for (const meter of meters)
      if (!exchange.isCounted || meter.unit !== "requests")
        windows.push(gateway.ledger.windowAt(meter, nowMs, session));
  // For the account each attempt is a request.
  windows.push(...accountWindows(target, target.credential?.id ?? null, nowMs, gateway));
  return { windows, nowMs };
}

function learn(request: AdmitRequest, known: Known, gateway: Gateway): void {
  known.turn = turnView(request.exchange, request.body, request.chunks);
  if (known.turn === null) return;
  const recalled = recallTurn(gateway.turns, known.turn);
  known.inputTokens = recalled.inputTokens;
  known.cachedTokens = recalled.cachedTokens;
  known.cutAt = recalled.cutAt;
}

function mayCount(
  refused: Refusal,
  request: AdmitRequest,
  known: Known,
  gateway: Gateway,
): boolean {
  if (!BUDGET_CODES.has(refused.code) || !countsBound(request, gateway)) return false;
  const { facts } = request.body;
  if (facts.serverTools.length > 0 || facts.fallbacks.length > 0) return false;
  const { windows, nowMs } = windowsOf(request, gateway);
  // A session's prompt does not get smaller: no count can tell of less than the turn before had.
  const pricing = pricingOf(request, nowMs, { ...known, inputTokens: known.cachedTokens });
  const floor = floorOf(request, known.cutAt);
  return isWorthCounting({
    windows,
    asked: pricing.asked,
    floor,
    leastNeedFor: (maxTokens) => pricing.boundFor(maxTokens).need,
  });
}

/** Whether figures of this provider can be held against the next request. */
function countsBound({ target }: AdmitRequest, gateway: Gateway): boolean {
  return gateway.providerHealth.countsBound(target.use.provider.id);
}

async function countedInput(request: AdmitRequest, gateway: Gateway): Promise<number | null> {
  const { exchange, target, body, chunks, canonical } = request;
  const startedMs = gateway.clock.monotonicMs();
  const counted = { exchange, target, body, received: { chunks }, canonical };
  const tokens = await countInput(counted, gateway);
  exchange.waitedMs += gateway.clock.monotonicMs() - startedMs;
  return tokens === null ? null : withCountMargin(tokens);
}

function leastOf(left: number | null, right: number | null): number | null {
  if (left === null || right === null) return left ?? right;
  return Math.min(left, right);
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
    claimFor: (maxTokens) => pricing.claimFor(maxTokens),
  });
  return rung.fits ? rung : explainShortage(rung.shortage, books, nowMs);
}

/** `max_tokens` goes no lower: what may be thought, and what an answer that is continued was cut at. */
function floorOf(request: AdmitRequest, cutAt: number | null): number {
  return Math.max((request.body.thinkingBudgetTokens ?? 0) + 1, cutAt ?? 0);
}
