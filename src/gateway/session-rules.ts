/** What a request's session says of it: which one it counts to, and whether that one may go on. */
import type { Refusal } from "../core/refusal.ts";
import type { AdmitRecord } from "../journal/record.ts";
import type { Plan } from "../policy/plan.ts";
import { capReached } from "../policy/sessions/caps.ts";
import { haltedRefusal, limitedRefusal } from "../policy/sessions/explain.ts";
import type { SessionId } from "../policy/sessions/halts.ts";
import { isDefaultSession, sessionWindowName } from "../policy/sessions.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import { openingOf } from "../wire/anthropic/opening.ts";
import type { Exchange } from "./exchange.ts";
import { isAllObserved } from "./observed.ts";
import type { Gateway } from "./ports.ts";
import type { ReceivedBody } from "./received-body.ts";

/** An answer that has not come by then, or stands too far in, is looked for no more. */
const LOOKS_MAX = 8;

/** What a request's session says of it. */
interface Entered {
  /** It was stopped or paused, or has reached a cap; null: it may go on. */
  readonly refused: Refusal | null;
  /** A cap that is followed on paper alone. */
  readonly waived: Refusal | null;
}

/** Finds the session of a request that has been read. */
export function enterSession(of: Entering, gateway: Gateway): Entered {
  const { exchange } = of;
  if (exchange.endpoint !== "messages") return { refused: null, waived: null };
  followConversation(of, gateway);
  return {
    refused: haltOf(exchange, gateway) ?? capRefusal(exchange, gateway, "enforced"),
    waived: capRefusal(exchange, gateway, "observed"),
  };
}

interface Entering {
  readonly exchange: Exchange;
  readonly plan: Plan;
  readonly body: MessagesBody;
  /** Not its chunks: who waits for the answer would keep them. */
  readonly received: ReceivedBody;
}

/**
 * A conversation that comes back under another id, or under none, counts to the session that it was seen
 * in. Looked up once for a new session; looked at once for each of its agents, so that it is learnt.
 */
function followConversation(entering: Entering, gateway: Gateway): void {
  const { exchange, plan, body, received } = entering;
  const { conversations } = gateway.sessionBook;
  const { virtualKey } = plan;
  const own = countedSession(exchange, plan, gateway);
  const continued = conversations.continuedBy(own);
  const counted = continued === null ? own : { virtualKey, session: continued };
  exchange.session = counted;
  if (!isToBeLookedAt(counted, exchange.subject?.agent ?? null, gateway)) return;
  const opening = openingOf(body, received.chunks, virtualKey);
  if (opening === null) return;
  const isDefault = isDefaultSession(counted.session);
  const before = conversations.sessionOf(virtualKey, opening.digest);
  if (before === null) {
    // The default session is many conversations: none of them is its own.
    if (!isDefault) exchange.conversation = opening.digest;
    return;
  }
  const isNew = isDefault || gateway.sessionBook.find(counted) === null;
  // Short answers can be equal by chance: then only a session that begins in the middle is taken for it.
  if (isNew || opening.isDistinctive) exchange.session = { virtualKey, session: before };
}

function isToBeLookedAt(id: SessionId, agent: string | null, { sessionBook }: Gateway): boolean {
  if (isDefaultSession(id.session)) return sessionBook.conversations.has(id.virtualKey);
  const session = sessionBook.find(id);
  const tally = agent === null ? session : (session?.agents?.get(agent) ?? null);
  return tally === null || (!tally.isLearnt && tally.requests < LOOKS_MAX);
}

/** A cap, of those that are kept or of those on paper, that is reached; null: none, or it is counted already. */
export function capRefusal(
  exchange: Exchange,
  gateway: Gateway,
  which: "enforced" | "observed",
): Refusal | null {
  const { plan, session, subject, attempts } = exchange;
  if (plan === null || session === null || plan.sessionRules.length === 0 || attempts > 0)
    return null;
  const whole = isAllObserved(exchange);
  const rules = plan.sessionRules.filter(
    ({ isObserved }) => (whole || isObserved) === (which === "observed"),
  );
  if (rules.length === 0) return null;
  const { sessionBook, ledgerClock } = gateway;
  const { agent = null, parentAgent = null } = subject ?? {};
  const known = sessionBook.find(session);
  const request = {
    session: known,
    agent,
    tracked: agent === null ? null : (known?.agents?.get(agent) ?? null),
    depth: sessionBook.depthOf(session, agent, parentAgent),
    nowMs: ledgerClock.nowMs(),
  };
  const reached = capReached(rules, request);
  return reached === null ? null : limitedRefusal(session, agent, reached);
}

/** The session that it counts to: found once, the same for all its attempts. */
export function countedSession(exchange: Exchange, plan: Plan, gateway: Gateway): SessionId {
  if (exchange.session !== null) return exchange.session;
  const { virtualKey } = plan;
  const sent = exchange.subject?.session ?? null;
  const session = gateway.sessions.nameOf(virtualKey, sent, gateway.ledgerClock.nowMs());
  exchange.session = { virtualKey, session };
  return exchange.session;
}

/**
 * The refusal of a session that was stopped or paused, by the id that it sends or by the one that it counts
 * to. Stands in observe mode too. A count costs nothing and is never refused for it.
 */
export function haltOf({ session, subject, endpoint }: Exchange, gateway: Gateway): Refusal | null {
  if (session === null || endpoint !== "messages") return null;
  const { halts } = gateway.sessionBook;
  const sent = subject?.session ?? session.session;
  const named = { virtualKey: session.virtualKey, session: sent };
  for (const id of sent === session.session ? [session] : [session, named]) {
    const halt = halts.of(id);
    if (halt !== null) return haltedRefusal(id, halt);
  }
  return null;
}

/** For the record: the session that it counts to, where it names another, and what is learnt of it. */
export function sessionNotes(
  { session, subject, conversation }: Exchange,
  nowMs: number,
): Pick<AdmitRecord, "counted_session" | "conversation"> {
  const isNamed = session?.session === sessionWindowName(subject?.session ?? null, nowMs);
  return {
    ...(session === null || isNamed ? {} : { counted_session: session.session }),
    ...(conversation === null ? {} : { conversation }),
  };
}
