/** Turns a whole response body into one message of the Messages API. */
import { NOTHING_READ } from "../answer.ts";
import type { AnswerTranslator, Reading, UpstreamFault } from "../answer.ts";
import { isObject, parseJson } from "../anthropic/value.ts";
import { MessageWriter } from "../canonical/writer.ts";
import type { AnswerContext } from "../egress.ts";
import { EVENT_MAX_CHARACTERS } from "../server-events.ts";
import { NO_USAGE } from "../../core/usage.ts";
import { endingOf, type ResponseEnding } from "./ending.ts";
import { errorIn, faultOf } from "./fault.ts";
import { objectsIn, OrderedItems, piecesOf } from "./items.ts";

type Json = Readonly<Record<string, unknown>>;

/** A translator of one body; it is kept until it is whole. */
export class WholeAnswer implements AnswerTranslator {
  readonly #writer: MessageWriter;
  readonly #items: OrderedItems;
  #chunks: Buffer[] = [];
  #bodyBytes = 0;
  #ending: ResponseEnding | null = null;
  #error: UpstreamFault | null = null;

  constructor(context: AnswerContext) {
    this.#writer = new MessageWriter({ ...context, streamed: false });
    this.#items = new OrderedItems(this.#writer);
  }

  feed(chunk: Buffer): null {
    this.#bodyBytes += chunk.length;
    if (this.#bodyBytes > EVENT_MAX_CHARACTERS) this.#chunks = [];
    else this.#chunks.push(chunk);
    return null;
  }

  end(): Buffer | null {
    const body = parseJson(Buffer.concat(this.#chunks).toString("utf8"));
    this.#chunks = [];
    if (isObject(body) && Array.isArray(body["output"])) return this.#message(body);
    const error = errorIn(body);
    this.#error =
      error === null
        ? { type: "api_error", message: "the upstream's answer is no response object" }
        : faultOf(error);
    return null;
  }

  isWhole(): boolean {
    return this.#ending?.error === null;
  }

  reading(): Reading {
    const billed = this.#ending?.billed ?? null;
    const stopReason = this.#ending?.stopReason ?? null;
    return {
      ...NOTHING_READ,
      started: billed !== null,
      final: billed !== null,
      billed,
      contentBytes: this.#bodyBytes,
      stopReason,
      error: this.#error ?? this.#ending?.error ?? null,
      refusedBeforeOutput: stopReason === "refusal" && this.#writer.contentBytes === 0,
      isAnswer: this.isWhole(),
    };
  }

  #message(response: Json): Buffer | null {
    writeOutput(response, this.#items);
    const ending = endingOf(response, this.#items);
    this.#ending = ending;
    if (ending.stopReason === null) return null;
    const usage = ending.billed?.usage ?? NO_USAGE;
    this.#writer.finish({ stopReason: ending.stopReason, stopSequence: null, usage });
    return this.#writer.take();
  }
}

/** Writes the items of a finished response. */
export function writeOutput(response: Json, items: OrderedItems): void {
  for (const [index, item] of objectsIn(response["output"]).entries()) {
    for (const piece of piecesOf(item, index)) items.put(index, piece);
    items.done(index);
  }
}
