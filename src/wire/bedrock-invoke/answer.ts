/** Answers of InvokeModel: the Messages API's own, wrapped event by event where they are streamed. */
import {
  NOTHING_READ,
  type AnswerTranslator,
  type Reading,
  type UpstreamFault,
} from "../answer.ts";
import {
  createStreamUsageReader,
  isMessage,
  readErrorEnvelope,
  readJsonUsage,
} from "../anthropic/usage.ts";
import { isObject, parseJson } from "../anthropic/value.ts";
import { bedrockFault, brokenStream, exceptionFault } from "../bedrock-converse/fault.ts";
import { createEventStreamDecoder, type EventStreamMessage } from "../event-stream/decode.ts";

/** A whole answer larger than this is relayed all the same, but its usage is not looked for. */
const DOCUMENT_MAX_BYTES = 64 * 1024 * 1024;

/** An event's name becomes a line of its own: nothing in it may end a line. */
const EVENT_NAME = /^[\w.-]{1,64}$/;
const LINE_END = /\r\n|\r|\n/;

/**
 * Translates one answer below 300. Of a stream, each frame's event leaves as it came, byte for byte, as one
 * server-sent event; `amazon-bedrock-invocationMetrics` on the last one stays: its figures repeat `usage`.
 *
 * Source: Amazon Bedrock API reference, InvokeModelWithResponseStream, ResponseStream, PayloadPart, 2026-11.
 */
export function invokeAnswer(context: { readonly streamed: boolean }): AnswerTranslator {
  return context.streamed ? new StreamedAnswer() : new WholeAnswer();
}

class StreamedAnswer implements AnswerTranslator {
  readonly #decoder = createEventStreamDecoder();
  readonly #usage = createStreamUsageReader();
  #fault: UpstreamFault | null = null;
  #isStopped = false;

  feed(chunk: Buffer): Buffer | null {
    if (this.#fault !== null) return null;
    const events: Buffer[] = [];
    for (const message of this.#decoder.feed(chunk)) {
      const event = this.#event(message);
      if (event !== null) events.push(event);
      if (this.#hasFault()) break;
    }
    if (!this.#hasFault() && this.#decoder.fault !== null)
      events.push(this.#fail(brokenStream(this.#decoder.fault)));
    if (events.length === 0) return null;
    const bytes = Buffer.concat(events);
    this.#usage.feed(bytes);
    return bytes;
  }

  end(): Buffer | null {
    return null;
  }

  isWhole(): boolean {
    return this.#isStopped && this.#fault === null && this.#decoder.isBetweenMessages;
  }

  reading(): Reading {
    const usage = this.#usage;
    const billed = usage.billed();
    return {
      started: usage.started,
      final: usage.final,
      billed,
      contentBytes: usage.contentBytes,
      stopReason: usage.stopReason,
      error: this.#fault ?? usage.errorEvent,
      refusedBeforeOutput: billed !== null && billed.passes.every((pass) => pass.free),
      isAnswer: usage.contentBytes > 0,
    };
  }

  /** The fault is set by calls that the compiler does not look into. */
  #hasFault(): boolean {
    return this.#fault !== null;
  }

  #event(message: EventStreamMessage): Buffer | null {
    if (message.messageType !== "event") return this.#fail(exceptionFault(message));
    // Bedrock may add events beside the chunks; they are not the model's.
    if (message.eventType !== "chunk") return null;
    const part = parseJson(message.payload.toString("utf8"));
    const encoded = isObject(part) ? part["bytes"] : null;
    if (typeof encoded !== "string") return this.#fail(brokenStream("a chunk holds no bytes"));
    const bytes = Buffer.from(encoded, "base64");
    const text = bytes.toString("utf8");
    const event = parseJson(text);
    const type = isObject(event) ? event["type"] : null;
    if (typeof type !== "string" || !EVENT_NAME.test(type))
      return this.#fail(brokenStream("a chunk holds no event of the Messages API"));
    if (type === "message_stop") this.#isStopped = true;
    return serverEvent(type, bytes, text);
  }

  #fail(fault: UpstreamFault): Buffer {
    this.#fault = fault;
    const { type, message } = fault;
    const body = JSON.stringify({ type: "error", error: { type, message } });
    return Buffer.from(`event: error\ndata: ${body}\n\n`);
  }
}

function serverEvent(name: string, bytes: Buffer, text: string): Buffer {
  // JSON has line ends only as space between its parts; each line of data is one line of the event.
  if (LINE_END.test(text))
    return Buffer.from(`event: ${name}\ndata: ${text.split(LINE_END).join("\ndata: ")}\n\n`);
  return Buffer.concat([Buffer.from(`event: ${name}\ndata: `), bytes, EVENT_END]);
}

const EVENT_END = Buffer.from("\n\n");

/** Passes as it comes; read once it is complete. */
class WholeAnswer implements AnswerTranslator {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #isWhole = false;
  #reading = NOTHING_READ;

  feed(chunk: Buffer): Buffer | null {
    this.#bytes += chunk.length;
    if (this.#bytes <= DOCUMENT_MAX_BYTES) this.#chunks.push(Buffer.from(chunk));
    else this.#chunks = [];
    return chunk;
  }

  end(): Buffer | null {
    if (this.#bytes > DOCUMENT_MAX_BYTES) return null;
    const body = Buffer.concat(this.#chunks);
    const billed = readJsonUsage(body);
    this.#isWhole = isMessage(body);
    this.#reading = {
      ...NOTHING_READ,
      started: billed !== null,
      final: billed !== null,
      billed,
      error: this.#isWhole ? null : errorIn(body),
      refusedBeforeOutput: billed !== null && billed.passes.every((pass) => pass.free),
      isAnswer: this.#isWhole,
    };
    return null;
  }

  isWhole(): boolean {
    return this.#isWhole;
  }

  reading(): Reading {
    return { ...this.#reading, contentBytes: this.#bytes };
  }
}

/** An error under a status that says there is none. */
function errorIn(body: Buffer): UpstreamFault | null {
  const envelope = readErrorEnvelope(body);
  if (envelope !== null) return envelope;
  const json = parseJson(body.toString("utf8"));
  return isObject(json) && typeof json["message"] === "string" ? bedrockFault(500, body) : null;
}
