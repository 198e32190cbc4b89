/** Decides whether an attempt may go upstream and takes its hold on every window of its chain. */
import { takesMaxUses } from "../core/body-facts.ts";
import { invariant } from "../core/invariant.ts";
import { isRefusal, type Refusal } from "../core/refusal.ts";
import { isBusy, isClaimed, isOfAccount, limitShortage, tightest } from "../ledger/decide.ts";
import type { Books, Claim } from "../ledger/decide.ts";
import { climb, isNearCap, isWorthCounting, leastAnswer, type Rung } from "../ledger/ladder.ts";
import { isOfAgents } from "../ledger/meter.ts";
import type { Window } from "../ledger/state.ts";
import { explainShortage, scopeText } from "../policy/explain.ts";
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
import { isAllObserved } from "./observed.ts";
import type { Gateway } from "./ports.ts";
import { ClientGone } from "./receive.ts";
import { awaitsOthers, claimRefused, isClaimRefused, keyIsFull } from "./refuse.ts";
import { withCountMargin } from "./settle.ts";
import { capRefusal, countedSession, haltOf } from "./session-rules.ts";
import { isCompaction } from "./subject.ts";
import { take, type Admitted, type Decision } from "./take.ts";
import { recallTurn, traceOf, turnView, type TurnView } from "./turns.ts";
import { waitFor } from "./wait-for.ts";

/** Where a server tool's passes do not fit, it may run so often. */
const MAX_USES_CAPS = [3, 1];

/**
 * Takes the hold, or says which limit or budget refuses: `keyIsFull` where that is one of the target's
 * own key, and another may serve. A refused request changes no counter. Near a cap it asks the upstream for
 * a count, and waits where only others' holds are in the way. What is in shadow refuses, clamps and waits for
 * nothing: it is decided once more on paper, and noted.
 *
 * @throws ClientGone where the client hung up while it waited.
 */
