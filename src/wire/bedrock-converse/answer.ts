/** Reads answers of Converse and ConverseStream, and writes them as messages. */
import { NO_USAGE, type BilledUsage, type Usage } from "../../core/usage.ts";
import { billedOnce, type AnswerTranslator, type Reading, type UpstreamFault } from "../answer.ts";
import { isObject, parseJson } from "../anthropic/value.ts";
import { MessageWriter } from "../canonical/writer.ts";
import type { AnswerContext } from "../egress.ts";
import { createEventStreamDecoder, type EventStreamMessage } from "../event-stream/decode.ts";
import { ContentWriter } from "./content.ts";
import { bedrockFault, brokenStream, exceptionFault } from "./fault.ts";
import { usageOf } from "./usage.ts";

type Json = Readonly<Record<string, unknown>>;

const DOCUMENT_MAX_BYTES = 64 * 1024 * 1024;

/** Source: Amazon Bedrock API reference, Converse, `stopReason`, 2026-11. */
const STOP_REASONS: Readonly<Record<string, string>> = {
  end_turn: "end_turn",
  tool_use: "tool_use",
  max_tokens: "max_tokens",
  stop_sequence: "stop_sequence",
  guardrail_intervened: "refusal",
  content_filtered: "refusal",
  model_context_window_exceeded: "model_context_window_exceeded",
};

const KNOWN_EVENTS = new Set([
  "messageStart",
  "contentBlockStart",
  "contentBlockDelta",
  "contentBlockStop",
  "messageStop",
  "metadata",
]);

/** A translator of one answer below 300. Source: ConverseStreamOutput, ConverseResponse, 2026-11. */
export function converseAnswer(context: AnswerContext): AnswerTranslator {
  return context.streamed ? new StreamedAnswer(context) : new WholeAnswer(context);
}

/** What streamed and whole answers have in common. */
abstract class ConverseAnswer implements AnswerTranslator {
  protected readonly writer: MessageWriter;
  protected readonly content: ContentWriter;
  protected readonly hourCache: boolean;
  protected usage: Usage | null = null;
  protected error: UpstreamFault | null = null;
  #stop: { readonly reason: string; readonly sequence: string | null } | null = null;
  #isFinished = false;

  constructor(context: AnswerContext) {
    this.writer = new MessageWriter(context);
    this.hourCache = context.hourCache === true;
    this.content = new ContentWriter(this.writer);
  }

  abstract feed(chunk: Buffer): Buffer | null;
  abstract end(): Buffer | null;
  protected abstract get shownBytes(): number;

  isWhole(): boolean {
    return this.#isFinished && this.error === null;
  }

  reading(): Reading {
    const billed = this.#billed();
    return {
      started: billed !== null,
      final: billed !== null,
      billed,
      contentBytes: this.shownBytes,
      stopReason: this.#stop?.reason ?? null,
      error: this.error,
      // Guardrails and filters act on answers that are billed all the same.
      refusedBeforeOutput: false,
      isAnswer: !this.content.isEmpty || this.#stop !== null,
    };
  }

  protected get hasStopped(): boolean {
    return this.#stop !== null;
  }

  protected get isOver(): boolean {
    return this.#isFinished || this.error !== null;
  }

  protected fail(fault: UpstreamFault): void {
    if (this.isOver) return;
    this.error = fault;
    this.writer.fault(fault);
  }

  /** `messageStop`, or the same fields of a whole answer. */
  protected stopWith(fields: Json): void {
    const name = fields["stopReason"];
    const known =
      typeof name === "string" && Object.hasOwn(STOP_REASONS, name) ? STOP_REASONS[name] : null;
    // A reason that no client knows still ended a turn, or a call.
    const reason = known ?? (this.content.hasToolUse ? "tool_use" : "end_turn");
    this.#stop = { reason, sequence: sequenceIn(fields["additionalModelResponseFields"]) };
  }

  protected finish(): void {
    if (this.isOver || this.#stop === null) return;
    this.#isFinished = true;
    this.content.end();
    const { reason, sequence } = this.#stop;
    const usage = this.usage ?? NO_USAGE;
    this.writer.finish({ stopReason: reason, stopSequence: sequence, usage });
  }

  #billed(): BilledUsage | null {
    if (this.usage === null) return null;
    // Something was said, so something was billed, whatever the figures tell.
    if (this.usage.output_tokens === 0 && !this.content.isEmpty) return null;
    return billedOnce(this.usage, false);
  }
}

