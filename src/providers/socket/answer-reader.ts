/** Takes the bytes of a connection apart into answers: heads, content without framing, ends. */
import type { AnswerHead } from "./answer-head.ts";
import { readFields, readHead } from "./answer-head.ts";

/** Called from within `feed` and `end`; any of them may call `stop`. */
export interface AnswerSink {
  readonly onAnswerHead: (head: AnswerHead) => void;
  /** A view of the bytes that were fed; never empty. */
  readonly onAnswerContent: (chunk: Buffer) => void;
  /** The last call of an answer. `reusable`: it ended by itself, and nothing came after it. */
  readonly onAnswerEnd: (reusable: boolean) => void;
}

/** Of a head, and of a body's trailers. */
export const HEAD_BYTES_MAX = 65_536;
/** Of what may follow a chunk's size on its line. */
const EXTENSION_BYTES_MAX = 4_096;
/** 13 digits are 52 bits: exact. */
const SIZE_DIGITS_MAX = 13;

const STOPPED = 0;
const HEAD = 1;
/** Content up to a length that was announced. */
const CONTENT = 2;
/** Content up to the connection's end. */
const TO_THE_END = 3;
const CHUNK_SIZE = 4;
const CHUNK_EXTENSION = 5;
const CHUNK_SIZE_LF = 6;
const CHUNK = 7;
const CHUNK_CR = 8;
const CHUNK_LF = 9;
const TRAILERS = 10;

const LINE_FEED = 10;
const RETURN = 13;
const SEMICOLON = 59;
const HEAD_END = Buffer.from("\r\n\r\n");
const BARE_LINE_FEED = /(?:^|[^\r])\n/;
const VERSION = "HTTP/1.";
const NO_DIGIT = 255;
const DIGITS = hexDigits();

/** Reads one answer after the other; `expect` announces each. However its bytes are cut, it tells the same. */
export class AnswerReader {
  readonly #sink: AnswerSink;
  #state = STOPPED;
  #bodyless = false;
  #keepsConnection = false;
  /** The beginning of a head or of trailers, until its end has come. */
  #held: Buffer | null = null;
  /** Bytes that are missing of the content or chunk. */
  #left = 0;
  #digits = 0;
  #extensionBytes = 0;
  #fault: string | null = null;

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  /** The next bytes answer a request; `bodyless`: a HEAD request. */
  expect(bodyless: boolean): void {
    this.#bodyless = bodyless;
    this.#held = null;
    this.#state = HEAD;
  }

  /** No further event, not even within a running `feed`. */
  stop(): void {
    this.#state = STOPPED;
    this.#held = null;
  }

  /** @returns null, or what breaks the protocol: after that the reader has stopped. */
  feed(chunk: Buffer): string | null {
    for (let at = 0; at < chunk.length && this.#state !== STOPPED;) at = this.#step(chunk, at);
    const fault = this.#fault;
    this.#fault = null;
    return fault;
  }

  /** The connection has ended. @returns whether no answer was cut short by that. */
  end(): boolean {
    if (this.#state === STOPPED) return true;
    if (this.#state !== TO_THE_END) return false;
    this.stop();
    this.#sink.onAnswerEnd(false);
    return true;
  }

  /** Each step returns where the next one goes on. */
  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case CONTENT:
      case CHUNK:
        return this.#content(chunk, at);
      case CHUNK_SIZE:
        return this.#chunkSize(chunk, at);
      case CHUNK_EXTENSION:
        return this.#chunkExtension(chunk, at);
      case CHUNK_SIZE_LF:
        return this.#sign(chunk[at] === LINE_FEED, this.#left > 0 ? CHUNK : TRAILERS, at);
      case CHUNK_CR:
        return this.#sign(chunk[at] === RETURN, CHUNK_LF, at);
      case CHUNK_LF:
        return this.#sign(chunk[at] === LINE_FEED, this.#beginChunk(), at);
      case TO_THE_END:
        this.#sink.onAnswerContent(view(chunk, at, chunk.length));
        return chunk.length;
      case HEAD:
        return this.#head(chunk, at);
      default:
        return this.#trailers(chunk, at);
    }
  }

  #head(chunk: Buffer, at: number): number {
    const { bytes, before } = this.#withHeld(chunk, at);
    const end = bytes.indexOf(HEAD_END);
    if (end < 0) return this.#hold(bytes, chunk.length, VERSION);
    if (end > HEAD_BYTES_MAX) return this.#broken("a head that is too large", chunk.length);
    const head = readHead(bytes.toString("latin1", 0, end + 2));
    if (typeof head === "string") return this.#broken(head, chunk.length);
    const next = at + end + HEAD_END.length - before;
    if (head.status === 101) return this.#broken("an unasked-for change of protocol", chunk.length);
    // Informational answers have no body, whatever they say; the real one follows.
    return head.status < 200 ? next : this.#begin(head, chunk, next);
  }

