/** Reads what an answer of the Messages API bills for: from a stream as it passes, or from a whole body. */
import type { BilledUsage } from "../../core/usage.ts";
import { createSseScanner } from "../sse.ts";
import type { EventUse } from "../sse.ts";
import { billedOf } from "./billed.ts";
import { isObject, parseJson } from "./value.ts";

/** The provider's own error, as its envelope names it. */
export interface UpstreamError {
  readonly type: string;
  readonly message: string;
}

/** What has been read of a stream so far. */
export interface StreamUsageReader {
  readonly feed: (chunk: Buffer) => void;
  /** `message_start` has passed and its usage was readable: the exact input is known. */
  readonly started: boolean;
  /** The last word on usage has passed: in the event that states the stop reason, or before the stop. */
  readonly final: boolean;
  /** The stream's own end has passed: a stop reason, or the stop itself. */
  readonly closed: boolean;
  /** Bytes of the data of content events: never fewer than the tokens that were relayed. */
  readonly contentBytes: number;
  readonly stopReason: string | null;
  readonly errorEvent: UpstreamError | null;
  /** The model as the upstream names it; null before `message_start`. */
  readonly model: string | null;
  /** As reported so far; null before `message_start`, and where a figure is unreadable. */
  readonly billed: () => BilledUsage | null;
}

/** The most frequent first. */
const USES: ReadonlyMap<string, EventUse> = new Map([
  ["content_block_delta", "count"],
  ["content_block_start", "count"],
  ["message_start", "read"],
  ["message_delta", "read"],
  ["message_stop", "read"],
  ["error", "read"],
]);

/** A reader of one stream. Only the events that carry usage are parsed; the others pass uncounted. */
export function createStreamUsageReader(): StreamUsageReader {
  return new StreamReader();
}

class StreamReader implements StreamUsageReader {
  contentBytes = 0;
  stopReason: string | null = null;
  errorEvent: UpstreamError | null = null;
  model: string | null = null;
  /** Of `message_start`, overridden by whatever later events state. Null: none yet. */
  #usage: Record<string, unknown> | null = null;
  #billed: BilledUsage | null = null;
  #isUnreadable = false;
  #isStale = false;
  #hasClosingUsage = false;
  #isStopped = false;
  readonly #scanner = createSseScanner({
    uses: USES,
    onEvent: (name, data) => this.#read(name, data),
    onBytes: (bytes) => {
      this.contentBytes += bytes;
    },
  });

  feed(chunk: Buffer): void {
    this.#scanner.feed(chunk);
  }

  get started(): boolean {
    return this.#current() !== null;
  }

  get final(): boolean {
    return this.#hasClosingUsage && this.closed && this.#current() !== null;
  }

  get closed(): boolean {
    return this.stopReason !== null || this.#isStopped;
  }

  billed(): BilledUsage | null {
    return this.#current();
  }

  #read(name: string, data: string | null): void {
    if (name === "message_stop") {
      this.#isStopped = true;
      return;
    }
    const event = data === null ? undefined : parseJson(data);
    if (name === "error") this.errorEvent = errorIn(event) ?? UNREADABLE_ERROR;
    else if (!isObject(event)) this.#isUnreadable = true;
    else if (name === "message_start") this.#readStart(event);
    else this.#readDelta(event);
    this.#isStale = true;
  }

  #current(): BilledUsage | null {
    if (this.#isStale) {
      this.#billed = this.#isUnreadable ? null : billedOf(this.#usage, this.stopReason);
      this.#isStale = false;
    }
    return this.#billed;
  }

  #readStart(event: Readonly<Record<string, unknown>>): void {
    const message = isObject(event["message"]) ? event["message"] : {};
    if (typeof message["model"] === "string") this.model = message["model"];
    if (typeof message["stop_reason"] === "string") this.stopReason = message["stop_reason"];
    this.#merge(message["usage"]);
  }

  #readDelta(event: Readonly<Record<string, unknown>>): void {
    const delta = isObject(event["delta"]) ? event["delta"] : {};
    if (typeof delta["stop_reason"] === "string") this.stopReason = delta["stop_reason"];
    if (!isObject(event["usage"])) return;
    this.#merge(event["usage"]);
    if (event["usage"]["output_tokens"] !== undefined) this.#hasClosingUsage = true;
  }

  /** Later counts are cumulative: one that shrinks lowers no bill. A null says nothing. */
  #merge(usage: unknown): void {
    if (!isObject(usage)) return;
    // Without a prototype, so that no field's name means anything.
    this.#usage ??= Object.create(null) as Record<string, unknown>;
    for (const [field, value] of Object.entries(usage))
      if (value !== null && !isLess(value, this.#usage[field])) this.#usage[field] = value;
  }
}

/** A smaller count; a negative one is none, and makes the figures unreadable. */
function isLess(later: unknown, earlier: unknown): boolean {
  return typeof later === "number" && typeof earlier === "number" && later >= 0 && later < earlier;
}

const UNREADABLE_ERROR: UpstreamError = { type: "api_error", message: "an unreadable error event" };

function errorIn(value: unknown): UpstreamError | null {
  if (!isObject(value) || value["type"] !== "error" || !isObject(value["error"])) return null;
  const { type, message } = value["error"];
  if (typeof type !== "string") return null;
  return { type, message: typeof message === "string" ? message : "" };
}

/**
 * What a whole answer bills for: a JSON body of type "message".
 *
 * @returns null where the body is none, or a figure of its usage is unreadable.
 */
export function readJsonUsage(body: Buffer): BilledUsage | null {
  const message = parseJson(body.toString("utf8"));
  if (!isObject(message) || message["type"] !== "message") return null;
  const stopReason = message["stop_reason"];
  return billedOf(message["usage"], typeof stopReason === "string" ? stopReason : null);
}

/** The provider's own error envelope, `{"type":"error","error":{…}}`; null where the body is none. */
export function readErrorEnvelope(body: Buffer): UpstreamError | null {
  return errorIn(parseJson(body.toString("utf8")));
}

/** True for a JSON body of type "message", whatever it says of its usage. */
export function isMessage(body: Buffer): boolean {
  const message = parseJson(body.toString("utf8"));
  return isObject(message) && message["type"] === "message";
}
