/** One attempt at one target: its body made ready, its hold taken, sent, relayed, and what it cost. */
import { nanoUsd } from "../core/money.ts";
import type { Refusal } from "../core/refusal.ts";
import { inputTokensOf, NO_USAGE, type BilledUsage } from "../core/usage.ts";
import { JournalUnavailable } from "../journal/journal.ts";
import type { TokenNeed } from "../ledger/state.ts";
import type { Plan } from "../policy/plan.ts";
import type { DoorBody } from "../providers/door.ts";
import type { UpstreamRequest } from "../providers/upstream.ts";
import type { Reading } from "../wire/answer.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import type { CanonicalRequest } from "../wire/canonical/request.ts";
import type { Unsupported } from "../wire/egress.ts";
import { admit } from "./admit.ts";
import { translatedHead, relayedHead } from "./answer.ts";
import { pathOf } from "./answer-path.ts";
import type { ClientSide } from "./client-side.ts";
import { countInput } from "./count-input.ts";
import { mixesDialects, servesClaude } from "./dialects.ts";
import type { AdmitRequest } from "./demand.ts";
import { bodyEdits, clientHeaders } from "./edits.ts";
import type { Exchange } from "./exchange.ts";
import { betasOf } from "./forward.ts";
import type { Gateway } from "./ports.ts";
import type { ReceivedBody } from "./received-body.ts";
import { endingOf, recordRelease, recordSettlement } from "./record.ts";
import { journalRefusal } from "./refuse.ts";
import { relay, type Relayed } from "./relay.ts";
import type { Target } from "./candidates.ts";
import {
  cutBilled,
  needAfterStart,
  settlementOf,
  tokensAfterStart,
  UNBILLED,
  type Settlement,
} from "./settle.ts";
import { admitUnbilled, type Admitted } from "./take.ts";
import { rememberTurn } from "./turns.ts";

/** What a provider may add to a request's text by itself. */
const ENVELOPE_TOKENS = 64;
const TOOLS_PROMPT_TOKENS = 1_024;

/** A request on its way through its attempts. */
export interface Attempting {
  readonly exchange: Exchange;
  readonly plan: Plan;
  readonly body: MessagesBody;
  /** Dropped as soon as nothing can need it any more: answers stream for minutes. */
  readonly received: ReceivedBody;
  /** The body read whole; made once, where a door needs it. */
  readonly canonical: () => CanonicalRequest | Unsupported;
  readonly client: ClientSide;
  /** Observe mode only: a refusal that routing has waived. */
  readonly waived: Refusal | null;
  readonly onUnsupported: "refuse" | "drop";
}

/** An attempt that holds its money. */
export interface Attempt extends Attempting {
  readonly target: Target;
  readonly admitted: Admitted;
  /** Fields that its door could not carry; left out until its body is made. */
  readonly dropped?: readonly string[];
}

/** Admission as a frame of its own: one that waits for the answer would keep the chunks until its end. */
export function admission(
  of: Attempting,
  target: Target,
  gateway: Gateway,
): Admitted | Promise<Admitted | Refusal> {
  const { exchange, plan, body, waived } = of;
  const request: AdmitRequest = {
    exchange,
    plan,
    body,
    target,
    model: target.model,
    waived,
    chunks: of.received.chunks,
    canonical: of.canonical,
  };
  return exchange.endpoint === "messages"
    ? admit(request, gateway)
    : admitUnbilled(request, gateway);
}

/** Nothing goes upstream before its hold is in the journal. */
export async function makeDurable(admitted: Admitted, gateway: Gateway): Promise<Refusal | null> {
  try {
    await gateway.journal.intent(admitted.hold.record);
    return null;
  } catch (error) {
    if (!(error instanceof JournalUnavailable)) throw error;
    gateway.ledger.cancel(admitted.hold, gateway.ledgerClock.nowMs());
    return journalRefusal(error.message, gateway);
  }
}

