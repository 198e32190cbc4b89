/** A Messages request from its first byte to its last record. Read this file first. */
import { firstRefusal, isRefusal, REFUSALS, type Refusal } from "../core/refusal.ts";
import type { Plan } from "../policy/plan.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import { scanMessagesBody } from "../wire/anthropic/scan.ts";
import type { UpstreamFault } from "../wire/answer.ts";
import { accessRuling } from "./access.ts";
import { serveByAttempts } from "./attempts.ts";
import { ClientSide } from "./client-side.ts";
import { Course } from "./course.ts";
import type { Exchange } from "./exchange.ts";
import { applyLevers } from "./levers.ts";
import type { Gateway } from "./ports.ts";
import { receive } from "./receive.ts";
import type { ReceivedBody } from "./received-body.ts";
import { bodyFault, journalRefusal } from "./refuse.ts";
import { route } from "./route.ts";
import { seat } from "./seat.ts";
import { noteRequest, slowDown } from "./runaway.ts";
import { enterSession } from "./session-rules.ts";
import { namesSession, subjectOf } from "./subject.ts";

/**
 * receive → session → levers → access → route → then for each attempt: admit → hold → forward → relay →
 * settle → record; for
 * `/v1/messages` and its `count_tokens`. The caller is identified already.
 *
 * @returns null where the client has its answer, else what to refuse with.
 * @throws ClientGone where the client hung up before anything could be sent for it.
 */
export async function serveMessages(
  exchange: Exchange,
  plan: Plan,
  gateway: Gateway,
): Promise<Refusal | null> {
  const arrived = await receive(exchange.request, {
    maxBodyBytes: gateway.maxBodyBytes(),
    bodyIdleMs: gateway.timeouts().bodyIdleMs,
  });
  if (isRefusal(arrived)) return arrived;
  exchange.receivedMs = gateway.clock.monotonicMs();

  const written = readBody(exchange, arrived);
  if (isRefusal(written)) return written;
  const stopped = gateway.journal.unavailable();
  if (stopped !== null) return journalRefusal(stopped, gateway);

  const asked = { exchange, plan, body: written, received: arrived };
  const entered = enterSession(asked, gateway);
  if (entered.refused !== null) return entered.refused;
  await slowDown(exchange, gateway);
  const levered = applyLevers(asked, gateway);
  const { body, received } = levered;
  const ruling = accessRuling({ exchange, plan, body, received }, gateway);
  const disallowed = firstRefusal(levered.refused, ruling.refused);
  const model = body.model ?? written.model ?? "";
  const routed = route({ exchange, plan, model, body }, gateway);
  if (isRefusal(routed)) return firstRefusal(disallowed, routed);
  if (disallowed !== null) return disallowed;
  exchange.rule = routed.rule;
  const seated = seat(exchange, routed.candidates, gateway);

  const client = new ClientSide(exchange, body.stream && exchange.endpoint === "messages");
  try {
    const attempting = {
      exchange,
      plan,
      body,
      received,
      client,
      canonical: () => received.canonical(),
      waived: [entered.waived, levered.waived, ruling.waived].reduce(firstRefusal, routed.waived),
      onUnsupported: routed.onUnsupported,
    };
    const course = new Course(exchange, { ...routed, ...seated }, gateway);
    noteRequest(exchange, { body, received }, gateway);
    const refused = await serveByAttempts(attempting, course, gateway);
    if (refused !== null && client.isAccepted) client.endWithFault(faultOf(refused));
    return refused;
  } finally {
    client.release();
  }
}

/** What stands in the body, and what it says of itself. A frame of its own: one that waits would keep the chunks. */
function readBody(exchange: Exchange, { chunks }: ReceivedBody): MessagesBody | Refusal {
  const { headers } = exchange.request;
  const scanned = scanMessagesBody(chunks, { sessionId: !namesSession(headers) });
  if (!scanned.ok) return bodyFault(scanned.fault);
  const { body } = scanned;
  exchange.subject = subjectOf(headers, { body, chunks }, exchange.endpoint);
  if (body.model === null) return bodyFault({ offset: 0, problem: "`model` must be a string" });
  return body;
}

/** A refusal for a stream whose head is out. */
function faultOf({ code, message }: Refusal): UpstreamFault {
  return { type: REFUSALS[code].type, message };
}
