/** Feeds the detectors of runaways with a request and its end, and does what its scopes say of a finding. */
import { setTimeout as sleep } from "node:timers/promises";
import { inputTokensOf, NO_USAGE, type Usage } from "../core/usage.ts";
import { formatTime } from "../core/time.ts";
import type { FindingRecord, Outcome } from "../journal/record.ts";
import type { Plan, Policy } from "../policy/plan.ts";
import { Brakes } from "../policy/runaway/brakes.ts";
import type { AnswerSeen, RequestSeen } from "../policy/runaway/event.ts";
import type { Findings } from "../policy/runaway/findings.ts";
import { OBSERVED, runawaySettings, type RunawaySettings } from "../policy/runaway/settings.ts";
import { RunawayWatch, type Told } from "../policy/runaway/watch.ts";
import { isDefaultSession } from "../policy/sessions.ts";
import type { SessionId } from "../policy/sessions/halts.ts";
import type { Reading } from "../wire/answer.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import { messagesTail } from "../wire/anthropic/tail.ts";
import { taskTypeOf, type Exchange } from "./exchange.ts";
import { isAllObserved } from "./observed.ts";
import type { Gateway } from "./ports.ts";
import { ClientGone } from "./receive.ts";
import type { ReceivedBody } from "./received-body.ts";
import { haltOf } from "./session-rules.ts";

/** What a node knows of runaways. */
export class Runaways {
  readonly watch = new RunawayWatch();
  readonly brakes = new Brakes();
  readonly findings: Findings;
  readonly #settings = new WeakMap<Plan, RunawaySettings>();

  constructor(findings: Findings) {
    this.findings = findings;
  }

  /** Of the file and the scopes above the key, but for those in shadow; found once a plan. */
  settingsOf(plan: Plan, policy: Policy): RunawaySettings {
    const known = this.#settings.get(plan);
    if (known !== undefined) return known;
    const { enforcedLevels } = plan;
    const chain = [policy.runaway, ...enforcedLevels.map(({ governance }) => governance.runaway)];
    const settings = chain.every((said) => said === null) ? OBSERVED : runawaySettings(chain);
    this.#settings.set(plan, settings);
    return settings;
  }
}

/** Delays a request of a session that is slowed down. @throws ClientGone where nobody waited for it. */
export async function slowDown(exchange: Exchange, gateway: Gateway): Promise<void> {
  const { session, response } = exchange;
  if (session === null || exchange.endpoint !== "messages" || isAllObserved(exchange)) return;
  const nowMs = gateway.clock.monotonicMs();
  const pauseMs = gateway.runaways.brakes.pauseMs(nameOf(session), nowMs);
  if (pauseMs === 0) return;
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  response.once("close", onClose);
  await sleep(pauseMs, undefined, { signal: gone.signal }).catch((error: unknown) => {
    if (!gone.signal.aborted) throw error;
  });
  response.off("close", onClose);
  exchange.slowedMs = Math.round(gateway.clock.monotonicMs() - nowMs);
  exchange.waitedMs += exchange.slowedMs;
  if (gone.signal.aborted) throw new ClientGone("the client hung up while it was slowed down");
}

/** Headers that tell the client of a finding; takes the warning that is due. */
export function runawayHeaders(exchange: Exchange, gateway: Gateway): Record<string, string> {
  const headers: Record<string, string> = {};
  if (exchange.session === null) return headers;
  const warning = gateway.runaways.brakes.takeWarning(nameOf(exchange.session));
  // Names of tools are the client's: a header holds no more than ASCII.
  if (warning !== null) headers["tollgate-warning"] = warning.replaceAll(/[^\x20-\x7e]/g, "?");
  if (exchange.slowedMs > 0) headers["tollgate-slowed-ms"] = String(exchange.slowedMs);
  return headers;
}

/** A request was routed: it is looked at while its hold is written, or at its end if that comes first. */
export function noteRequest(
  exchange: Exchange,
  { body, received }: { readonly body: MessagesBody; readonly received: ReceivedBody },
  gateway: Gateway,
): void {
  if (exchange.endpoint !== "messages" || exchange.session === null) return;
  const of = { body, chunks: received.chunks };
  exchange.look = () => {
    exchange.look = null;
    guarded(gateway, () => look(exchange, of, gateway));
  };
  setImmediate(() => exchange.look?.());
}

function look(
  exchange: Exchange,
  { body, chunks }: { readonly body: MessagesBody; readonly chunks: readonly Buffer[] },
  gateway: Gateway,
): void {
  const { messages, tools } = body.fields;
  const tail = messages === undefined ? null : messagesTail(chunks, messages);
  exchange.seen = {
    ...requestSeen(exchange),
    bytes: body.byteLength,
    toolsBytes: tools === undefined ? 0 : tools.end - tools.start,
    tail,
  };
  const { seen, plan, session } = exchange;
  if (plan === null || session === null) return;
  const settings = gateway.runaways.settingsOf(plan, exchange.ruling.policy);
  tell(exchange, gateway.runaways.watch.request(nameOf(session), seen, settings), gateway);
}

