/** Tries targets one after the other until one serves, within bounds; else the client gets the best error. */
import { setTimeout as sleep } from "node:timers/promises";
import { invariant } from "../core/invariant.ts";
import { isRefusal, type Refusal } from "../core/refusal.ts";
import type { Ending } from "../journal/record.ts";
import { NOTHING_READ } from "../wire/answer.ts";
import type { Unsupported } from "../wire/egress.ts";
import type { UpstreamRequest } from "../providers/upstream.ts";
import {
  admission,
  chargeFault,
  forget,
  learn,
  makeDurable,
  prepareBody,
  send,
  settle,
  type Attempt,
  type Attempting,
} from "./attempt.ts";
import {
  countHere,
  countReply,
  estimateHere,
  passesCounts,
  type CountedHere,
} from "./count-answer.ts";
import { bestOf, replyOf, type Failure } from "./failures.ts";
import { insideMs, type Exchange } from "./exchange.ts";
import { BETA, identifiedBy, upstreamRequest } from "./forward.ts";
import type { Course, Failed } from "./course.ts";
import { whenTurn } from "./fair-turn.ts";
import type { Gateway } from "./ports.ts";
import { ClientGone } from "./receive.ts";
import { endingOf, recordAbandoned, recordCancel, recordSettlement } from "./record.ts";
import { credentialRefused, isKeyFull, notReached, unsupported } from "./refuse.ts";
import type { Relayed } from "./relay.ts";
import type { Target } from "./candidates.ts";
import { sitDown } from "./seat.ts";
import { UNBILLED, type Settlement } from "./settle.ts";
import { whenRoom } from "./wait-for.ts";

/**
 * Serves a Messages request, or a count, by as many attempts as it takes and may take.
 *
 * @returns null where the client has its answer, else what to refuse with.
 * @throws ClientGone where the client hung up between two attempts.
 */
export async function serveByAttempts(
  attempting: Attempting,
  course: Course,
  gateway: Gateway,
): Promise<Refusal | null> {
  const run: Run = { attempting, course, gateway, failures: [] };
  let target = course.first();
  for (;;) {
    const next = target ?? (await nextWithRoom(run));
    if (next === null) break;
    if (isRefusal(next)) return next;
    const step = await attemptAt(next, run);
    if (step.kind === "served") return null;
    if (step.kind === "refused") return step.refusal;
    if (step.waitMs > 0) await pause(step.waitMs, run);
    target = step.next;
  }
  return bestOf(run.failures)?.refusal ?? course.noneUsable();
}

/** The first target, or after a refusal for its provider's rate another turn; null: no more attempts. */
async function nextWithRoom(run: Run): Promise<Target | Refusal | null> {
  const { attempting, course, gateway, failures } = run;
  if (failures.length > 0 && !course.waitsAgain) return null;
  if (gateway.fair.settings.enabled) return whenTurn(attempting, course, gateway);
  return whenRoom(attempting.exchange, course, gateway);
}

interface Run {
  readonly attempting: Attempting;
  readonly course: Course;
  readonly gateway: Gateway;
  readonly failures: Failure[];
}

/** What comes after an attempt. */
type Step =
  | { readonly kind: "served" }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "again"; readonly next: Target | null; readonly waitMs: number };

const SERVED: Step = { kind: "served" };

async function attemptAt(target: Target, run: Run): Promise<Step> {
  const { attempting, course, gateway } = run;
  const { exchange } = attempting;
  const admitted = await admission(attempting, target, gateway);
  if (isRefusal(admitted)) {
    if (isKeyFull(admitted)) return { kind: "again", next: course.passOver(target), waitMs: 0 };
    course.abandon();
    return { kind: "refused", refusal: admitted };
  }
  const attempt: Attempt = { ...attempting, target, admitted };
  if (exchange.endpoint === "count_tokens" && !passesCounts(target))
    return answerCount(attempt, run);
  const ready = await makeReady(attempt, gateway);
  if ("fault" in ready) {
    forget(admitted, gateway);
    return afterUnready(target, ready.fault, run);
  }
  const unwritten = await makeDurable(admitted, gateway);
  if (unwritten !== null) {
    course.abandon();
    return { kind: "refused", refusal: unwritten };
  }
  exchange.attempts++;
  if (exchange.attempts === 1) exchange.overheadMs = insideMs(exchange, gateway);
  try {
    const relayed = await sendReady(attempt, ready, run);
    return await conclude({ ...attempt, dropped: ready.dropped }, relayed, run);
  } catch (error) {
    chargeFault(attempt, gateway);
    course.abandon();
    throw error;
  }
}

/** A count to which the door has no answer in the client's dialect. It costs nothing and says nothing of health. */
async function answerCount(attempt: Attempt, { course, gateway }: Run): Promise<Step> {
  const { exchange, client, admitted } = attempt;
  const counted = await countHere(attempt, gateway);
  course.abandon();
  const unwritten = await makeDurable(admitted, gateway);
  if (unwritten !== null) return { kind: "refused", refusal: unwritten };
  exchange.attempts++;
  if (exchange.attempts === 1) exchange.overheadMs = insideMs(exchange, gateway);
  if (!client.isGone) writeCount(attempt, counted);
  const relayed = { ...COUNTED_HERE, clientGone: client.isGone };
  finish(attempt, relayed, { settlement: UNBILLED, gateway });
  return SERVED;
}

