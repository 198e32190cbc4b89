/** A Messages request from its first byte to its last record. Read this file first. */
import { nanoUsd } from "../core/money.ts";
import { isRefusal, type Refusal } from "../core/refusal.ts";
import { inputTokensOf, NO_USAGE, type BilledUsage } from "../core/usage.ts";
import { JournalUnavailable } from "../journal/journal.ts";
import type { Plan } from "../policy/plan.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import { scanMessagesBody } from "../wire/anthropic/scan.ts";
import { spliceBody } from "../wire/anthropic/splice.ts";
import { admit } from "./admit.ts";
import { admitUnbilled, type Admitted } from "./take.ts";
import { countInput } from "./count-input.ts";
import type { AdmitRequest } from "./demand.ts";
import { bodyEdits, clientHeaders } from "./edits.ts";
import { insideMs, type Exchange } from "./exchange.ts";
import { upstreamRequest } from "./forward.ts";
import type { Gateway } from "./ports.ts";
import { receive, type ReceivedBody } from "./receive.ts";
import { endingOf, recordCancel, recordRelease, recordSettlement } from "./record.ts";
import { bodyFault, credentialRefused, journalRefusal, notReached } from "./refuse.ts";
import type { Reading } from "./reading.ts";
import { relay, type Relayed } from "./relay.ts";
import { route } from "./route.ts";
import { needAfterStart, settlementOf, UNBILLED, type Settlement } from "./settle.ts";
import { rememberTurn } from "./turns.ts";
import { namesSession, subjectOf } from "./subject.ts";

/** What a provider may add to a request's text by itself. */
const ENVELOPE_TOKENS = 64;
const TOOLS_PROMPT_TOKENS = 1_024;

/**
 * receive → admit → route → hold → forward → relay → settle → record, for `/v1/messages` and its
 * `count_tokens`. The caller is identified already.
 *
 * @returns null where the client has its answer, else what to refuse with.
 * @throws ClientGone where the client hung up before its body was complete.
 */
export async function serveMessages(
  exchange: Exchange,
  plan: Plan,
  gateway: Gateway,
): Promise<Refusal | null> {
  const received = await receive(exchange.request, {
    maxBodyBytes: gateway.maxBodyBytes(),
    bodyIdleMs: gateway.timeouts().bodyIdleMs,
  });
  if (isRefusal(received)) return received;
  exchange.receivedMs = gateway.clock.monotonicMs();

  const { headers } = exchange.request;
  const scanned = scanMessagesBody(received.chunks, { sessionId: !namesSession(headers) });
  if (!scanned.ok) return bodyFault(scanned.fault);
  const { body } = scanned;
  exchange.subject = subjectOf(headers, body, exchange.endpoint);
  if (body.model === null) return bodyFault({ offset: 0, problem: "`model` must be a string" });
  const stopped = gateway.journal.unavailable();
  if (stopped !== null) return journalRefusal(stopped, gateway);

  const routed = route(plan, body.model, exchange.ruling);
  if (isRefusal(routed)) return routed;
  const asking = { exchange, plan, model: body.model, body, ...routed };
  const admitted = await admission(asking, received, gateway);
  if (isRefusal(admitted)) return admitted;
  const unwritten = await makeDurable(admitted, gateway);
  if (unwritten !== null) return unwritten;
  exchange.attempts++;

  const attempt = { exchange, admitted, body, received };
  exchange.overheadMs = insideMs(exchange, gateway);
  try {
    const relayed = await forwardAndRelay(attempt, gateway);
    return await conclude(attempt, relayed, gateway);
  } catch (error) {
    chargeFault(attempt, gateway);
    throw error;
  }
}

/** Not async, and a frame of its own: one that waits for the answer would keep the chunks until its end. */
function admission(
  asking: Omit<AdmitRequest, "chunks">,
  { chunks }: ReceivedBody,
  gateway: Gateway,
): Admitted | Promise<Admitted | Refusal> {
  const request = { ...asking, chunks };
  return asking.exchange.endpoint === "messages"
    ? admit(request, gateway)
    : admitUnbilled(request, gateway);
}

/** A fault of ours after the hold: the attempt may be billed, so its whole hold is. */
function chargeFault({ exchange, admitted }: Attempt, gateway: Gateway): void {
  if (!admitted.hold.open) return;
  const cost = nanoUsd(admitted.hold.need);
  const settlement = { cost, usage: NO_USAGE, estimated: true, fault: "gateway_fault" };
  const end = endingOf(exchange, gateway, { outcome: "interrupted", status: 500 });
  recordSettlement({ exchange, admitted, settlement, relayed: null, end }, gateway);
}

interface Attempt {
  readonly exchange: Exchange;
  readonly admitted: Admitted;
  readonly body: MessagesBody;
  /** Dropped as soon as nothing can need it any more: answers stream for minutes. */
  readonly received: ReceivedBody;
}

