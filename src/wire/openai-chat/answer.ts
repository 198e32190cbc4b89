/** Turns an answer of chat completions, streamed or whole, into one of the Messages API. */
import { NO_USAGE } from "../../core/usage.ts";
import { isObject, parseJson } from "../anthropic/value.ts";
import type { AnswerTranslator, Reading, UpstreamFault } from "../answer.ts";
import { MessageWriter } from "../canonical/writer.ts";
import type { AnswerContext } from "../egress.ts";
import { createServerEventReader } from "../server-events.ts";
import { faultIn } from "./fault.ts";
import { faultOfReason, stopReasonOf } from "./stop.ts";
import { ToolCalls } from "./tool-calls.ts";
import { ChatUsage } from "./usage.ts";

type Json = Readonly<Record<string, unknown>>;

/** A whole answer larger than this is not looked into. */
const DOCUMENT_MAX_BYTES = 64 * 1024 * 1024;
const BRACE = 0x7b;
const BRACKET = 0x5b;

/**
 * A translator of one answer. Whether it is a stream is told by its first byte, not by what was asked
 * for: a server that answers a streamed request with one document, an error say, is understood too.
 *
 * Source: openai-node of 2026-08-21 (`ChatCompletionChunk`), openrouter.ai/docs/api-reference/streaming,
 * docs.mistral.ai "Reasoning" (content as a list), groq-typescript (`x_groq`); read 2026-11-23.
 */
export function chatAnswer(context: AnswerContext): AnswerTranslator {
  return new ChatAnswer(context);
}

class ChatAnswer implements AnswerTranslator {
  readonly #streamed: boolean;
  readonly #writer: MessageWriter;
  readonly #tools: ToolCalls;
  readonly #usage: ChatUsage;
  readonly #readsGroq: boolean;
  /** Names of the delta's fields for reasoning; the first that has a text counts. */
  readonly #reasoningFields: readonly [string, string];
  readonly #events = createServerEventReader((_name, data) => this.#event(data));
  #framing: "unknown" | "events" | "document" = "unknown";
  readonly #document: Buffer[] = [];
  #bytes = 0;
  #hasChoice = false;
  #isRefused = false;
  #stopSequence: string | null = null;
  #finishReason: string | null = null;
  #stopReason: string | null = null;
  /** The dialect's own end: "[DONE]", or the end of the framing. */
  #isOver = false;
  #hasLastUsage = false;
  #error: UpstreamFault | null = null;

  constructor(context: AnswerContext) {
    this.#streamed = context.streamed;
    this.#writer = new MessageWriter(context);
    this.#tools = new ToolCalls(this.#writer, context.id);
    this.#usage = new ChatUsage(context.quirks);
    this.#readsGroq = context.quirks.has("usage-in-x-groq");
    this.#reasoningFields = context.quirks.has("reasoning-field")
      ? ["reasoning", "reasoning_content"]
      : ["reasoning_content", "reasoning"];
  }

