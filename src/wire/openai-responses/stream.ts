/** Turns a Responses stream into one of the Messages API while it passes. */
import { NOTHING_READ } from "../answer.ts";
import type { AnswerTranslator, Reading, UpstreamFault } from "../answer.ts";
import { isObject, parseJson } from "../anthropic/value.ts";
import { MessageWriter } from "../canonical/writer.ts";
import type { AnswerContext } from "../egress.ts";
import { createServerEventReader, EventTooLarge } from "../server-events.ts";
import { NO_USAGE } from "../../core/usage.ts";
import { endingOf, type ResponseEnding } from "./ending.ts";
import { errorIn, faultOf } from "./fault.ts";
import { argumentsPiece, OrderedItems, piecesOf, sealPiece, textOf, toolPieces } from "./items.ts";
import type { Piece } from "./items.ts";
import { writeOutput } from "./whole.ts";

type Json = Readonly<Record<string, unknown>>;

/** One output item under way. */
interface ItemState {
  /** What has been written of it, so that its end need not repeat it. */
  shown: "nothing" | "name" | "content";
  /** Of the summary part that is being written. */
  part: unknown;
}

/** Say nothing that other events do not: not worth parsing where the event's name tells. */
const REPEATING = new Set([
  "response.created",
  "response.queued",
  "response.in_progress",
  "response.content_part.added",
  "response.content_part.done",
  "response.output_text.done",
  "response.output_text.annotation.added",
  "response.refusal.done",
  "response.reasoning_summary_part.added",
  "response.reasoning_summary_part.done",
  "response.reasoning_summary_text.done",
  "response.reasoning_text.done",
  "response.function_call_arguments.done",
]);
/** Other items have nothing to write, and hold up none that has. */
const WRITTEN = new Set<unknown>(["message", "reasoning", "function_call"]);
const CLOSING = new Set(["response.completed", "response.incomplete", "response.failed"]);
/** Ends streams of the chat dialect, and of servers that speak both. */
const DONE_MARK = "[DONE]";

/**
 * A translator of one stream. Nothing is written before the first content, so that an early failure can
 * be answered by another upstream; then it shows in the reading alone.
 *
 * Source: openai-node of 2026-08-21, `ResponseStreamEvent`; nested error events as servers send them
 * (openai/openai-dotnet issue 881); read 2026-11-23.
 */
export class StreamAnswer implements AnswerTranslator {
  readonly #writer: MessageWriter;
  readonly #items: OrderedItems;
  readonly #states = new Map<number, ItemState>();
  readonly #finished = new Set<number>();
  readonly #events = createServerEventReader((name, data) => this.#event(name, data));
  /** Of the last event that named one. */
  #index = 0;
  #hasItems = false;
  #isUnreadable = false;
  #ending: ResponseEnding | null = null;
  #error: UpstreamFault | null = null;

  constructor(context: AnswerContext) {
    this.#writer = new MessageWriter(context);
    this.#items = new OrderedItems(this.#writer);
  }

  feed(chunk: Buffer): Buffer | null {
    return this.#read(() => this.#events.feed(chunk));
  }

  end(): Buffer | null {
    return this.#read(() => this.#events.end());
  }

  isWhole(): boolean {
    return this.#ending !== null && this.#error === null;
  }

  reading(): Reading {
    const billed = this.#ending?.billed ?? null;
    const stopReason = this.#ending?.stopReason ?? null;
    const contentBytes = this.#contentBytes();
    return {
      ...NOTHING_READ,
      started: billed !== null,
      final: billed !== null,
      billed,
      contentBytes,
      stopReason,
      error: this.#error,
      refusedBeforeOutput: stopReason === "refusal" && contentBytes === 0,
      isAnswer: contentBytes > 0 || this.isWhole(),
    };
  }

  #read(step: () => void): Buffer | null {
    if (this.#isUnreadable) return null;
    try {
      step();
    } catch (error) {
      if (!(error instanceof EventTooLarge)) throw error;
      this.#isUnreadable = true;
      this.#fail({ type: "api_error", message: error.message });
    }
    return this.#writer.take();
  }

