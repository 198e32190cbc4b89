/** The product's own governance of one request, in process: everything but the sockets. */
import { IncomingMessage, ServerResponse } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { invariant } from "../src/core/invariant.ts";
import { isRefusal } from "../src/core/refusal.ts";
import { admit } from "../src/gateway/admit.ts";
import { begin, type Exchange } from "../src/gateway/exchange.ts";
import { Course } from "../src/gateway/course.ts";
import { identify } from "../src/gateway/identify.ts";
import type { Gateway } from "../src/gateway/ports.ts";
import { readAnswer } from "../src/gateway/reading.ts";
import { endingOf, recordSettlement } from "../src/gateway/record.ts";
import type { Relayed } from "../src/gateway/relay.ts";
import { seat } from "../src/gateway/seat.ts";
import { route } from "../src/gateway/route.ts";
import { settlementOf } from "../src/gateway/settle.ts";
import { subjectOf } from "../src/gateway/subject.ts";
import { scanMessagesBody } from "../src/wire/anthropic/scan.ts";
import { clientHeaders } from "./fleet-config.ts";
import { openGateway } from "./gateway-in-process.ts";

/** In the order in which a request passes them. */
export const STEPS = [
  "begin",
  "identify",
  "scan",
  "route",
  "admit",
  "intent",
  "read usage",
  "settle",
  "record",
] as const;
export type Step = (typeof STEPS)[number];

/** Told after each step; `resume` is called where the request goes on after a wait. */
export interface Stopwatch {
  readonly resume: () => void;
  readonly lap: (step: Step) => void;
}

export interface Governed {
  /** One request with this body, from its arrival to its settlement. */
  readonly govern: (chunks: readonly Buffer[], watch: Stopwatch) => Promise<void>;
  /** Closes the journal and removes its folder. */
  readonly close: () => Promise<void>;
}

const SESSION = "5f0c7f2e-1d36-4a8e-9a53-0f6f5f0e7c11";
const HEAD = { "content-type": "text/event-stream; charset=utf-8", "request-id": "req_011C" };

/** A stream's events as they come: start, some content, end. */
const ANSWER = [
  `event: message_start\ndata: {"type":"message_start","message":{"model":"claude-sonnet-5-5","id":"msg_01","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":4,"cache_creation_input_tokens":812,"cache_read_input_tokens":61233,"cache_creation":{"ephemeral_5m_input_tokens":812,"ephemeral_1h_input_tokens":0},"output_tokens":1,"service_tier":"standard","inference_geo":"global"}}}\n\n`,
  `event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\nevent: ping\ndata: {"type":"ping"}\n\n`,
  `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"I will read the file first."}}\n\n`,
  `event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\nevent: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":4,"cache_creation_input_tokens":812,"cache_read_input_tokens":61233,"output_tokens":412,"output_tokens_details":{"thinking_tokens":0}}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n`,
].map((text) => Buffer.from(text));

/** The gateway's parts over a journal of their own in a temporary folder. */
export async function openGoverned(): Promise<Governed> {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-bench-"));
  const { gateway, close } = await openGateway(folder);
  const request = new IncomingMessage(new Socket());
  request.headers = clientHeaders(SESSION);
  const arrival = {
    request,
    response: new ServerResponse(request),
    endpoint: "messages",
    target: "/v1/messages",
  } as const;
  return {
    govern: (chunks, watch) => {
      watch.resume();
      const exchange = begin(gateway, arrival);
      watch.lap("begin");
      return govern({ exchange, gateway, chunks, watch });
    },
    close: async () => {
      await close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Passage {
  readonly exchange: Exchange;
  readonly gateway: Gateway;
  readonly chunks: readonly Buffer[];
  readonly watch: Stopwatch;
}

/** The steps of the gateway's pipeline in its order, the relay replaced by an answer that is there. */
async function govern({ exchange, gateway, chunks, watch }: Passage): Promise<void> {
  const { headers } = exchange.request;
  const plan = identify(headers, exchange.ruling, gateway.ledgerClock.nowMs());
  invariant(!isRefusal(plan), "the benchmark's key is known");
  exchange.plan = plan;
  watch.lap("identify");

  const scanned = scanMessagesBody(chunks);
  invariant(scanned.ok && scanned.body.model !== null, "the benchmark's body is sound");
  const { body } = scanned;
  exchange.subject = subjectOf(headers, { body, chunks }, exchange.endpoint);
  watch.lap("scan");

  const { model } = scanned.body;
  const routed = route({ exchange, plan, model, body }, gateway);
  invariant(!isRefusal(routed), "the benchmark's model is allowed");
  const course = new Course(
    exchange,
    { ...routed, ...seat(exchange, routed.candidates, gateway) },
    gateway,
  );
  const target = course.first();
  invariant(target !== null, "the benchmark's provider is well");
  watch.lap("route");

  const { waived } = routed;
  const admitting = admit({ exchange, plan, model, body, chunks, target, waived }, gateway);
  watch.lap("admit");
  const admitted = await admitting;
  watch.resume();
  invariant(!isRefusal(admitted), "the benchmark's budgets have room");

  const written = gateway.journal.intent(admitted.hold.record);
  exchange.attempts++;
  watch.lap("intent");
  await written;

  watch.resume();
  const relayed = await readWhole(watch);
  const settling = settlementOf(admitted, relayed, {
    book: exchange.ruling.prices,
    countInput: () => Promise.resolve(null),
  });
  watch.lap("settle");
  const settlement = await settling;
  course.serving(1);
  course.ended(relayed);

  watch.resume();
  const end = endingOf(exchange, gateway, { outcome: "ok", status: 200 });
  recordSettlement({ exchange, admitted, settlement, relayed, end }, gateway);
  watch.lap("record");
}

async function readWhole(watch: Stopwatch): Promise<Relayed> {
  const reader = readAnswer(200, HEAD);
  for (const chunk of ANSWER) reader.feed(chunk);
  const finished = reader.finish();
  watch.lap("read usage");
  const reading = await finished;
  watch.resume();
  return {
    status: 200,
    upstreamHeaders: HEAD,
    failure: null,
    complete: true,
    clientGone: false,
    reading,
    seconds: 1,
    answered: true,
    held: [],
  };
}
