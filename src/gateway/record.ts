/** Writes what has happened: the settlement of an attempt, and the end of a request. */
import { NO_USAGE, type Usage } from "../core/usage.ts";
import { REFUSALS, type Refusal, type RefusalCode } from "../core/refusal.ts";
import { formatTime } from "../core/time.ts";
import type { Ending, Outcome } from "../journal/record.ts";
import type { TokenNeed } from "../ledger/state.ts";
import type { Reading } from "../wire/answer.ts";
import { upstreamId } from "./answer.ts";
import type { Admitted } from "./take.ts";
import { attributionOf, insideMs, taskTypeOf, type Exchange } from "./exchange.ts";
import type { Gateway } from "./ports.ts";
import type { Relayed } from "./relay.ts";
import { noteEnd } from "./runaway.ts";
import type { Settlement } from "./settle.ts";

/** How the request ended for the client. */
export function endingOf(
  exchange: Exchange,
  gateway: Gateway,
  end: { readonly outcome: Outcome; readonly status: number | null },
): Ending {
  const nowMs = gateway.clock.monotonicMs();
  return {
    outcome: end.outcome,
    status: end.status,
    latency_ms: Math.round(nowMs - exchange.startedMs),
    first_byte_ms:
      exchange.firstByteMs === null ? null : Math.round(exchange.firstByteMs - exchange.startedMs),
    overhead_us: Math.round(exchange.overheadMs * 1000),
  };
}

/** Settles the attempt in the ledger and the journal. `end` is null where the request goes on. */
export function recordSettlement(
  of: {
    readonly exchange: Exchange;
    readonly admitted: Admitted;
    readonly settlement: Settlement;
    readonly relayed: Relayed | null;
    readonly end: Ending | null;
    readonly dropped?: readonly string[];
  },
  gateway: Gateway,
): void {
  const { exchange, admitted, settlement, relayed, end } = of;
  const { hold, target } = admitted;
  const nowMs = gateway.ledgerClock.nowMs();
  const time = formatTime(nowMs);
  const attempt = { request: exchange.id, attempt: hold.record.attempt };
  const provider = target.use.provider.id;
  if (settlement.cost > hold.need) {
    const amounts = { held: String(hold.need), cost: String(settlement.cost) };
    gateway.journal.outcome({ time, type: "overrun", ...attempt, ...amounts });
    gateway.metrics.holdOverrun(provider);
    gateway.log.error("a charge was above its hold: the bound is wrong for this door", {
      ...attempt,
      ...amounts,
    });
  }
  exchange.isCounted = true;
  // Only what was admitted in the shadow settles there.
  const shadow = hold.shadowNeed === null ? undefined : settlement.shadow;
  const charge = { cost: settlement.cost, usage: settlement.usage };
  gateway.ledger.settle(hold, shadow === undefined ? charge : { ...charge, shadow }, nowMs);
  gateway.journal.outcome({
    time,
    type: "settle",
    ...attempt,
    cost: String(settlement.cost),
    usage: settlement.usage,
    estimated: settlement.estimated,
    upstream_status: relayed?.status ?? null,
    upstream_request_id: relayed === null ? null : upstreamId(relayed.upstreamHeaders),
    fault: settlement.fault,
    ...(of.dropped === undefined || of.dropped.length === 0 ? {} : { dropped: of.dropped }),
    ...(shadow === undefined
      ? {}
      : { shadow: { cost: String(shadow.cost), output_tokens: shadow.outputTokens } }),
    end,
  });
  gateway.metrics.attemptEnds(provider, resultOf(relayed, settlement));
  if (end !== null)
    countEnd(exchange, gateway, {
      end,
      code: hold.record.refusal ?? null,
      admitted,
      reading: relayed?.reading ?? null,
      cost: settlement.cost,
      usage: settlement.usage,
    });
}

function resultOf(relayed: Relayed | null, settlement: Settlement): string {
  if (relayed?.status !== undefined && relayed.status !== null && relayed.status >= 400)
    return `${Math.floor(relayed.status / 100)}xx`;
  return settlement.fault ?? "ok";
}