/** Nothing goes upstream before its hold is in the journal. */
async function makeDurable(admitted: Admitted, gateway: Gateway): Promise<Refusal | null> {
  try {
    await gateway.journal.intent(admitted.hold.record);
    return null;
  } catch (error) {
    if (!(error instanceof JournalUnavailable)) throw error;
    gateway.ledger.cancel(admitted.hold, gateway.ledgerClock.nowMs());
    return journalRefusal(error.message, gateway);
  }
}

function forwardAndRelay(attempt: Attempt, gateway: Gateway): Promise<Relayed> {
  const { exchange, admitted, body, received } = attempt;
  const edits = bodyEdits(exchange, admitted, body);
  const { chunks } = received;
  const { row } = admitted.target;
  const upstream = upstreamRequest(
    admitted.target,
    {
      method: "POST",
      path: exchange.target,
      headers: exchange.request.headers,
      body: edits.length === 0 ? chunks : spliceBody(chunks, edits),
    },
    gateway.timeouts(),
  );
  return relay(
    exchange,
    upstream,
    {
      kind: row.kind,
      extraHeaders: clientHeaders(admitted),
      billsToTheEnd: row.billing.billsToTheEnd,
      streamed: body.stream,
      onStarted: (billed) => {
        // No count of it will be asked for.
        received.drop();
        releaseInput(attempt, billed, gateway);
      },
    },
    gateway,
  );
}

/** The exact input is known: what was held for more of it is free for others, where anybody is short. */
function releaseInput(attempt: Attempt, billed: BilledUsage, gateway: Gateway): void {
  const { exchange, admitted, body } = attempt;
  // Far from a cap nobody waits for it.
  if (!admitted.nearCap || !admitted.hold.open) return;
  if (admitted.bound.passes > 1 || body.facts.fallbacks.length > 0) return;
  const need = needAfterStart(admitted, billed, exchange.ruling.prices);
  if (need < admitted.hold.need) recordRelease(exchange, admitted, need, gateway);
}

/** Settles and records the attempt; gives the refusal where the client has no answer yet. */
async function conclude(
  attempt: Attempt,
  relayed: Relayed,
  gateway: Gateway,
): Promise<Refusal | null> {
  const { exchange, admitted } = attempt;
  const { failure } = relayed;
  if (failure !== null && !failure.sent) {
    gateway.log.warn("upstream not reached", { request: exchange.id, detail: failure.detail });
    recordCancel(exchange, admitted, failure.kind, gateway);
    return notReached(admitted, failure);
  }
  const settlement = await settle(attempt, relayed, gateway);
  learn(attempt, relayed, gateway);
  if (relayed.answered || relayed.clientGone) {
    const end = endingOf(exchange, gateway, outcomeFor(exchange, relayed, gateway));
    recordSettlement({ exchange, admitted, settlement, relayed, end }, gateway);
    if (relayed.status !== null && relayed.status < 400) noteAccepted(admitted, gateway);
    return null;
  }
  recordSettlement({ exchange, admitted, settlement, relayed, end: null }, gateway);
  return relayed.status === null
    ? notReached(admitted, failure)
    : credentialRefused(admitted, relayed.status, gateway);
}

function settle(attempt: Attempt, relayed: Relayed, gateway: Gateway): Promise<Settlement> {
  const { exchange, admitted, body, received } = attempt;
  if (exchange.endpoint === "count_tokens") return Promise.resolve(UNBILLED);
  const { target } = admitted;
  return settlementOf(admitted, relayed, {
    book: exchange.ruling.prices,
    countInput: () => countInput({ exchange, target, body, chunks: received.chunks }, gateway),
  });
}

/** Exact figures near a cap bound the session's next turn. */
function learn({ admitted, body }: Attempt, { reading }: Relayed, gateway: Gateway): void {
  checkInput(admitted, body, { reading, gateway });
  if (admitted.turn === null || !reading.final || reading.billed === null) return;
  const cutAt = reading.stopReason === "max_tokens" ? admitted.clamped : null;
  rememberTurn(gateway.turns, admitted.turn, { billed: reading.billed, cutAt });
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

function outcomeFor(exchange: Exchange, relayed: Relayed, gateway: Gateway) {
  const { status } = relayed;
  if (relayed.clientGone) {
    const outcome = gateway.cutOff() ? ("interrupted" as const) : ("client_closed" as const);
    return { outcome, status: relayed.answered ? status : null };
  }
  const ok = relayed.complete && status !== null && status < 400;
  const unbroken = exchange.endpoint === "count_tokens" || relayed.reading.error === null;
  return { outcome: ok && unbroken ? ("ok" as const) : ("upstream_error" as const), status };
}

function noteAccepted({ target }: Admitted, gateway: Gateway): void {
  if (target.credential !== null)
    gateway.providerHealth.credentialAccepted(target.use.provider.id, target.credential.id);
}