  feed(chunk: Buffer): Buffer | null {
    this.#bytes += chunk.length;
    if (this.#framing === "unknown") this.#framing = framingOf(chunk);
    if (this.#framing === "events") this.#guarded(() => this.#events.feed(chunk));
    else if (this.#bytes <= DOCUMENT_MAX_BYTES) this.#document.push(chunk);
    return this.#writer.take();
  }

  end(): Buffer | null {
    if (this.#framing === "events") this.#guarded(() => this.#events.end());
    else if (!this.#isOver) this.#whole();
    if (!this.#isOver) this.#close();
    return this.#writer.take();
  }

  isWhole(): boolean {
    return this.#isOver && this.#finishReason !== null && this.#error === null;
  }

  reading(): Reading {
    const billed = this.#usage.billed;
    const contentBytes = this.#contentBytes();
    return {
      started: billed !== null,
      final: billed !== null && this.#hasLastUsage && this.isWhole(),
      billed,
      contentBytes,
      stopReason: this.#stopReason,
      error: this.#error,
      refusedBeforeOutput: false,
      isAnswer: this.isWhole() || (this.#streamed && contentBytes > 0),
    };
  }

  #contentBytes(): number {
    if (!this.#streamed) return this.#bytes;
    // Until its end nobody knows whether a document is an answer, and none of it is shown.
    if (this.#framing === "document") return this.isWhole() ? this.#bytes : 0;
    const shown = this.#writer.contentBytes;
    return shown === 0 ? 0 : shown + this.#tools.heldBytes;
  }

  /** An event beyond all bounds breaks the answer, not the gateway. */
  #guarded(step: () => void): void {
    try {
      step();
    } catch {
      this.#fail(unreadable("an event of the provider's answer cannot be read"));
    }
  }

  #event(data: string): void {
    if (this.#isOver) return;
    if (data === "[DONE]") {
      this.#close();
      return;
    }
    const chunk = parseJson(data);
    if (isObject(chunk)) this.#chunk(chunk);
    else if (data.trim() === "[DONE]") this.#close();
    else this.#fail(unreadable("an event of the provider's answer is no JSON object"));
  }

  #chunk(chunk: Json): void {
    if (isFault(chunk)) this.#fail(faultIn(chunk, null));
    const { choices } = chunk;
    let told = this.#usage.take(chunk["usage"]);
    if (Array.isArray(choices))
      for (const choice of choices as readonly unknown[]) {
        if (!isFirst(choice)) continue;
        this.#choice(choice, choice["delta"]);
        // Moonshot's usage stands in the choice.
        if (this.#usage.take(choice["usage"])) told = true;
      }
    if (this.#readsGroq && this.#groq(chunk["x_groq"])) told = true;
    // A running usage that stops before the end may be less than what is billed.
    if (told && this.#finishReason !== null) this.#hasLastUsage = true;
  }

  #groq(extra: unknown): boolean {
    if (!isObject(extra)) return false;
    if (isFault(extra)) this.#fail(faultIn(extra, null));
    return this.#usage.take(extra["usage"]);
  }

  #choice(choice: Json, delta: unknown): void {
    if (this.#error !== null) return;
    this.#hasChoice = true;
    if (typeof delta === "object" && delta !== null) this.#delta(delta as Json);
    if (isFault(choice)) {
      this.#fail(faultIn(choice, null));
      return;
    }
    const reason = choice["finish_reason"];
    if (typeof reason === "string" && reason !== "") this.#ending(reason, choice);
  }

  #ending(reason: string, choice: Json): void {
    const fault = faultOfReason(reason);
    if (fault !== null) {
      this.#fail(fault);
      return;
    }
    this.#finishReason = reason;
    // vLLM names the sequence that it met.
    const sequence = choice["stop_reason"];
    if (reason === "stop" && typeof sequence === "string") this.#stopSequence = sequence;
    this.#stopReason = stopReasonOf(reason, {
      calls: this.#tools.count,
      isRefused: this.#isRefused,
      isSequence: this.#stopSequence !== null,
    });
  }

  #delta(delta: Json): void {
    const [first, second] = this.#reasoningFields;
    const reasoning = delta[first];
    if (typeof reasoning === "string" && reasoning !== "") this.#thinking(reasoning);
    else this.#thinking(delta[second]);
    const { content, refusal, tool_calls: calls, function_call: legacy } = delta;
    if (typeof content === "string") this.#text(content);
    else if (Array.isArray(content)) for (const part of content) this.#part(part);
    if (typeof refusal === "string" && refusal !== "") {
      this.#isRefused = true;
      this.#text(refusal);
    }
    if (Array.isArray(calls)) for (const piece of calls) this.#tools.take(piece);
    if (isObject(legacy)) this.#tools.take({ index: -1, function: legacy });
  }

  /** Mistral's reasoning models send content as a list. */
  #part(part: unknown): void {
    if (!isObject(part)) return;
    if (part["type"] === "thinking" && Array.isArray(part["thinking"]))
      for (const piece of part["thinking"] as readonly unknown[])
        this.#thinking(isObject(piece) ? piece["text"] : piece);
    else if (typeof part["text"] === "string") this.#text(part["text"]);
  }

  #text(text: string): void {
    if (text === "") return;
    if (this.#tools.count > 0) this.#tools.closeComplete();
    this.#writer.text(text);
  }

  #thinking(text: unknown): void {
    if (typeof text !== "string" || text === "") return;
    if (this.#tools.count > 0) this.#tools.closeComplete();
    this.#writer.thinking(text);
  }

  #whole(): void {
    const isTooLarge = this.#bytes > DOCUMENT_MAX_BYTES;
    const text = isTooLarge ? "" : Buffer.concat(this.#document).toString("utf8").trim();
    const parsed = parseJson(text.startsWith("\ufeff") ? text.slice(1) : text);
    const answer: Json = isObject(parsed) ? parsed : {};
    const { choices } = answer;
    const choice: unknown = Array.isArray(choices) ? choices[0] : null;
    if (isFault(answer) || (Array.isArray(parsed) && isFault(parsed[0])))
      this.#fail(faultIn(parsed, null));
    else if (isObject(choice)) this.#choice(choice, wholeDelta(choice["message"]));
    this.#hasLastUsage = this.#usage.take(answer["usage"]);
  }

  /** The answer's end has passed. */
  #close(): void {
    this.#isOver = true;
    if (this.#error !== null) return;
    if (!this.#hasChoice) {
      this.#fail(unreadable("the provider's answer holds no chat completion"));
      return;
    }
    if (this.#finishReason === null) return;
    this.#tools.finish();
    this.#writer.finish({
      stopReason: this.#stopReason ?? "end_turn",
      stopSequence: this.#stopSequence,
      usage: this.#usage.billed?.usage ?? NO_USAGE,
    });
  }

  /** The first fault is told; content after it is not. */
  #fail(fault: UpstreamFault): void {
    if (this.#error !== null) return;
    this.#error = fault;
    this.#writer.fault(fault);
  }
}

/** A document begins with a brace; blank lines and a byte order mark say nothing. */
function framingOf(chunk: Buffer): "unknown" | "events" | "document" {
  for (const byte of chunk) {
    if (byte <= 0x20 || byte >= 0x80) continue;
    return byte === BRACE || byte === BRACKET ? "document" : "events";
  }
  return "unknown";
}

/** OpenAI's `error`, and vLLM's `object: "error"`. */
function isFault(value: unknown): value is Json {
  if (!isObject(value)) return false;
  const { error } = value;
  return (
    (typeof error === "object" && error !== null) ||
    (typeof error === "string" && error !== "") ||
    value["object"] === "error"
  );
}

/** Nobody asks for several choices; a server that sends them all the same is heard once. */
function isFirst(choice: unknown): choice is Json {
  return isObject(choice) && (choice["index"] ?? 0) === 0;
}

/** A whole message as one delta: its calls have no indexes of their own. */
function wholeDelta(message: unknown): unknown {
  if (!isObject(message)) return null;
  const { tool_calls: calls } = message;
  if (!Array.isArray(calls)) return message;
  const indexed = (calls as readonly unknown[]).map((call, index) =>
    isObject(call) ? { ...call, index } : call,
  );
  return { ...message, tool_calls: indexed };
}

function unreadable(message: string): UpstreamFault {
  return { type: "api_error", message };
}
