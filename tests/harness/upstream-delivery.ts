/** Sends a scripted answer byte by byte as its delivery and fault say, and keeps its bill line in step. */
import type { ServerResponse } from "node:http";
import { createHash } from "node:crypto";
import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import type { Bill, BillLine, WireUsage } from "./bill.ts";
import type { Answer, Delivery, Fault, HttpAnswer, MessageAnswer } from "./scripts.ts";
import {
  encodeEvent,
  event,
  messageEvents,
  messageObject,
  type Message,
  type StreamEvent,
} from "./sse.ts";
import { sessionOf, type ReceivedRequest } from "./upstream-request.ts";

export interface Delivering {
  readonly request: ReceivedRequest;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly bill: Bill;
}

/** Headers that the real API sends beside the request id; clients must not see the limits. */
const PROVIDER_HEADERS = {
  "anthropic-organization-id": "00000000-0000-4000-8000-000000000000",
  "anthropic-ratelimit-requests-limit": "4000",
  "anthropic-ratelimit-requests-remaining": "3999",
  "anthropic-ratelimit-unified-status": "allowed",
  server: "scripted-upstream",
  via: "1.1 scripted-edge",
};

const BYTES_A_DELAY = 1024;

/** Sends whatever the script decided, and enters what it costs. */
export async function deliver(delivering: Delivering, answer: Answer): Promise<void> {
  if (answer.kind === "message") {
    await deliverMessage(delivering, answer);
    return;
  }
  if (answer.charged !== undefined) {
    const { model } = delivering.request.json();
    delivering.bill.lines.push({
      ...newLine(delivering, answer.charged, model),
      state: "complete",
    });
  }
  await deliverHttp(delivering.response, answer, delivering.requestId);
}

/** Sends an HTTP answer as it stands. */
export async function deliverHttp(
  response: ServerResponse,
  answer: HttpAnswer,
  requestId: string,
): Promise<void> {
  if (answer.headDelayMs !== undefined) await delay(answer.headDelayMs);
  if (response.destroyed) return;
  const length = Buffer.byteLength(answer.body);
  response.writeHead(answer.status, {
    ...PROVIDER_HEADERS,
    "request-id": requestId,
    "content-length": length,
    ...answer.headers,
  });
  response.end(answer.body);
}

/**
 * Sends a message, streamed where the request says so. Its bill line is opened when the request is
 * accepted (input is charged from then on) and follows the tokens generated.
 */
async function deliverMessage(delivering: Delivering, answer: MessageAnswer): Promise<void> {
  const { request, response, requestId, bill } = delivering;
  const { model: askedModel, stream } = request.json();
  const model = answer.model ?? askedModel;
  const line = openLine(delivering, answer, model);
  if (line !== null) bill.lines.push(line);
  response.once("close", () => {
    if (line?.state === "open") line.state = "cut";
  });
  const message: Message = {
    id: requestId.replace("req_", "msg_"),
    model,
    content: answer.content,
    stopReason:
      answer.stopReason ?? (answer.stopSequence === undefined ? "end_turn" : "stop_sequence"),
    stopSequence: answer.stopSequence ?? null,
    usage: answer.delivery?.omitUsage ? null : answer.usage,
  };
  if (await faultBeforeHead(response, answer)) return;
  const progress = (outputTokens: number, state: BillLine["state"]): void => {
    if (line === null || response.destroyed) return;
    line.usage = { ...line.usage, output_tokens: Math.max(line.usage.output_tokens, outputTokens) };
    if (answer.usage.iterations && state === "complete") line.usage = answer.usage;
    line.state = state;
  };
  if (stream === true) await deliverStream(delivering, answer, { message, progress });
  else await deliverWhole(delivering, answer, { message, progress });
}

interface Produced {
  readonly message: Message;
  readonly progress: (outputTokens: number, state: BillLine["state"]) => void;
}

async function deliverWhole(
  { response, requestId }: Delivering,
  { delivery = {}, fault, usage }: MessageAnswer,
  { message, progress }: Produced,
): Promise<void> {
  const body = Buffer.from(JSON.stringify(messageObject(message)), "utf8");
  const bytes = delivery.gzip ? gzipSync(body) : body;
  const broken = fault !== undefined;
  response.writeHead(200, {
    ...answerHeaders(requestId, delivery),
    "content-type": "application/json",
    "content-length": bytes.length + (fault?.kind === "short_body" ? 10 : 0),
  });
  // The model is done before the first byte of a whole answer.
  progress(usage.output_tokens, "complete");
  await writeChunks(response, [broken ? bytes.subarray(0, bytes.length >> 1) : bytes], delivery);
  if (broken) response.destroy();
  else response.end();
}