class StreamedAnswer extends ConverseAnswer {
  readonly #decoder = createEventStreamDecoder();

  protected override get shownBytes(): number {
    return this.writer.contentBytes;
  }

  override feed(chunk: Buffer): Buffer | null {
    if (this.isOver) return null;
    for (const message of this.#decoder.feed(chunk)) {
      this.#take(message);
      if (this.isOver) break;
    }
    if (this.#decoder.fault !== null) this.fail(brokenStream(this.#decoder.fault));
    return this.writer.take();
  }

  override end(): Buffer | null {
    // Without `metadata` the answer is whole and its usage unknown; in the middle of a frame it is cut.
    if (this.#decoder.isBetweenMessages) this.finish();
    return this.writer.take();
  }

  #take(message: EventStreamMessage): void {
    if (message.messageType !== "event") {
      this.fail(exceptionFault(message));
      return;
    }
    // Kinds of events that are new say nothing to a client of today.
    if (message.eventType === null || !KNOWN_EVENTS.has(message.eventType)) return;
    const event = parseJson(message.payload.toString("utf8"));
    if (!isObject(event)) this.fail(brokenStream("an event holds no JSON object"));
    else if (message.eventType === "metadata") this.#metadata(event);
    else if (!this.hasStopped) this.#content(message.eventType, event);
  }

  #content(type: string, event: Json): void {
    switch (type) {
      case "messageStart":
        this.writer.start();
        break;
      case "contentBlockStart":
        this.#check(this.content.start(event));
        break;
      case "contentBlockDelta":
        this.#check(this.content.delta(event));
        break;
      case "contentBlockStop":
        this.content.stop(event);
        break;
      case "messageStop":
        this.stopWith(event);
        break;
      default:
        break;
    }
  }

  /** The last event, behind `messageStop`. */
  #metadata(event: Json): void {
    this.usage = usageOf(event["usage"], this.hourCache);
    this.finish();
  }

  #check(problem: string | null): void {
    if (problem !== null) this.fail(brokenStream(problem));
  }
}

class WholeAnswer extends ConverseAnswer {
  #chunks: Buffer[] = [];
  #bytes = 0;

  protected override get shownBytes(): number {
    return this.#bytes;
  }

  override feed(chunk: Buffer): Buffer | null {
    this.#bytes += chunk.length;
    if (this.#bytes <= DOCUMENT_MAX_BYTES) this.#chunks.push(Buffer.from(chunk));
    else this.#chunks = [];
    return null;
  }

  override end(): Buffer | null {
    if (this.isOver || this.#bytes > DOCUMENT_MAX_BYTES) return null;
    const body = Buffer.concat(this.#chunks);
    this.#chunks = [];
    const answer = parseJson(body.toString("utf8"));
    const output = isObject(answer) && isObject(answer["output"]) ? answer["output"] : {};
    const message = isObject(output["message"]) ? output["message"] : {};
    const { content } = message;
    if (!isObject(answer) || !Array.isArray(content)) {
      if (isObject(answer) && typeof answer["message"] === "string")
        this.error = bedrockFault(UNTOLD_STATUS, body);
      return null;
    }
    for (const [index, block] of (content as readonly unknown[]).entries()) {
      const problem = isObject(block) ? this.content.whole(block, index) : "a block is no object";
      if (problem === null) continue;
      this.error = brokenStream(problem);
      return null;
    }
    this.usage = usageOf(answer["usage"], this.hourCache);
    this.stopWith(answer);
    this.finish();
    return this.writer.take();
  }
}

/** For an error under a status that says there is none. */
const UNTOLD_STATUS = 500;

/** Claude's own field, where it was asked for: beside the delta's in streams. */
function sequenceIn(fields: unknown): string | null {
  if (!isObject(fields)) return null;
  const delta = isObject(fields["delta"]) ? fields["delta"] : {};
  const sequence = fields["stop_sequence"] ?? delta["stop_sequence"];
  return typeof sequence === "string" ? sequence : null;
}
