/** Takes a decided hold and makes the record that goes before it. */
import { nanoUsd, type PicoUsdPerToken } from "../core/money.ts";
import { isRefusal, type Refusal } from "../core/refusal.ts";
import { formatTime } from "../core/time.ts";
import type { AdmitRecord, PriceSource } from "../journal/record.ts";
import { claimOf } from "../ledger/decide.ts";
import { exceedsCap, type Hold } from "../ledger/ledger.ts";
import type { Window } from "../ledger/state.ts";
import type { Bound } from "../pricing/bound.ts";
import type { ModelPrice } from "../pricing/price.ts";
import { NOTHING_KNOWN, pricingOf, type AdmitRequest, type Pricing } from "./demand.ts";
import { attributionOf } from "./exchange.ts";
import type { Gateway } from "./ports.ts";
import { countedElsewhere } from "./session-rules.ts";
import type { Target } from "./candidates.ts";
import type { TurnTrace } from "./turns.ts";

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
  /** Server tools may run no more often than this; null: as the body says. */
  readonly maxUsesCap: number | null;
  /** So near a cap that money which is not needed is given back while the attempt runs. */
  readonly nearCap: boolean;
  /** Near a cap: what the next turn may learn from this one's figures. */
  readonly turn: TurnTrace | null;
}

/** How large the answer may be, and what is held for it. */
export interface Decision {
  readonly maxTokens: number;
  readonly need: bigint;
}

/** A decision with all that it was made from. */
export interface Taking extends Decision {
  readonly windows: Window[];
  readonly nowMs: number;
  readonly pricing: Pricing;
  /** Observe mode: what enforcement would have done; null in enforce mode. */
  readonly shadow: Decision | Refusal | null;
  readonly maxUsesCap: number | null;
  readonly nearCap: boolean;
  readonly turn: TurnTrace | null;
}

/** Takes the hold on every window at once. */
export function take(request: AdmitRequest, gateway: Gateway, taking: Taking): Admitted {
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
  const { nearCap, turn, maxUsesCap } = taking;
  const { target } = request;
  const decided = { hold, target, price: pricing.price, bound, maxTokens, clamped, maxUsesCap };
  return { ...decided, nearCap, turn };
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
    ...(taking.maxUsesCap === null ? {} : { clamped_max_uses: taking.maxUsesCap }),
    waited_ms: Math.round(exchange.waitedMs),
    need: String(taking.need),
    input_need: String(bound.inputNeed),
    output_tokens: bound.outputTokens,
    output_pico: String(bound.outputPico),
    windows: keysOf(taking.windows, "money"),
    limits: keysOf(taking.windows, "limits"),
    door: target.door.id,
    task_source: exchange.subject?.taskSource ?? "heuristic",
    ...(exchange.rule === null ? {} : { rule: exchange.rule }),
    ...(exchange.routeNote === null ? {} : { route_note: exchange.routeNote }),
    ...(exchange.slowedMs === 0 ? {} : { slowed_ms: exchange.slowedMs }),
    ...countedElsewhere(exchange, taking.nowMs),
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

/** An attempt that no budget holds and no limit counts: `count_tokens`. It has a row all the same. */
export function admitUnbilled(request: AdmitRequest, gateway: Gateway): Admitted {
  const nowMs = gateway.ledgerClock.nowMs();
  const { price, asked } = pricingOf(request, nowMs, NOTHING_KNOWN);
  const claimFor = () => claimOf(0n);
  const pricing = { price, asked, boundFor: () => NOTHING_BOUND, claimFor };
  const decision = { maxTokens: asked, need: 0n };
  const taking = { ...decision, windows: [], nowMs, pricing, shadow: null };
  return take(request, gateway, { ...taking, nearCap: false, turn: null, maxUsesCap: null });
}

const NOTHING_BOUND: Bound = {
  inputNeed: nanoUsd(0n),
  outputTokens: 0,
  outputPico: 0n as PicoUsdPerToken,
  need: nanoUsd(0n),
  inputTokens: 0,
  passes: 1,
};
