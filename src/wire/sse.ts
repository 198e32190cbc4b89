/** Picks single events out of a stream of server-sent events that is cut into chunks anywhere. */

/** Data of one event that is kept; what is longer counts as unreadable. */
export const EVENT_DATA_MAX_BYTES = 1024 * 1024;

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const EVENT_FIELD = Buffer.from("event:");
const DATA_FIELD = Buffer.from("data:");
/** Names that anybody waits for are shorter; the rest of a longer one is dropped. */
const NAME_MAX_BYTES = 64;
const BYTE_ORDER_MARK = "\u00ef\u00bb\u00bf";

/** What to do with an event: decided by its name alone, before its data is read. */
export type EventUse = "read" | "count";

export interface SseEvents {
  /** By the event's name; what is not listed is skipped. */
  readonly uses: ReadonlyMap<string, EventUse>;
  /** A "read" event is complete; `data` is null where it was over `EVENT_DATA_MAX_BYTES`. */
  readonly onEvent: (name: string, data: string | null) => void;
  /** Bytes of a "count" event's data, line ends excluded, as they come. */
  readonly onBytes: (bytes: number) => void;
}

export interface SseScanner {
  /** Takes the next chunk of the stream, cut anywhere. The chunk is not kept. */
  readonly feed: (chunk: Buffer) => void;
}

interface KnownEvent {
  readonly name: string;
  readonly use: EventUse;
  readonly bytes: Buffer;
}

/** Which part of its line comes next: the field's name, a value of use, or nothing of use. */
type Part = "field" | "name" | "data" | "rest";

/**
 * A scanner of one stream (WHATWG HTML, section 9.2): LF, CR and CRLF end lines, several data lines make
 * one event, a byte order mark may come first, comments and unknown fields pass. Data before its event's
 * name is skipped: the Messages API never sends it.
 */
export function createSseScanner(events: SseEvents): SseScanner {
  return new StreamScanner(events);
}

class StreamScanner implements SseScanner {
  readonly #events: SseEvents;
  readonly #known: readonly KnownEvent[];
  #part: Part = "field";
  /** The line's field as far as it has come, one character a byte. */
  #field = "";
  /** A colon has passed: one space after it is no part of the value. */
  #isValueStart = false;
  #name = "";
  #use: EventUse | null = null;
  #data: Buffer[] = [];
  #text: string | null = null;
  #dataBytes = 0;
  #isAfterCr = false;
  #isFirstLine = true;

  constructor(events: SseEvents) {
    this.#events = events;
    this.#known = knownOf(events.uses);
  }

  feed(chunk: Buffer): void {
    if (chunk.length === 0) return;
    let at = this.#isAfterCr && chunk[0] === LF ? 1 : 0;
    this.#isAfterCr = false;
    let lf = chunk.indexOf(LF, at);
    let cr = chunk.indexOf(CR, at);
    while (at < chunk.length) {
      at = this.#takeQuickLines(chunk, at);
      if (at === chunk.length) return;
      if (lf !== -1 && lf < at) lf = chunk.indexOf(LF, at);
      const end = earlier(lf, cr);
      this.#take(chunk, at, end === -1 ? chunk.length : end);
      if (end === -1) return;
      this.#endLine();
      at = end + 1;
      if (end === cr) {
        this.#isAfterCr = at === chunk.length;
        if (chunk[at] === LF) at += 1;
        cr = chunk.indexOf(CR, at);
      }
    }
  }

  /** The short way for lines that nearly every event has whole: empty ones, and names that are known. */
  #takeQuickLines(chunk: Buffer, from: number): number {
    if (this.#part !== "field" || this.#field !== "") return from;
    let at = from;
    if (chunk[at] === LF) {
      this.#endLine();
      at += 1;
    }
    if (!hasBytes(chunk, at, EVENT_FIELD)) return at;
    const valueAt = at + EVENT_FIELD.length;
    const nameAt = chunk[valueAt] === SPACE ? valueAt + 1 : valueAt;
    for (const { name, use, bytes } of this.#known) {
      const end = nameAt + bytes.length;
      if (chunk[end] === LF && hasBytes(chunk, nameAt, bytes)) {
        this.#isFirstLine = false;
        this.#name = name;
        this.#use = use;
        return end + 1;
      }
    }
    return at;
  }

