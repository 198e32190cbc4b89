/** Cuts AWS event-stream framing into messages, whatever the chunks it comes in; proves every checksum. */
import { EventStreamCodec } from "@smithy/eventstream-codec";

/** One message of the stream. Header names and framing: Smithy's event-stream specification, 2026-11. */
export interface EventStreamMessage {
  /** `:message-type`: "event", "exception" or "error"; "" where it has none. */
  readonly messageType: string;
  /** `:event-type`; null where it has none. */
  readonly eventType: string | null;
  /** `:exception-type`, or `:error-code` of an error without a model; null for events. */
  readonly exceptionType: string | null;
  /** `:error-message` of an error without a model. */
  readonly errorMessage: string | null;
  readonly payload: Buffer;
}

export interface EventStreamDecoder {
  /**
   * Takes the next piece, cut anywhere; gives the messages that it completes, in order. Once `fault` is
   * set it takes nothing more. Never throws; the chunk is neither kept nor changed.
   */
  readonly feed: (chunk: Buffer) => readonly EventStreamMessage[];
  /** What is wrong with the framing, in words for the log; null as long as nothing is. */
  readonly fault: string | null;
  /** Every byte so far belongs to a whole message: the stream may end here. */
  readonly isBetweenMessages: boolean;
}

/** AWS sends no more than 16 MiB in one message. */
export const FRAME_MAX_BYTES = 16 * 1024 * 1024;

/** Total length, headers' length, checksum of both. */
const PRELUDE_BYTES = 12;
const CHECKSUM_AT = 8;
/** Prelude, and the checksum of the message at its end. */
const FRAME_MIN_BYTES = 16;
const FIRST_BUFFER_BYTES = 4096;

const codec = new EventStreamCodec(
  (bytes: unknown) => (bytes instanceof Uint8Array ? Buffer.from(bytes).toString("utf8") : ""),
  (text) => Buffer.from(text),
);

/** A decoder of one stream. It holds at most twice the bytes of the message under way. */
export function createEventStreamDecoder(): EventStreamDecoder {
  return new FrameDecoder();
}

class FrameDecoder implements EventStreamDecoder {
  fault: string | null = null;
  #held: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_BUFFER_BYTES);
  #heldBytes = 0;
  #isPreludeRead = false;
  /** Bytes after which there is something to do: the prelude's, then the whole message's. */
  #neededBytes = PRELUDE_BYTES;

  get isBetweenMessages(): boolean {
    return this.#heldBytes === 0 && this.fault === null;
  }

  feed(chunk: Buffer): readonly EventStreamMessage[] {
    const messages: EventStreamMessage[] = [];
    let at = 0;
    while (at < chunk.length && this.fault === null) {
      const end = Math.min(at + this.#neededBytes - this.#heldBytes, chunk.length);
      this.#hold(chunk.subarray(at, end));
      at = end;
      if (this.#heldBytes < this.#neededBytes) break;
      if (this.#isPreludeRead) this.#complete(messages);
      else this.#readPrelude();
    }
    return messages;
  }

  #hold(bytes: Uint8Array): void {
    const total = this.#heldBytes + bytes.length;
    if (total > this.#held.length) {
      // By doubling, so that a length that is only claimed reserves nothing.
      const larger = new Uint8Array(Math.max(total, 2 * this.#held.length));
      larger.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = larger;
    }
    this.#held.set(bytes, this.#heldBytes);
    this.#heldBytes = total;
  }

  /** Before the message is waited for: a false length must not make the stream wait for ever. */
  #readPrelude(): void {
    const view = new DataView(this.#held.buffer);
    const frameBytes = view.getUint32(0);
    if (view.getUint32(CHECKSUM_AT) !== crc32(this.#held.subarray(0, CHECKSUM_AT)))
      this.fault = "the prelude of a message does not match its checksum";
    else if (frameBytes > FRAME_MAX_BYTES)
      this.fault = `a message is over ${FRAME_MAX_BYTES} bytes`;
    else if (frameBytes < FRAME_MIN_BYTES || view.getUint32(4) > frameBytes - FRAME_MIN_BYTES)
      this.fault = "the lengths of a message contradict each other";
    this.#isPreludeRead = true;
    this.#neededBytes = frameBytes;
  }

  #complete(messages: EventStreamMessage[]): void {
    // A copy of its own size: headers that claim to be longer end at the message, not in foreign memory.
    const message = decodeFrame(this.#held.slice(0, this.#neededBytes));
    if (typeof message === "string") {
      this.fault = message;
      return;
    }
    messages.push(message);
    this.#heldBytes = 0;
    this.#isPreludeRead = false;
    this.#neededBytes = PRELUDE_BYTES;
    if (this.#held.length > 16 * FIRST_BUFFER_BYTES)
      this.#held = new Uint8Array(FIRST_BUFFER_BYTES);
  }
}

/** The message of a frame, or what is wrong with it. */
function decodeFrame(frame: Uint8Array<ArrayBuffer>): EventStreamMessage | string {
  try {
    const { headers, body } = codec.decode(frame);
    const text = (name: string): string | null => {
      const header = Object.hasOwn(headers, name) ? headers[name] : undefined;
      return header?.type === "string" ? header.value : null;
    };
    return {
      messageType: text(":message-type") ?? "",
      eventType: text(":event-type"),
      exceptionType: text(":exception-type") ?? text(":error-code"),
      errorMessage: text(":error-message"),
      payload: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    };
  } catch (error) {
    return error instanceof Error && error.message.includes("checksum")
      ? "a message does not match its checksum"
      : "the headers of a message cannot be read";
  }
}

/** CRC-32 as of gzip, bit by bit: eight bytes of each message need no table. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
