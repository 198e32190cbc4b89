/** Reads answers of `generateContent` and `streamGenerateContent?alt=sse`, and writes them as messages. */
import type { AnswerTranslator, Reading, UpstreamFault } from "../answer.ts";
import { isObject, parseJson } from "../anthropic/value.ts";
import { MessageWriter } from "../canonical/writer.ts";
import type { AnswerContext } from "../egress.ts";
import type { ServerEventReader } from "../server-events.ts";
import { createServerEventReader, EVENT_MAX_CHARACTERS, EventTooLarge } from "../server-events.ts";
import { errorOf, faultOf } from "./fault.ts";
import { finishOf } from "./finish.ts";
import { PartsWriter } from "./parts.ts";
import { UsageReader } from "./usage.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * A translator of one answer. Every event of a stream is a whole `GenerateContentResponse`, unnamed and without
 * a closing mark: the answer is whole when a `finishReason` has come and the body ends.
 * Source: ai.google.dev/api/generate-content#v1beta.GenerateContentResponse, compared 2026-11-23.
 */
export function geminiAnswer(context: AnswerContext): AnswerTranslator {
  return new GeminiAnswer(context);
}

class GeminiAnswer implements AnswerTranslator {
  readonly #writer: MessageWriter;
  readonly #parts: PartsWriter;
  readonly #usage = new UsageReader();
  /** Null for an answer in one piece. */
  readonly #events: ServerEventReader | null;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #finishReason: string | null = null;
  #isBlocked = false;
  #stopReason: string | null = null;
  #final = false;
  #error: UpstreamFault | null = null;
  #isEnded = false;

  constructor(context: AnswerContext) {
    this.#writer = new MessageWriter(context);
    this.#parts = new PartsWriter(this.#writer, context.id);
    this.#events = context.streamed
      ? createServerEventReader((_name, data) => this.#response(parseJson(data)))
      : null;
  }

  feed(chunk: Buffer): Buffer | null {
    if (this.#error !== null || this.#isEnded) return null;
    if (this.#events !== null) this.#guarded((events) => events.feed(chunk));
    else {
      this.#bytes += chunk.length;
      if (this.#bytes > EVENT_MAX_CHARACTERS) this.#malformed("is too large");
      else this.#pieces.push(chunk);
    }
    return this.#writer.take();
  }

  end(): Buffer | null {
    if (this.#isEnded) return null;
    this.#isEnded = true;
    if (this.#error === null) {
      if (this.#events !== null) this.#guarded((events) => events.end());
      else this.#response(parseJson(Buffer.concat(this.#pieces).toString("utf8")));
    }
    this.#pieces = [];
    if (this.#error === null) this.#conclude();
    return this.#writer.take();
  }

  isWhole(): boolean {
    return this.#isEnded && this.#error === null && this.#stopReason !== null;
  }

  reading(): Reading {
    const billed = this.#usage.billed();
    // Something was said, so something was billed, whatever the figures tell.
    const isTrue = billed === null || billed.usage.output_tokens > 0 || this.#parts.isEmpty;
    return {
      started: this.#usage.isStarted,
      final: this.#final,
      billed: this.#final && !isTrue ? null : billed,
      contentBytes: this.#writer.contentBytes,
      stopReason: this.#stopReason,
      error: this.#error,
      // Google bills the prompt of a blocked request; nothing in an answer proves otherwise.
      refusedBeforeOutput: false,
      isAnswer: !this.#parts.isEmpty || this.isWhole(),
    };
  }

  #guarded(step: (events: ServerEventReader) => void): void {
    try {
      if (this.#events !== null) step(this.#events);
    } catch (error) {
      if (!(error instanceof EventTooLarge)) throw error;
      this.#malformed("is too large");
    }
  }

  #response(value: unknown): void {
    if (this.#error !== null) return;
    const error = errorOf(value);
    if (error !== null) {
      this.#fail(faultOf(error, 200));
      return;
    }
    const response: unknown = Array.isArray(value) ? value[0] : value;
    if (!isObject(response)) {
      this.#malformed("is no JSON object");
      return;
    }
    const isCounted = this.#usage.take(response["usageMetadata"]);
    const { candidates } = response;
    const candidate: unknown = Array.isArray(candidates) ? candidates[0] : undefined;
    this.#writer.start(this.#usage.shown());
    const feedback = response["promptFeedback"];
    if (isObject(feedback) && typeof feedback["blockReason"] === "string") this.#isBlocked = true;
    if (isObject(candidate)) this.#candidate(candidate);
    if (isCounted && (this.#finishReason !== null || this.#isBlocked)) this.#final = true;
  }

  #candidate(candidate: Json): void {
    const content = candidate["content"];
    const parts = isObject(content) ? content["parts"] : undefined;
    if (Array.isArray(parts) && !parts.every((part) => this.#parts.part(part))) {
      this.#malformed("has a part that is none");
      return;
    }
    const reason = candidate["finishReason"];
    if (typeof reason === "string" && reason !== "FINISH_REASON_UNSPECIFIED")
      this.#finishReason = reason;
  }

  /** The body is over: an answer that has its end is written to its end. */
  #conclude(): void {
    const finish = this.#isBlocked
      ? { stopReason: "refusal" }
      : this.#finishReason !== null && finishOf(this.#finishReason, this.#parts);
    if (finish === false) return;
    if ("error" in finish) {
      this.#fail({ type: "api_error", message: finish.error });
      return;
    }
    this.#parts.end();
    this.#stopReason = finish.stopReason;
    this.#writer.finish({
      stopReason: finish.stopReason,
      stopSequence: null,
      usage: this.#usage.shown(),
    });
  }

  #malformed(problem: string): void {
    this.#fail({ type: "api_error", message: `The upstream's answer ${problem}.` });
  }

  #fail(fault: UpstreamFault): void {
    this.#error = fault;
    this.#writer.fault(fault);
  }
}