/** The body in the target's format, or why it cannot be. Nothing is held or sent for it. */
export function prepareBody(attempt: Attempt): DoorBody | Unsupported {
  const { exchange, admitted, body, received, target } = attempt;
  return target.codec.prepare({
    body,
    chunks: received.chunks,
    edits: bodyEdits(exchange, admitted, body),
    canonical: attempt.canonical,
    model: target.model,
    maxTokens: admitted.maxTokens,
    quirks: target.quirks,
    onUnsupported: attempt.onUnsupported,
    betas: betasOf(exchange.request.headers),
    counts: exchange.endpoint === "count_tokens",
    mayHoldForeignThinking: mixesDialects(attempt.plan) && servesClaude(target),
  });
}

/** Takes back a hold that no record names yet. */
export function forget(admitted: Admitted, gateway: Gateway): void {
  gateway.ledger.cancel(admitted.hold, gateway.ledgerClock.nowMs());
}

/** Sends the attempt and relays its answer. Never throws. */
export function send(
  attempt: Attempt,
  upstream: UpstreamRequest,
  of: {
    readonly dropped: readonly string[];
    /** As in `DoorBody`. */
    readonly toolNames: ReadonlyMap<string, string> | null;
    readonly gateway: Gateway;
    /** The answer goes out; seconds from the request to its head. */
    readonly onServing: (headSeconds: number | null) => void;
  },
): Promise<Relayed> {
  const { exchange, admitted, body, received, target, client } = attempt;
  const { gateway, toolNames } = of;
  const { row, door, codec } = target;
  const isCount = exchange.endpoint === "count_tokens";
  const extra = clientHeaders(attempt, of.dropped, gateway);
  const hourCache = body.facts.cacheMarkers === "1h";
  const answering = { exchange, target, streamed: body.stream, toolNames, hourCache };
  let isServing = false;
  let isStarted = door.paths.countTokens === null;
  const dropBody = () => {
    // No count of it will be asked for, and no other attempt made.
    if (isServing && isStarted) received.drop();
  };
  return relay(
    exchange,
    upstream,
    {
      kind: row.kind,
      client,
      pathOf: (status, headers, out) => pathOf(answering, { status, headers }, out),
      headOf: (headers) =>
        codec.passes
          ? relayedHead(exchange, headers, extra)
          : translatedHead(exchange, headers, { contentType: contentTypeOf(body), extra }),
      holds: exchange.ruling.policy.failOver || !codec.passes,
      pings: !door.sendsPings,
      billsToTheEnd: row.billing.billsToTheEnd,
      streamed: body.stream && !isCount,
      isServed: (reading) => isCount || reading.isAnswer,
      onStarted: (billed) => {
        isStarted = true;
        dropBody();
        releaseInput({ exchange, admitted, body }, billed, gateway);
      },
      onServing: (headSeconds) => {
        isServing = true;
        dropBody();
        of.onServing(headSeconds);
      },
    },
    gateway,
  );
}

function contentTypeOf({ stream }: MessagesBody): string {
  return stream ? "text/event-stream; charset=utf-8" : "application/json";
}

/** The exact input is known: what was held for more of it is free for others, where anybody is short. */
export function releaseInput(
  { exchange, admitted, body }: Pick<Attempt, "exchange" | "admitted" | "body">,
  billed: BilledUsage,
  gateway: Gateway,
): void {
  const { hold, shadow } = admitted;
  if (!hold.open || body.facts.fallbacks.length > 0) return;
  const book = exchange.ruling.prices;
  const lowered = (held: bigint, as: Pick<Admitted, "nearCap" | "bound">): bigint => {
    // Far from a cap nobody waits for it.
    if (!as.nearCap || as.bound.passes > 1) return held;
    const need = needAfterStart({ ...admitted, bound: as.bound }, billed, book);
    return need < held ? need : held;
  };
  const need = lowered(hold.need, admitted);
  const shadowNeed =
    shadow === null || hold.shadowNeed === null ? null : lowered(hold.shadowNeed, shadow);
  const tokens = loweredTokens(hold.tokens, admitted, billed);
  const shadowTokens =
    shadow === null || hold.shadowNeed === null
      ? null
      : loweredTokens(hold.shadowTokens, shadow, billed);
  const isSame = need === hold.need && (shadowNeed ?? hold.shadowNeed) === hold.shadowNeed;
  if (isSame && tokens === null && shadowTokens === null) return;
  recordRelease(exchange, admitted, { need, shadowNeed, tokens, shadowTokens }, gateway);
}

