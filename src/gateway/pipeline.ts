/** A Messages request from its first byte to its last record. Read this file first. */
import { isRefusal, REFUSALS, type Refusal } from "../core/refusal.ts";
import type { Plan } from "../policy/plan.ts";
import { scanMessagesBody } from "../wire/anthropic/scan.ts";
import type { UpstreamFault } from "../wire/answer.ts";
import { serveByAttempts } from "./attempts.ts";
import { ClientSide } from "./client-side.ts";
import { Course } from "./course.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./ports.ts";
import { receive } from "./receive.ts";
import { bodyFault, journalRefusal } from "./refuse.ts";
import { route } from "./route.ts";
import { seat } from "./seat.ts";
import { noteRequest, slowDown } from "./runaway.ts";
import { enterSession } from "./session-rules.ts";
import { namesSession, subjectOf } from "./subject.ts";

/**
 * receive → route → then for each attempt: admit → hold → forward → relay → settle → record; for
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
  exchange.subject = subjectOf(headers, { body, chunks: received.chunks }, exchange.endpoint);
  if (body.model === null) return bodyFault({ offset: 0, problem: "`model` must be a string" });
  const stopped = gateway.journal.unavailable();
  if (stopped !== null) return journalRefusal(stopped, gateway);

  const halted = enterSession(exchange, plan, gateway);
  if (halted !== null) return halted;
  await slowDown(exchange, gateway);
  const routed = route({ exchange, plan, model: body.model, body }, gateway);
  if (isRefusal(routed)) return routed;
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
      waived: routed.waived,
      onUnsupported: routed.onUnsupported,
    };
    const course = new Course(exchange, { ...routed, ...seated }, gateway);
    noteRequest(exchange, { body, chunks: received.chunks }, gateway);
    const refused = await serveByAttempts(attempting, course, gateway);
    if (refused !== null && client.isAccepted) client.endWithFault(faultOf(refused));
    return refused;
  } finally {
    client.release();
  }
}

/** A refusal for a stream whose head is out. */
function faultOf({ code, message }: Refusal): UpstreamFault {
  return { type: REFUSALS[code].type, message };
}