function writeCount({ exchange, client }: Attempting, counted: CountedHere): void {
  const { head, body } = countReply(exchange, counted);
  client.begin(200, head, false);
  client.write(body);
  client.end();
}

const COUNTED_HERE: Relayed = {
  status: 200,
  upstreamHeaders: {},
  failure: null,
  complete: true,
  clientGone: false,
  reading: NOTHING_READ,
  seconds: 0,
  answered: true,
  held: [],
};

/** Not async, and a frame of its own: one that waits for the answer would keep the body until its end. */
function sendReady(attempt: Attempt, ready: Ready, { course, gateway }: Run): Promise<Relayed> {
  const { upstream, dropped, toolNames } = ready;
  invariant(upstream !== null, "an attempt is sent once");
  ready.upstream = null;
  const onServing = (headSeconds: number | null) => course.serving(headSeconds);
  return send(attempt, upstream, { dropped, toolNames, gateway, onServing });
}

interface Ready {
  /** Holds the body: taken out when it is sent. */
  upstream: UpstreamRequest | null;
  readonly dropped: readonly string[];
  readonly toolNames: ReadonlyMap<string, string> | null;
}

/** Body and credential, in the door's format. */
async function makeReady(
  attempt: Attempt,
  gateway: Gateway,
): Promise<Ready | { readonly fault: Unready }> {
  const { exchange, target, body } = attempt;
  const { address } = target;
  const prepared = prepareBody(attempt);
  if ("unsupported" in prepared) return { fault: { kind: "unsupported", unsupported: prepared } };
  const queryAt = exchange.target.indexOf("?");
  const request = upstreamRequest(
    target,
    {
      method: "POST",
      path: pathFor(attempt) ?? (body.stream ? address.stream : address.message),
      query: queryAt < 0 ? "" : exchange.target.slice(queryAt),
      headers: exchange.request.headers,
      body: prepared.chunks,
    },
    gateway.timeouts(),
  );
  const answer = gateway.authenticate(target, request);
  const shown = answer instanceof Promise ? await answer : answer;
  const { provider } = target.use;
  if (shown.ok) gateway.providerHealth.identified(provider.id, target.credential?.id ?? "");
  else return { fault: { kind: "credential", detail: shown.sentence } };
  const { toolNames = null } = prepared;
  const dropped = leavesBetas(attempt) ? [...prepared.dropped, BETA] : prepared.dropped;
  return { upstream: identifiedBy(request, shown.headers), dropped, toolNames };
}

/** A door of our dialect that would refuse betas which it does not know gets none. */
function leavesBetas({ exchange, target }: Attempt): boolean {
  const { door, row } = target;
  if (door.format !== "anthropic-messages" || row.can.takesUnknownBetas) return false;
  return exchange.request.headers[BETA] !== undefined;
}

function pathFor({ exchange, target }: Attempt): string | null {
  return exchange.endpoint === "count_tokens" ? target.address.countTokens : null;
}

/** Why an attempt was not even sent. */
type Unready =
  | { readonly kind: "unsupported"; readonly unsupported: Unsupported }
  | { readonly kind: "credential"; readonly detail: string };

function afterUnready(target: Target, fault: Unready, run: Run): Step {
  const { gateway, course, failures } = run;
  if (fault.kind === "unsupported") {
    course.abandon();
    failures.push({
      errorClass: "bad_request",
      reply: null,
      refusal: unsupported(fault.unsupported),
    });
    return { kind: "again", ...course.elsewhere(target) };
  }
  const provider = target.use.provider.id;
  gateway.providerHealth.unidentified(provider, target.credential?.id ?? "", fault.detail);
  gateway.log.warn("no credential for a provider", { provider, detail: fault.detail });
  failures.push({
    errorClass: "credential",
    reply: null,
    refusal: credentialRefused(provider),
  });
  const failed = { errorClass: "credential", status: null, retryAfterMs: null } as const;
  return { kind: "again", ...course.after(failed) };
}

/** Settles and records the attempt, and finds what comes next. */
async function conclude(attempt: Attempt, relayed: Relayed, run: Run): Promise<Step> {
  const { gateway, course } = run;
  const { exchange, target } = attempt;
  const isSent = relayed.failure === null || relayed.failure.sent;
  const settlement = isSent ? await settle(attempt, relayed, gateway) : null;
  if (settlement !== null) learn(attempt, relayed, gateway);
  if (relayed.answered || relayed.clientGone) {
    course.ended(relayed);
    const { billed } = relayed.reading;
    const hourCache = attempt.body.facts.cacheMarkers === "1h";
    if (relayed.answered) sitDown(exchange, target, { billed, hourCache, gateway });
    finish(attempt, relayed, { settlement, gateway });
    return SERVED;
  }
  const failed = course.classify(relayed) ?? UNREADABLE;
  const { errorClass } = failed;
  run.failures.push({ errorClass, ...errorFor(attempt, relayed, gateway) });
  const next = course.after(failed);
  if (next.next !== null || course.waitsAgain) {
    record(attempt, relayed, { settlement, end: null, gateway });
    return { kind: "again", ...next };
  }
  return giveUp(attempt, relayed, { settlement, run });
}