export async function admit(request: AdmitRequest, gateway: Gateway): Promise<Admitted | Refusal> {
  const known: Known = { ...NOTHING_KNOWN, cutAt: null, turn: null };
  const attempt = () => enforce(request, known, gateway);
  let result = attempt();
  if (isRefusal(result) && mayCount(result, request, known, gateway)) {
    known.inputTokens = leastOf(known.inputTokens, await countedInput(request, gateway));
    if (request.exchange.response.destroyed)
      throw new ClientGone("the client hung up while its input was counted");
    result = attempt();
  }
  if (!isRefusal(result) || !awaitsOthers(result)) return result;
  const again = () => {
    const next = attempt();
    return isRefusal(next) && awaitsOthers(next) ? null : next;
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
  const { exchange, plan } = request;
  const ruled = haltOf(exchange, gateway) ?? capRefusal(exchange, gateway, "enforced");
  if (ruled !== null) return ruled;
  const { windows, nowMs } = windowsOf(request, gateway);
  const whole = isAllObserved(exchange);
  const binding = bindingOf(windows, whole);
  const decision = decide({ request, windows: binding, books: "real", nowMs }, known, gateway);
  if (isRefusal(decision)) return decision;
  const isObserved = whole || plan.observes || binding !== windows;
  const shadow = isObserved ? shadowDecision({ request, windows, nowMs }, gateway) : null;
  const asCame = isObserved && !binding.some(isClaimed);
  return take(request, gateway, { ...decision, windows, nowMs, asCame, shadow });
}

/** The windows whose caps are kept; all of them where none is of a scope in shadow. */
function bindingOf(windows: Window[], whole: boolean): readonly Window[] {
  if (whole) return [];
  if (windows.every(({ meter }) => meter.enforced)) return windows;
  return windows.filter(({ meter }) => meter.enforced);
}

/** What enforcement would have done, by the shadow's books; it would have refused a request but once. */
function shadowDecision(of: Omit<Deciding, "books">, gateway: Gateway): Decision | Refusal {
  const { exchange, waived } = of.request;
  exchange.waived ??= waived;
  if (exchange.waived !== null) return exchange.waived;
  // No count is asked for on paper, and nobody waits.
  const known: Known = { ...NOTHING_KNOWN, cutAt: null, turn: null };
  const decision = decide({ ...of, books: "shadow" }, known, gateway);
  if (isRefusal(decision)) exchange.waived = decision;
  return decision;
}

/** What is decided on: by which books, in which windows. */
interface Deciding {
  readonly request: AdmitRequest;
  readonly windows: readonly Window[];
  readonly books: Books;
  readonly nowMs: number;
}

/** Limits first, then the ladder. Changes no counter. */
function decide(of: Deciding, known: Known, gateway: Gateway): Decision | Refusal {
  const { request, windows, books, nowMs } = of;
  const byBytes = pricingOf(request, nowMs, NOTHING_KNOWN);
  const limited = limitShortage(windows, nowMs, books, () => leastClaim(request, byBytes));
  if (limited !== null) {
    const refused = explainShortage(limited, books, nowMs);
    return isOfAccount(limited) ? keyIsFull(refused) : refused;
  }
  warnOfAssumedPrice(byBytes.price, gateway);
  const nearCap = isNearCap(windows, byBytes.claimFor(byBytes.asked), books);
  if (nearCap && known.turn === null && countsBound(request, gateway)) learn(of, known, gateway);
  const { cutAt } = known;
  let refused: Refusal | null = null;
  for (const maxUsesCap of usesCaps(request)) {
    const isPlain = known.inputTokens === null && maxUsesCap === null;
    const pricing = isPlain ? byBytes : pricingOf(request, nowMs, { ...known, maxUsesCap });
    const rung = climbBy(of, pricing, cutAt);
    if (rung.fits) {
      const turn = known.turn === null ? null : traceOf(known.turn);
      const { maxTokens, need, tokens } = rung;
      const clampedBy = maxTokens < pricing.asked ? tightestScope(windows, books) : null;
      return { maxTokens, need, tokens, pricing, maxUsesCap, nearCap, turn, clampedBy };
    }
    refused ??= claimRefused(explainShortage(rung.shortage, books, nowMs), isBusy(rung.shortage));
  }
  invariant(refused !== null, "there is at least one try");
  return refused;
}

/** "team/platform": whose budget has the least left. */
function tightestScope(windows: readonly Window[], books: Books): string | null {
  const least = tightest(windows, books);
  return least === null ? null : scopeText(least.window);
}

const AS_ASKED: readonly null[] = [null];
const CAPPED = [null, ...MAX_USES_CAPS];

/** How often server tools may run, one after the other until one fits. */
function usesCaps({ body }: AdmitRequest): readonly (number | null)[] {
  const { serverTools, obscured } = body.facts;
  if (obscured || !serverTools.some(({ type }) => takesMaxUses(type))) return AS_ASKED;
  return CAPPED;
}

function windowsOf(request: AdmitRequest, gateway: Gateway) {
  const { exchange, plan, target } = request;
  const nowMs = gateway.ledgerClock.nowMs();
  const counted = countedSession(exchange, plan, gateway);
  const session = { virtualKey: plan.virtualKey, name: counted.session };
  const agent = exchange.subject?.agent ?? null;
  const windows: Window[] = [];
  for (const meters of [plan.meters, target.use.meters])
    for (const meter of meters) {
      if (exchange.isCounted && meter.unit === "requests") continue;
      if (!isOfAgents(meter)) windows.push(gateway.ledger.windowAt(meter, nowMs, session));
      else if (agent !== null) {
        const named = { ...session, agent: gateway.sessions.agentOf(session, agent) };
        windows.push(gateway.ledger.windowAt(meter, nowMs, named));
      }
    }
  // For the account each attempt is a request.
  windows.push(...accountWindows(target, target.credential?.id ?? null, nowMs, gateway));
  return { windows, nowMs };
}

function learn({ request, books }: Deciding, known: Known, gateway: Gateway): void {
  known.turn = turnView(request.exchange, request.body, request.chunks, books);
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
  if (!isClaimRefused(refused) || !countsBound(request, gateway)) return false;
  const { facts } = request.body;
  if (facts.serverTools.length > 0 || facts.fallbacks.length > 0) return false;
  const { windows: all, nowMs } = windowsOf(request, gateway);
  const windows = bindingOf(all, isAllObserved(request.exchange));
  // A session's prompt does not get smaller: no count can tell of less than the turn before had.
  const pricing = pricingOf(request, nowMs, { ...known, inputTokens: known.cachedTokens });
  const floor = floorOf(request, known.cutAt);
  return isWorthCounting({
    windows,
    nowMs,
    asked: pricing.asked,
    floor,
    leastClaimFor: (maxTokens) => pricing.claimFor(maxTokens),
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

function climbBy(
  { request, windows, books, nowMs }: Deciding,
  pricing: Pricing,
  cutAt: number | null,
): Rung {
  return climb({
    windows,
    books,
    nowMs,
    asked: pricing.asked,
    floor: floorOf(request, cutAt),
    compaction: isCompaction(request.exchange.request.headers),
    claimFor: (maxTokens) => pricing.claimFor(maxTokens),
  });
}

/** The least that a clamp leaves of the claim. */
function leastClaim(request: AdmitRequest, pricing: Pricing): Claim {
  return pricing.claimFor(leastAnswer({ asked: pricing.asked, floor: floorOf(request, null) }));
}

/** `max_tokens` goes no lower: what may be thought, and what an answer that is continued was cut at. */
function floorOf(request: AdmitRequest, cutAt: number | null): number {
  return Math.max((request.body.thinkingBudgetTokens ?? 0) + 1, cutAt ?? 0);
}