  /** Takes bytes of the current line, its end excluded. */
  #take(chunk: Buffer, from: number, end: number): void {
    let at = from;
    if (this.#part === "field") at = this.#takeField(chunk, from, end);
    if (at >= end || this.#part === "rest") return;
    if (this.#isValueStart) {
      this.#isValueStart = false;
      if (chunk[at] === SPACE) at += 1;
    }
    if (this.#part === "name") {
      const room = NAME_MAX_BYTES - this.#name.length;
      this.#name += chunk.toString("latin1", at, Math.min(end, at + room));
    } else if (this.#part === "data") this.#takeData(chunk, at, end);
  }

  #takeField(chunk: Buffer, from: number, end: number): number {
    if (this.#field === "" && hasBytes(chunk, from, DATA_FIELD)) {
      this.#startData();
      return from + DATA_FIELD.length;
    }
    const stop = Math.min(end, from + EVENT_FIELD.length - this.#field.length);
    this.#field += chunk.toString("latin1", from, stop);
    if (this.#isFirstLine && this.#field.startsWith(BYTE_ORDER_MARK)) {
      this.#isFirstLine = false;
      this.#field = this.#field.slice(BYTE_ORDER_MARK.length);
      return this.#takeField(chunk, stop, end);
    }
    if (this.#field.startsWith("data:")) {
      this.#startData();
      // A sixth byte belongs to the value already.
      return stop - (this.#field.length - DATA_FIELD.length);
    }
    if (this.#field === "event:") {
      this.#part = "name";
      this.#name = "";
      this.#isValueStart = true;
    } else if (this.#field.length === EVENT_FIELD.length) this.#part = "rest";
    return stop;
  }

  #startData(): void {
    this.#part = this.#use === null ? "rest" : "data";
    this.#isValueStart = true;
    if (this.#use === "read" && this.#dataBytes > 0) {
      this.#unfold();
      this.#keep(Buffer.from("\n"));
    }
  }

  #takeData(chunk: Buffer, from: number, end: number): void {
    if (this.#use === "count") this.#events.onBytes(end - from);
    // A copy: the socket may use its buffer again.
    else if (
      end < chunk.length &&
      this.#data.length === 0 &&
      this.#text === null &&
      end - from <= EVENT_DATA_MAX_BYTES
    ) {
      this.#text = chunk.toString("utf8", from, end);
      this.#dataBytes = end - from;
    } else {
      this.#unfold();
      this.#keep(Buffer.from(chunk.subarray(from, end)));
    }
  }

  /** A second line of data: the first becomes bytes again. */
  #unfold(): void {
    if (this.#text === null) return;
    this.#data.push(Buffer.from(this.#text));
    this.#text = null;
  }

  #keep(bytes: Buffer): void {
    this.#dataBytes += bytes.length;
    if (this.#dataBytes <= EVENT_DATA_MAX_BYTES) this.#data.push(bytes);
    else this.#data = [];
  }

  #endLine(): void {
    this.#isFirstLine = false;
    if (this.#part === "field" && this.#field === "") this.#endEvent();
    else if (this.#part === "name") this.#use = this.#events.uses.get(this.#name) ?? null;
    this.#part = "field";
    this.#field = "";
    this.#isValueStart = false;
  }

  #endEvent(): void {
    if (this.#use === "read" && this.#dataBytes > 0) {
      const isWhole = this.#dataBytes <= EVENT_DATA_MAX_BYTES;
      const text = this.#text ?? (isWhole ? Buffer.concat(this.#data).toString("utf8") : null);
      this.#events.onEvent(this.#name, text);
    }
    this.#name = "";
    this.#use = null;
    if (this.#data.length > 0) this.#data = [];
    this.#text = null;
    this.#dataBytes = 0;
  }
}

const knownByUses = new WeakMap<object, readonly KnownEvent[]>();

/** The names as bytes, made once for each table of them. */
function knownOf(uses: ReadonlyMap<string, EventUse>): readonly KnownEvent[] {
  let known = knownByUses.get(uses);
  if (known === undefined) {
    known = [...uses].map(([name, use]) => ({ name, use, bytes: Buffer.from(name) }));
    knownByUses.set(uses, known);
  }
  return known;
}

/** True where `bytes` stand whole at `at`. */
function hasBytes(chunk: Buffer, at: number, bytes: Buffer): boolean {
  for (let index = 0; index < bytes.length; index++) {
    if (chunk[at + index] !== bytes[index]) return false;
  }
  return true;
}

/** The smaller of two positions, of which −1 means none. */
function earlier(left: number, right: number): number {
  if (left === -1 || right === -1) return Math.max(left, right);
  return Math.min(left, right);
}