  #begin(head: AnswerHead, chunk: Buffer, next: number): number {
    const isEmpty = this.#bodyless || head.status === 204 || head.status === 304 || head.body === 0;
    this.#keepsConnection = head.keepsConnection;
    if (typeof head.body === "number") {
      this.#left = head.body;
      this.#state = CONTENT;
    } else {
      this.#state = head.body === "chunks" ? this.#beginChunk() : TO_THE_END;
    }
    this.#sink.onAnswerHead(head);
    return isEmpty ? this.#finish(chunk, next) : next;
  }

  #content(chunk: Buffer, at: number): number {
    const end = Math.min(at + this.#left, chunk.length);
    this.#left -= end - at;
    this.#sink.onAnswerContent(view(chunk, at, end));
    if (this.#left > 0) return end;
    if (this.#state === CONTENT) return this.#finish(chunk, end);
    if (this.#state === CHUNK) this.#state = CHUNK_CR;
    return end;
  }

  #beginChunk(): number {
    this.#left = 0;
    this.#digits = 0;
    this.#extensionBytes = 0;
    return CHUNK_SIZE;
  }

  #chunkSize(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      const digit = DIGITS[byte] ?? NO_DIGIT;
      if (digit === NO_DIGIT) {
        if (this.#digits === 0) return this.#broken("a chunk without a size", chunk.length);
        if (byte === SEMICOLON) return this.#sign(true, CHUNK_EXTENSION, at);
        return this.#sign(byte === RETURN, CHUNK_SIZE_LF, at);
      }
      this.#digits += 1;
      if (this.#digits > SIZE_DIGITS_MAX) return this.#broken("a huge chunk", chunk.length);
      this.#left = this.#left * 16 + digit;
    }
    return chunk.length;
  }

  #chunkExtension(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (byte === RETURN) return this.#sign(true, CHUNK_SIZE_LF, at);
      this.#extensionBytes += 1;
      const isTooLong = this.#extensionBytes > EXTENSION_BYTES_MAX;
      if (isTooLong || byte === LINE_FEED) {
        return this.#broken("a chunk extension that does not end", chunk.length);
      }
    }
    return chunk.length;
  }

  /** One byte of framing: as it must be, and on to `state`, or a fault. */
  #sign(isRight: boolean, state: number, at: number): number {
    if (!isRight) return this.#broken("a chunk without its line end", at);
    this.#state = state;
    return at + 1;
  }

  #trailers(chunk: Buffer, at: number): number {
    const { bytes, before } = this.#withHeld(chunk, at);
    if (bytes[0] === RETURN && bytes[1] === LINE_FEED) {
      return this.#finish(chunk, at + 2 - before);
    }
    const end = bytes.indexOf(HEAD_END);
    if (end < 0) return this.#hold(bytes, chunk.length, "");
    if (end > HEAD_BYTES_MAX) return this.#broken("trailers that are too large", chunk.length);
    const fields = readFields(bytes.toString("latin1", 0, end + 2), 0);
    if (typeof fields === "string") return this.#broken(fields, chunk.length);
    return this.#finish(chunk, at + end + HEAD_END.length - before);
  }

  /** What is held together with the chunk from `at` on; `before`: how much of it came earlier. */
  #withHeld(chunk: Buffer, at: number): { readonly bytes: Buffer; readonly before: number } {
    const held = this.#held;
    const fresh = view(chunk, at, chunk.length);
    if (held === null) return { bytes: fresh, before: 0 };
    this.#held = null;
    return { bytes: Buffer.concat([held, fresh]), before: held.length };
  }

  /** Waits for more of a head, unless what has come of it can be none already. */
  #hold(bytes: Buffer, next: number, beginning: string): number {
    const text = bytes.toString("latin1");
    const known = beginning.slice(0, text.length);
    if (!text.startsWith(known)) return this.#broken("no HTTP/1 status line", next);
    if (BARE_LINE_FEED.test(text)) return this.#broken("a bare line end", next);
    // All but the last byte of its end may be here.
    if (bytes.length - 3 > HEAD_BYTES_MAX) return this.#broken("a head that is too large", next);
    this.#held = bytes;
    return next;
  }

  #finish(chunk: Buffer, end: number): number {
    // The head's listener may have stopped it.
    if (this.#state === STOPPED) return chunk.length;
    this.stop();
    this.#sink.onAnswerEnd(this.#keepsConnection && end === chunk.length);
    return chunk.length;
  }

  #broken(fault: string, next: number): number {
    this.stop();
    this.#fault = fault;
    return next;
  }
}

function view(chunk: Buffer, from: number, to: number): Buffer {
  return from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to);
}

function hexDigits(): Uint8Array {
  const table = new Uint8Array(256).fill(NO_DIGIT);
  for (let digit = 0; digit < 16; digit++) {
    const character = digit.toString(16);
    table[character.charCodeAt(0)] = digit;
    table[character.toUpperCase().charCodeAt(0)] = digit;
  }
  return table;
}