/** What is held of token limits once the exact input is known; null: no less than before. */
function loweredTokens(
  held: TokenNeed,
  as: Pick<Admitted, "nearCap" | "bound">,
  billed: BilledUsage,
): TokenNeed | null {
  if (!as.nearCap || as.bound.passes > 1) return null;
  const after = tokensAfterStart(held, billed);
  return after !== null && after.input < held.input ? after : null;
}

/** What the attempt cost, by the provider's figures or an estimate upwards. */
export function settle(attempt: Attempt, relayed: Relayed, gateway: Gateway): Promise<Settlement> {
  const { exchange, admitted, body, received, canonical, target } = attempt;
  if (exchange.endpoint === "count_tokens") return Promise.resolve(UNBILLED);
  return settlementOf(admitted, relayed, {
    book: exchange.ruling.prices,
    countInput: () => countInput({ exchange, target, body, received, canonical }, gateway),
  });
}

/** Exact figures near a cap bound the session's next turn. */
export function learn(
  { admitted, body }: Pick<Attempt, "admitted" | "body">,
  { reading }: Pick<Relayed, "reading">,
  gateway: Gateway,
): void {
  checkInput(admitted, body, { reading, gateway });
  const { turn, shadow } = admitted;
  const { billed } = reading;
  if (!reading.final || billed === null) return;
  const wasCut = reading.stopReason === "max_tokens";
  if (turn !== null)
    rememberTurn(gateway.turns, turn, { billed, cutAt: wasCut ? admitted.clamped : null });
  if (shadow === null || shadow.turn === null) return;
  const { clamped } = shadow;
  const cut = clamped === null ? billed : cutBilled(billed, clamped);
  const wouldBeCut = wasCut || cut.usage.output_tokens < billed.usage.output_tokens;
  const cutAt = wouldBeCut && cut.usage.output_tokens === clamped ? clamped : null;
  rememberTurn(gateway.turns, shadow.turn, { billed: cut, cutAt });
}

/** Text has fewer tokens than bytes. A provider that bills otherwise is held to the bytes alone. */
function checkInput(
  { bound, target }: Admitted,
  body: MessagesBody,
  seen: { readonly reading: Reading; readonly gateway: Gateway },
): void {
  const { billed } = seen.reading;
  if (billed === null || bound.passes > 1 || body.facts.opaqueInput || body.facts.images > 0)
    return;
  const provider = target.use.provider.id;
  // With tools the provider adds a prompt of its own.
  const hiddenTokens = body.facts.tools > 0 ? TOOLS_PROMPT_TOKENS : ENVELOPE_TOKENS;
  if (inputTokensOf(billed.usage) <= body.byteLength + hiddenTokens) return;
  if (!seen.gateway.providerHealth.countsBound(provider)) return;
  seen.gateway.providerHealth.inputBeyondCount(provider);
  seen.gateway.log.warn("a provider billed more input than text of that size can have", {
    provider,
    body_bytes: body.byteLength,
    input_tokens: inputTokensOf(billed.usage),
  });
}

/** A fault of ours after the hold: the attempt may be billed, so its whole hold is. */
export function chargeFault({ exchange, admitted }: Attempt, gateway: Gateway): void {
  if (!admitted.hold.open) return;
  const { need, tokens, shadowNeed } = admitted.hold;
  const cost = nanoUsd(need);
  const shadow = { cost: nanoUsd(shadowNeed ?? cost), outputTokens: tokens.output };
  const usage = { ...NO_USAGE, input_tokens: tokens.input, output_tokens: tokens.output };
  const settlement = { cost, usage, estimated: true, fault: "gateway_fault", shadow };
  const end = endingOf(exchange, gateway, { outcome: "interrupted", status: 500 });
  recordSettlement({ exchange, admitted, settlement, relayed: null, end }, gateway);
}
