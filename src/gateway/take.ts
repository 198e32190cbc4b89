/** Takes a decided hold and makes the record that goes before it. */
import { nanoUsd, type PicoUsdPerToken } from "../core/money.ts";
import { isRefusal, type Refusal } from "../core/refusal.ts";
import { formatTime } from "../core/time.ts";
import type { AdmitRecord, PriceSource } from "../journal/record.ts";
import { amountHeld, exceedsCap, holdTokens } from "../ledger/amounts.ts";
import { claimOf } from "../ledger/decide.ts";
import type { Hold } from "../ledger/ledger.ts";
import { NO_TOKENS, type Need, type TokenNeed, type Window } from "../ledger/state.ts";
import type { Bound } from "../pricing/bound.ts";
import type { ModelPrice } from "../pricing/price.ts";
import { NOTHING_KNOWN, pricingOf, type AdmitRequest, type Pricing } from "./demand.ts";
import { attributionOf } from "./exchange.ts";
import type { Gateway } from "./ports.ts";
import { sessionNotes } from "./session-rules.ts";
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
  /** No budget that is enforced bounds it: its body goes as it came. */
  readonly asCame: boolean;
  /** What enforcement would have let it do; null: just this, or nothing. */
  readonly shadow: ShadowAdmitted | null;
}

/** The same attempt in the shadow's books. */
export interface ShadowAdmitted {
  readonly bound: Bound;
  /** `max_tokens` where it would have been lower than asked. */
  readonly clamped: number | null;
  readonly nearCap: boolean;
  readonly turn: TurnTrace | null;
}

/** How large the answer may be, and what is held for it; with what it was decided from. */
export interface Decision extends Need {
  readonly maxTokens: number;
  readonly pricing: Pricing;
  readonly maxUsesCap: number | null;
  readonly nearCap: boolean;
  readonly turn: TurnTrace | null;
  /** The scope whose budget made it lower `max_tokens`; null: it did not. */
  readonly clampedBy: string | null;
}

/** A decision with where it is to be taken. */
export interface Taking extends Decision {
  readonly windows: Window[];
  readonly nowMs: number;
  readonly asCame: boolean;
  /** Of an attempt in shadow: what enforcement would have done; null: the same. */
  readonly shadow: Decision | Refusal | null;
}

/** Takes the hold on every window at once. */
export function take(request: AdmitRequest, gateway: Gateway, taking: Taking): Admitted {
  const { pricing, maxTokens, nowMs } = taking;
  const bound = pricing.boundFor(maxTokens);
  const clamped = maxTokens < pricing.asked ? maxTokens : null;
  const held = heldTokens(taking);
  const record = admitRecord(request, taking, { bound, clamped, held });
  const hold = gateway.ledger.take({
    id: `${record.request}/${record.attempt}`,
    record,
    windows: taking.windows,
    admittedMs: nowMs,
    need: taking.need,
    shadowNeed: shadowNeedOf(taking),
    tokens: held?.tokens ?? NO_TOKENS,
    shadowTokens: held?.shadowTokens ?? NO_TOKENS,
  });
  const { nearCap, turn, maxUsesCap, asCame } = taking;
  const { target } = request;
  const decided = { hold, target, price: pricing.price, bound, maxTokens, clamped, maxUsesCap };
  return { ...decided, nearCap, turn, asCame, shadow: shadowAdmitted(taking) };
}

function shadowAdmitted({ shadow }: Taking): ShadowAdmitted | null {
  if (shadow === null || isRefusal(shadow)) return null;
  const { maxTokens, pricing, nearCap, turn } = shadow;
  const clamped = maxTokens < pricing.asked ? maxTokens : null;
  return { bound: pricing.boundFor(maxTokens), clamped, nearCap, turn };
}

/** In enforce mode the shadow holds what the books hold; in observe mode what enforcement would have. */
function shadowNeedOf({ shadow, need }: Taking): bigint | null {
  if (shadow === null) return need;
  return isRefusal(shadow) ? null : shadow.need;
}

interface HeldTokens {
  readonly tokens: TokenNeed;
  readonly shadowTokens: TokenNeed;
}

/** Tokens are held, and recorded, where a limit of the chain asks for them. */
function heldTokens({ windows, tokens, shadow }: Taking): HeldTokens | null {
  if (!holdTokens(windows)) return null;
  const isOwn = shadow !== null && !isRefusal(shadow);
  return { tokens, shadowTokens: isOwn ? shadow.tokens : tokens };
}

function admitRecord(
  request: AdmitRequest,
  taking: Taking,
  derived: {
    readonly bound: Bound;
    readonly clamped: number | null;
    readonly held: HeldTokens | null;
  },
): AdmitRecord {
  const { exchange, target, model } = request;
  const { bound, clamped, held } = derived;
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
    ...(held === null ? {} : tokenFields(held)),
    ...(exchange.slowedMs === 0 ? {} : { slowed_ms: exchange.slowedMs }),
    ...sessionNotes(exchange, taking.nowMs),
    ...(exchange.levers.length === 0 ? {} : { levers: exchange.levers }),
    ...(isOvershooting(taking) ? { overshoot: "last_request" as const } : {}),
    ...(shadow === null ? {} : shadowFields(shadow)),
    ...(exchange.shadowChanges.length === 0 ? {} : { shadow_changes: exchange.shadowChanges }),
  };
}

function tokenFields({ tokens, shadowTokens }: HeldTokens) {
  const isSame = shadowTokens.input === tokens.input && shadowTokens.output === tokens.output;
  return { token_need: tokens, ...(isSame ? {} : { shadow_token_need: shadowTokens }) };
}

type ShadowFields = Pick<
  AdmitRecord,
  "refusal" | "refusal_by" | "shadow_need" | "shadow_max_tokens" | "shadow_clamped_by"
>;

function shadowFields(shadow: Decision | Refusal): ShadowFields {
  if (isRefusal(shadow)) {
    const { code, by } = shadow;
    return { refusal: code, ...(by === undefined ? {} : { refusal_by: by }) };
  }
  const { need, maxTokens, clampedBy } = shadow;
  const clamp = { shadow_max_tokens: maxTokens, shadow_clamped_by: clampedBy ?? "" };
  return { shadow_need: String(need), ...(clampedBy === null ? {} : clamp) };
}

function isOvershooting(taking: Taking): boolean {
  return taking.windows.some(
    (window) => window.meter.enforced && exceedsCap(window, amountHeld(window, taking)),
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
  const decision = { maxTokens: asked, need: 0n, tokens: NO_TOKENS, pricing, ...UNBOUND };
  return take(request, gateway, { ...decision, windows: [], nowMs, asCame: true, shadow: null });
}

const UNBOUND = { maxUsesCap: null, nearCap: false, turn: null, clampedBy: null } as const;

const NOTHING_BOUND: Bound = {
  inputNeed: nanoUsd(0n),
  outputTokens: 0,
  outputPico: 0n as PicoUsdPerToken,
  need: nanoUsd(0n),
  inputTokens: 0,
  passes: 1,
};