  #event(name: string | null, data: string): void {
    if (this.#ending !== null || data === DONE_MARK) return;
    if (name !== null && REPEATING.has(name)) return;
    const event = parseJson(data);
    if (!isObject(event)) {
      this.#fail({
        type: "api_error",
        message: "the upstream sent an event that is no JSON object",
      });
      return;
    }
    const type = textOf(event["type"]) || (name ?? "");
    if (CLOSING.has(type)) this.#close(type, event["response"]);
    else if (type === "error" || (type === "" && isObject(event["error"])))
      this.#fail(faultOf(errorIn(event) ?? {}));
    // After an error, only the bill is of interest.
    else if (this.#error === null) this.#content(type, event);
  }

  #content(type: string, event: Json): void {
    const { output_index: at, delta } = event;
    if (typeof at === "number" && Number.isSafeInteger(at)) this.#index = at;
    switch (type) {
      case "response.output_text.delta":
        return this.#delta("text", textOf(delta));
      case "response.refusal.delta":
        return this.#delta("refusal", textOf(delta));
      case "response.function_call_arguments.delta":
        return this.#arguments(textOf(delta));
      case "response.reasoning_summary_text.delta":
        return this.#thinking(textOf(delta), event["summary_index"]);
      case "response.reasoning_text.delta":
        return this.#thinking(textOf(delta), event["content_index"]);
      case "response.output_item.added":
        return this.#added(event["item"]);
      case "response.output_item.done":
        return this.#done(event["item"]);
      default:
        return undefined;
    }
  }

  #delta(kind: "text" | "refusal" | "thinking", text: string): void {
    if (text === "") return;
    this.#state().shown = "content";
    this.#items.put(this.#index, { kind, text });
  }

  #thinking(text: string, part: unknown): void {
    if (text === "") return;
    const state = this.#state();
    const isNext = state.shown === "content" && state.part !== part;
    state.part = part;
    this.#delta("thinking", isNext ? `\n\n${text}` : text);
  }

  #arguments(text: string): void {
    // Without its beginning there is no name to call; the item's end brings both.
    const state = this.#states.get(this.#index);
    if (state === undefined || state.shown === "nothing" || text === "") return;
    state.shown = "content";
    this.#items.put(this.#index, { kind: "arguments", text });
  }

  #added(item: unknown): void {
    // An index that is used again is a new item: the one before is over.
    if (this.#states.delete(this.#index)) this.#items.done(this.#index);
    this.#finished.delete(this.#index);
    if (!isObject(item) || !WRITTEN.has(item["type"])) return;
    const state = this.#state();
    for (const piece of toolPieces(item, this.#index)) {
      state.shown = "name";
      this.#items.put(this.#index, piece);
    }
  }

  #done(item: unknown): void {
    if (this.#finished.has(this.#index)) return;
    this.#finished.add(this.#index);
    const { shown } = this.#state();
    const pieces = isObject(item) ? this.#rest(item, shown) : [];
    for (const piece of pieces) this.#items.put(this.#index, piece);
    this.#states.delete(this.#index);
    this.#items.done(this.#index);
  }

  #rest(item: Json, shown: ItemState["shown"]): readonly Piece[] {
    if (shown === "nothing") return piecesOf(item, this.#index);
    return shown === "name" ? [argumentsPiece(item)] : sealPiece(item, "shown");
  }

  #state(): ItemState {
    this.#hasItems = true;
    const known = this.#states.get(this.#index);
    if (known !== undefined) return known;
    const state: ItemState = { shown: "nothing", part: undefined };
    this.#states.set(this.#index, state);
    this.#items.begin(this.#index);
    return state;
  }

  #close(type: string, response: unknown): void {
    const body = isObject(response) ? response : {};
    // The event's name is the status, whatever the object in it says or lacks.
    const closed = { ...body, status: type.slice("response.".length) };
    // Some servers send the output with the last event only.
    if (!this.#hasItems && this.#error === null) writeOutput(closed, this.#items);
    this.#ending = endingOf(closed, this.#items);
    const { stopReason, error, billed } = this.#ending;
    if (error !== null) this.#fail(error);
    if (stopReason === null || this.#error !== null) return;
    this.#items.finish();
    const usage = billed?.usage ?? NO_USAGE;
    this.#writer.finish({ stopReason, stopSequence: null, usage });
  }

  /** The first fault counts. Once content has come, the client is told; before, the caller decides. */
  #fail(fault: UpstreamFault): void {
    if (this.#error !== null) return;
    this.#error = fault;
    if (this.#contentBytes() > 0) this.#writer.fault(fault);
  }

  #contentBytes(): number {
    return this.#writer.contentBytes + this.#items.waitingBytes;
  }
}
