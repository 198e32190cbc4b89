/** What a request's session says of it: which one it counts to, and whether that one may go on. */
import type { Refusal } from "../core/refusal.ts";
import type { AdmitRecord } from "../journal/record.ts";
import type { Plan } from "../policy/plan.ts";
import { haltedRefusal } from "../policy/sessions/explain.ts";
import type { SessionId } from "../policy/sessions/halts.ts";
import { sessionWindowName } from "../policy/sessions.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./ports.ts";

/** Finds the session of a request that has been read; the refusal of one that was stopped or paused. */
export function enterSession(exchange: Exchange, plan: Plan, gateway: Gateway): Refusal | null {
  if (exchange.endpoint !== "messages") return null;
  countedSession(exchange, plan, gateway);
  return haltOf(exchange, gateway);
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

/** Stands in observe mode too. A count costs nothing and is never refused for it. */
export function haltOf({ session, endpoint }: Exchange, gateway: Gateway): Refusal | null {
  if (session === null || endpoint !== "messages") return null;
  const halt = gateway.sessionBook.halts.of(session);
  return halt === null ? null : haltedRefusal(session, halt);
}

/** For the record, where that is not the session that it names. */
export function countedElsewhere(
  { session, subject }: Exchange,
  nowMs: number,
): Pick<AdmitRecord, "counted_session"> {
  if (session === null || session.session === sessionWindowName(subject?.session ?? null, nowMs))
    return {};
  return { counted_session: session.session };
}