function errorFor(attempt: Attempt, relayed: Relayed, gateway: Gateway) {
  const { exchange, target } = attempt;
  const provider = target.use.provider.id;
  const { status, failure } = relayed;
  if (failure !== null && !failure.sent)
    gateway.log.warn("upstream not reached", { request: exchange.id, detail: failure.detail });
  if (status === 401 || status === 403) gateway.forgetCredential(target);
  if (status === 401 || status === 403)
    return { reply: null, refusal: credentialRefused(provider) };
  const reply = replyOf(exchange, target, relayed);
  if (reply !== null) return { reply, refusal: null };
  return { reply: null, refusal: notReached(provider, failure?.kind ?? null) };
}

/** A whole answer that is none: nothing more is known of it. */
const UNREADABLE: Failed = { errorClass: "protocol", status: null, retryAfterMs: null };

interface Settling {
  readonly settlement: Settlement | null;
  readonly run: Run;
}

/** No other attempt can follow: the client gets the error that helps most. */
function giveUp(attempt: Attempt, relayed: Relayed, { settlement, run }: Settling): Step {
  const { gateway, attempting, failures } = run;
  const { exchange, client } = attempting;
  const best = bestOf(failures);
  const reply = best?.reply ?? null;
  if (exchange.endpoint === "count_tokens" && !client.isGone && !isClientsFault(reply)) {
    writeCount(attempt, estimateHere(attempt));
    const end = endingOf(exchange, gateway, { outcome: "ok", status: 200 });
    record(attempt, relayed, { settlement: settlement ?? NOT_REACHED, end, gateway });
    return SERVED;
  }
  if (reply === null || client.isGone) {
    record(attempt, relayed, { settlement, end: null, gateway });
    return {
      kind: "refused",
      refusal: best?.refusal ?? notReached(attempt.target.use.provider.id, null),
    };
  }
  if (client.isAccepted) client.endWithFault(reply.fault);
  else {
    client.begin(reply.status, reply.head, false);
    client.write(reply.body);
    client.end();
  }
  const status = client.isAccepted ? 200 : reply.status;
  const end = endingOf(exchange, gateway, { outcome: "upstream_error", status });
  record(attempt, relayed, { settlement: settlement ?? NOT_REACHED, end, gateway });
  return SERVED;
}

/** A body that no provider would count: the client learns why. */
function isClientsFault(reply: Failure["reply"]): boolean {
  return reply?.status === 400 || reply?.status === 413;
}

/** An attempt that nobody received, where its request ends with an earlier one's error. */
const NOT_REACHED: Settlement = { ...UNBILLED, fault: "not_reached" };

interface Ended {
  readonly settlement: Settlement | null;
  readonly gateway: Gateway;
}

/** The request ends with this attempt: served, or nobody is there to serve any more. */
function finish(attempt: Attempt, relayed: Relayed, { settlement, gateway }: Ended): void {
  const { exchange } = attempt;
  const end = endingOf(exchange, gateway, outcomeFor(exchange, relayed, gateway));
  if (settlement === null && relayed.clientGone) {
    record(attempt, relayed, { settlement, end: null, gateway });
    recordAbandoned(exchange, gateway);
  } else record(attempt, relayed, { settlement: settlement ?? NOT_REACHED, end, gateway });
}

/** One line for the attempt: what it cost, or that it never was one. */
function record(
  { exchange, admitted, dropped = [] }: Attempt,
  relayed: Relayed,
  of: Ended & { readonly end: Ending | null },
): void {
  const { settlement, end, gateway } = of;
  if (settlement === null)
    recordCancel(exchange, admitted, relayed.failure?.kind ?? "not_sent", gateway);
  else recordSettlement({ exchange, admitted, settlement, relayed, end, dropped }, gateway);
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

/** Waits before a repetition, for as long as anybody waits with us. */
async function pause(waitMs: number, { attempting, course, gateway }: Run): Promise<void> {
  const { exchange, client } = attempting;
  const gone = new AbortController();
  const onClose = () => gone.abort();
  exchange.response.once("close", onClose);
  if (!client.isGone)
    await sleep(waitMs, undefined, { signal: gone.signal }).catch((error: unknown) => {
      if (!gone.signal.aborted) throw error;
    });
  exchange.response.off("close", onClose);
  if (!client.isGone) return;
  course.abandon();
  recordAbandoned(exchange, gateway);
  throw new ClientGone("the client hung up between two attempts");
}