async function deliverStream(
  { response, requestId }: Delivering,
  { delivery = {}, fault, usage }: MessageAnswer,
  { message, progress }: Produced,
): Promise<void> {
  const events = withExtras(messageEvents(message), delivery);
  const cutAt = fault !== undefined && "afterEvents" in fault ? fault.afterEvents : events.length;
  response.writeHead(200, {
    ...answerHeaders(requestId, delivery),
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
  });
  response.flushHeaders();
  const sent = events.slice(0, cutAt);
  if (delivery.gzip || delivery.chunks !== undefined) {
    // Other chunk borders than events: all is generated, only the bytes travel slowly.
    progress(usage.output_tokens, cutAt === events.length ? "complete" : "open");
    const bytes = Buffer.concat(sent.map((each) => encodeEvent(each, delivery.lineEnd)));
    await writeChunks(response, [delivery.gzip ? gzipSync(bytes) : bytes], delivery);
  } else {
    await writeEvents(response, sent, delivery, progress);
  }
  const next = events[cutAt];
  if (fault === undefined || next === undefined) response.end();
  else await endBroken(response, fault, encodeEvent(next, delivery.lineEnd));
}

async function writeEvents(
  response: ServerResponse,
  events: readonly StreamEvent[],
  delivery: Delivery,
  progress: Produced["progress"],
): Promise<void> {
  for (const each of events) {
    if (response.destroyed) return;
    const isClosing = each.name === "message_delta" || each.name === "message_stop";
    progress(each.outputTokens, isClosing ? "complete" : "open");
    await write(response, encodeEvent(each, delivery.lineEnd));
    if (delivery.eventDelayMs !== undefined) await delay(delivery.eventDelayMs);
  }
}

async function endBroken(response: ServerResponse, fault: Fault, next: Buffer): Promise<void> {
  switch (fault.kind) {
    case "half_frame":
      response.end(next.subarray(0, next.length >> 1));
      return;
    case "early_end":
      response.end();
      return;
    case "error_event": {
      const error = { type: fault.type, message: `${fault.type} by the script` };
      response.end(encodeEvent(event("error", { error }, 0)));
      return;
    }
    case "stall":
      return;
    default:
      // Lets what was written leave the process before the reset.
      await delay(5);
      response.destroy();
  }
}

async function faultBeforeHead(response: ServerResponse, answer: MessageAnswer): Promise<boolean> {
  const { fault, delivery } = answer;
  if (fault?.kind === "no_head") return true;
  if (delivery?.headDelayMs !== undefined) await delay(delivery.headDelayMs);
  if (fault?.kind === "reset_before_head") response.destroy();
  return response.destroyed;
}

function openLine(
  delivering: Delivering,
  { usage, stopReason }: MessageAnswer,
  model: string,
): BillLine | null {
  // A refusal before any output costs nothing.
  if (stopReason === "refusal" && usage.output_tokens === 0) return null;
  const { iterations: _, ...counts } = usage;
  return newLine(delivering, { ...counts, output_tokens: 0 }, model);
}

function newLine({ request, requestId }: Delivering, usage: WireUsage, model: string): BillLine {
  return {
    requestId,
    model,
    bodySha256: createHash("sha256").update(request.body).digest("hex"),
    session: sessionOf(request),
    usage,
    state: "open",
  };
}

function withExtras(events: readonly StreamEvent[], delivery: Delivery): StreamEvent[] {
  const closing = events.slice(-2);
  const all = [...events.slice(0, -2), ...(delivery.extraEvents ?? []), ...closing];
  const every = delivery.pingEvery;
  if (every === undefined) return all;
  return all.flatMap((each, index) => {
    const isClosing = index >= all.length - 2;
    if (isClosing || (index + 1) % every !== 0) return [each];
    return [each, event("ping", {}, each.outputTokens)];
  });
}

function answerHeaders(requestId: string, delivery: Delivery): Record<string, string> {
  return {
    ...PROVIDER_HEADERS,
    "request-id": requestId,
    ...(delivery.gzip ? { "content-encoding": "gzip" } : {}),
    ...delivery.headers,
  };
}

async function writeChunks(
  response: ServerResponse,
  parts: readonly Buffer[],
  delivery: Delivery,
): Promise<void> {
  const bytes = Buffer.concat(parts);
  const size = typeof delivery.chunks === "number" ? delivery.chunks : bytes.length;
  for (let start = 0; start < bytes.length; start += size) {
    if (response.destroyed) return;
    await write(response, bytes.subarray(start, start + size));
    // Lets small chunks leave as packets of their own now and then.
    if (size < BYTES_A_DELAY && (start / size) % 8 === 7) await nextTurn();
  }
}

/** Resolves once there is room for more, or never will be. */
async function write(response: ServerResponse, bytes: Buffer): Promise<void> {
  if (response.write(bytes) || response.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}