/** Lowers the attempt's hold to what it can still cost; where it is in shadow, that hold too. */
export function recordRelease(
  exchange: Exchange,
  admitted: Admitted,
  {
    need,
    shadowNeed,
    tokens,
    shadowTokens,
  }: {
    readonly need: bigint;
    readonly shadowNeed: bigint | null;
    readonly tokens: TokenNeed | null;
    readonly shadowTokens: TokenNeed | null;
  },
  gateway: Gateway,
): void {
  gateway.ledger.release(admitted.hold, need, {
    shadowNeed: shadowNeed ?? need,
    tokens: tokens ?? admitted.hold.tokens,
    shadowTokens: shadowTokens ?? tokens ?? admitted.hold.shadowTokens,
  });
  gateway.journal.outcome({
    time: formatTime(gateway.ledgerClock.nowMs()),
    type: "release",
    request: exchange.id,
    attempt: admitted.hold.record.attempt,
    need: String(need),
    ...(tokens === null ? {} : { token_need: tokens }),
    ...(shadowTokens === null ? {} : { shadow_token_need: shadowTokens }),
    ...(shadowNeed === null ? {} : { shadow_need: String(shadowNeed) }),
  });
}

/** The attempt never reached its upstream: its hold is given back whole. */
export function recordCancel(
  exchange: Exchange,
  admitted: Admitted,
  reason: string,
  gateway: Gateway,
): void {
  const nowMs = gateway.ledgerClock.nowMs();
  gateway.ledger.cancel(admitted.hold, nowMs);
  gateway.journal.outcome({
    time: formatTime(nowMs),
    type: "cancel",
    request: exchange.id,
    attempt: admitted.hold.record.attempt,
    reason,
  });
  gateway.metrics.attemptEnds(admitted.target.use.provider.id, reason);
}

/** One line for a request that Tollgate itself answered. */
export function recordRefusal(
  exchange: Exchange,
  refused: Refusal,
  gateway: Gateway,
  status: number | null,
): void {
  if (exchange.attempts === 0) exchange.overheadMs = insideMs(exchange, gateway);
  const end = endingOf(exchange, gateway, { outcome: "refused", status });
  countEnd(exchange, gateway, {
    end,
    code: refused.code,
    admitted: null,
    cost: 0n,
    usage: NO_USAGE,
  });
  // Without a key anybody can make these: what comes faster is only counted, or it would fill the disk.
  if (exchange.plan === null && !gateway.anonymousRecords.allow()) return;
  gateway.journal.outcome({
    time: formatTime(gateway.ledgerClock.nowMs()),
    type: "refuse",
    request: exchange.id,
    code: refused.code,
    message: refused.message,
    ...(refused.by === undefined ? {} : { by: refused.by }),
    ...attributionOf(exchange),
    max_tokens: exchange.subject?.maxTokens ?? null,
    waited_ms: Math.round(exchange.waitedMs),
    attempts: exchange.attempts,
    end: { ...end, status: status ?? REFUSALS[refused.code].status },
  });
}

/** The client hung up while no attempt ran: its row says so. */
export function recordAbandoned(exchange: Exchange, gateway: Gateway): void {
  const outcome = gateway.cutOff() ? "interrupted" : "client_closed";
  const end = endingOf(exchange, gateway, { outcome, status: null });
  const code = "no_provider_available";
  countEnd(exchange, gateway, { end, code: null, admitted: null, cost: 0n, usage: NO_USAGE });
  gateway.journal.outcome({
    time: formatTime(gateway.ledgerClock.nowMs()),
    type: "refuse",
    request: exchange.id,
    code,
    message: "The client hung up before an attempt could serve it.",
    ...attributionOf(exchange),
    max_tokens: exchange.subject?.maxTokens ?? null,
    waited_ms: Math.round(exchange.waitedMs),
    attempts: exchange.attempts,
    end,
  });
}

function countEnd(
  exchange: Exchange,
  gateway: Gateway,
  of: {
    readonly end: Ending;
    readonly code: RefusalCode | null;
    readonly admitted: Admitted | null;
    /** Of the answer; left out where there was none. */
    readonly reading?: Reading | null;
    readonly cost: bigint;
    readonly usage: Usage;
  },
): void {
  const { plan } = exchange;
  const { end, admitted, reading = null } = of;
  noteEnd(exchange, { outcome: end.outcome, reading }, gateway);
  gateway.metrics.requestEnds({
    customer: plan?.customer ?? null,
    team: plan?.team ?? null,
    virtualKey: plan?.virtualKey ?? null,
    provider: admitted?.target.use.provider.id ?? null,
    model: admitted === null || admitted.price.source === "assumed" ? null : admitted.price.name,
    taskType: taskTypeOf(exchange),
    outcome: end.outcome,
    code: of.code,
    costNano: of.cost,
    usage: of.usage,
    overheadSeconds: exchange.overheadMs / 1000,
    firstByteSeconds: end.first_byte_ms === null ? null : end.first_byte_ms / 1000,
    requestSeconds: end.latency_ms / 1000,
  });
}