/** A request has ended, however it did. */
export function noteEnd(
  exchange: Exchange,
  end: { readonly outcome: Outcome; readonly reading: Reading | null },
  gateway: Gateway,
): void {
  const { session, plan, endpoint } = exchange;
  if (endpoint !== "messages" || session === null || plan === null) return;
  exchange.look?.();
  // Requests without a session are of many conversations: what one answer led to cannot be told.
  const isNamed = !isDefaultSession(session.session);
  if (!isNamed && end.outcome === "refused") return;
  guarded(gateway, () => {
    const request = exchange.seen ?? requestSeen(exchange);
    const seen = answerSeen(request, { ...end, isNamed }, gateway);
    const settings = gateway.runaways.settingsOf(plan, exchange.ruling.policy);
    tell(exchange, gateway.runaways.watch.answer(nameOf(session), seen, settings), gateway);
  });
}

/** A fault of a detector must not end a request that has been paid for. */
function guarded(gateway: Gateway, feed: () => void): void {
  try {
    feed();
  } catch (error) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    gateway.log.error("a detector of runaways failed", { detail });
  }
}

function nameOf({ virtualKey, session }: SessionId): string {
  return `${virtualKey} ${session}`;
}

function requestSeen(exchange: Exchange): RequestSeen {
  const { subject, request, startedMs } = exchange;
  const retries = Number(request.headers["x-stainless-retry-count"] ?? 0);
  const prompt = request.headers["x-claude-code-prompt-id"];
  return {
    timeMs: startedMs,
    agent: subject?.agent ?? null,
    parent: subject?.parentAgent ?? null,
    prompt: typeof prompt === "string" && prompt !== "" ? prompt : null,
    task: taskTypeOf(exchange),
    model: subject?.requestedModel ?? null,
    retries: Number.isFinite(retries) ? retries : 0,
    bytes: 0,
    toolsBytes: 0,
    tail: null,
  };
}

const BYTES_A_TOKEN = 4;
/** A stream's frames make so many bytes of one byte that is seen. */
const FRAMED = 9;

function answerSeen(
  request: RequestSeen,
  of: {
    readonly outcome: Outcome;
    readonly reading: Reading | null;
    readonly isNamed: boolean;
  },
  gateway: Gateway,
): AnswerSeen {
  const { outcome, reading, isNamed } = of;
  const billed = reading?.billed ?? null;
  const { usage } = billed ?? { usage: NO_USAGE };
  const { cache_write_5m_input_tokens: brief, cache_write_1h_input_tokens: long } = usage;
  return {
    timeMs: gateway.clock.monotonicMs(),
    request,
    outcome,
    contextTokens: billed === null || !isNamed ? null : inputTokensOf(usage),
    cacheReadTokens: usage.cache_read_input_tokens,
    cacheWriteTokens: brief + long,
    writesForAnHour: long > 0,
    outputTokens: usage.output_tokens,
    visibleBytes: visibleBytes(usage, reading?.contentBytes ?? 0),
    stopReason: isNamed ? (reading?.stopReason ?? null) : null,
  };
}

/** An estimate, upwards where the provider does not tell what was thinking. */
function visibleBytes(usage: Usage, contentBytes: number): number {
  const { output_tokens: output, thinking_tokens: thinking } = usage;
  return thinking > 0 ? (output - thinking) * BYTES_A_TOKEN : Math.round(contentBytes / FRAMED);
}

/** Records findings and does what is to follow. */
function tell(exchange: Exchange, told: readonly Told[], gateway: Gateway): void {
  for (const finding of told) {
    const record = findingRecord(exchange, finding, gateway);
    if (record === null) continue;
    gateway.journal.outcome(record);
    gateway.runaways.findings.apply(record);
    gateway.metrics.runawayFound(record.detector, record.action);
    if (record.action !== "observe") act(exchange, finding, gateway);
  }
}

function findingRecord(exchange: Exchange, told: Told, gateway: Gateway): FindingRecord | null {
  const { plan, session } = exchange;
  if (plan === null || session === null) return null;
  const { detector, sentence, evidence } = told;
  const action = isAllObserved(exchange) ? "observe" : told.action;
  return {
    type: "finding",
    time: formatTime(gateway.ledgerClock.nowMs()),
    request: exchange.id,
    customer: plan.customer,
    team: plan.team,
    owner: plan.owner,
    virtual_key: session.virtualKey,
    session: session.session,
    agent: exchange.subject?.agent ?? null,
    detector,
    action,
    ...(action === told.action ? {} : { would: told.action }),
    sentence,
    evidence,
  };
}

function act(exchange: Exchange, told: Told, gateway: Gateway): void {
  const { session, plan } = exchange;
  if (session === null || plan === null) return;
  const { detector, action, sentence } = told;
  const name = nameOf(session);
  const { brakes } = gateway.runaways;
  gateway.log.warn("a session runs away", {
    request: exchange.id,
    virtual_key: session.virtualKey,
    session: session.session,
    detector,
    action,
    detail: sentence,
  });
  if (action === "stop") return stop(exchange, session, { told, gateway });
  brakes.warn(name, sentence);
  if (action !== "slow") return;
  const { cooldownMs } = gateway.runaways.settingsOf(plan, exchange.ruling.policy);
  brakes.slow(name, gateway.clock.monotonicMs() + cooldownMs);
}

function stop(
  exchange: Exchange,
  session: SessionId,
  { told, gateway }: { readonly told: Told; readonly gateway: Gateway },
): void {
  // Somebody was faster, and has said why.
  if (haltOf(exchange, gateway) !== null) return;
  const { detector: actor, sentence: reason } = told;
  void gateway.sessionControl.stop({ ...session, reason, actor }).catch((error: unknown) => {
    const detail = error instanceof Error ? error.message : String(error);
    gateway.log.error("a session that runs away could not be stopped", { detail });
  });
}
