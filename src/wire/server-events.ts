/** Reads a stream of server-sent events whole: every event's name and data, cut into chunks anywhere. */
import { StringDecoder } from "node:string_decoder";

/** One event; `name` is null where it has none, as in the dialects of OpenAI and Google. */
export type OnServerEvent = (name: string | null, data: string) => void;

export interface ServerEventReader {
  /** Takes the next chunk. @throws EventTooLarge where one event is over `EVENT_MAX_CHARACTERS`. */
  readonly feed: (chunk: Buffer) => void;
  /** The stream is over: an event that lacks its closing blank line counts all the same. */
  readonly end: () => void;
}

export const EVENT_MAX_CHARACTERS = 32 * 1024 * 1024;

export class EventTooLarge extends Error {
  constructor() {
    super(`one event of the stream is over ${EVENT_MAX_CHARACTERS} characters`);
  }
}

/** A reader of one stream (WHATWG HTML, section 9.2). Events without data are skipped. */
export function createServerEventReader(onEvent: OnServerEvent): ServerEventReader {
  return new EventReader(onEvent);
}

class EventReader implements ServerEventReader {
  readonly #onEvent: OnServerEvent;
  readonly #decoder = new StringDecoder("utf8");
  /** The start of a line whose end has not come. */
  #rest = "";
  #name: string | null = null;
  #data: string | null = null;
  #isFirst = true;

  constructor(onEvent: OnServerEvent) {
    this.#onEvent = onEvent;
  }

  feed(chunk: Buffer): void {
    let text = this.#rest + this.#decoder.write(chunk);
    if (this.#isFirst && text !== "") {
      this.#isFirst = false;
      if (text.startsWith("\ufeff")) text = text.slice(1);
    }
    this.#rest = "";
    let from = 0;
    for (;;) {
      const end = lineEnd(text, from);
      if (end === null) break;
      this.#line(text.slice(from, end.at));
      from = end.next;
    }
    this.#rest = from === 0 ? text : text.slice(from);
    if (this.#rest.length + (this.#data?.length ?? 0) > EVENT_MAX_CHARACTERS)
      throw new EventTooLarge();
  }

  end(): void {
    const text = this.#rest + this.#decoder.end();
    this.#rest = "";
    if (text !== "") this.#line(text.endsWith("\r") ? text.slice(0, -1) : text);
    this.#line("");
  }

  #line(line: string): void {
    if (line === "") {
      const name = this.#name;
      const data = this.#data;
      this.#name = null;
      this.#data = null;
      if (data !== null) this.#onEvent(name, data);
      return;
    }
    if (line.startsWith("data:")) {
      const value = valueAfter(line, 5);
      this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
    } else if (line.startsWith("event:")) this.#name = valueAfter(line, 6);
  }
}

function valueAfter(line: string, colonEnd: number): string {
  return line.slice(line[colonEnd] === " " ? colonEnd + 1 : colonEnd);
}

/** Where the line that begins at `from` ends; null where its end has not come, or may be half a CRLF. */
function lineEnd(
  text: string,
  from: number,
): { readonly at: number; readonly next: number } | null {
  const lf = text.indexOf("\n", from);
  const cr = text.indexOf("\r", from);
  if (cr !== -1 && (lf === -1 || cr < lf)) {
    if (cr === text.length - 1) return null;
    return { at: cr, next: text[cr + 1] === "\n" ? cr + 2 : cr + 1 };
  }
  return lf === -1 ? null : { at: lf, next: lf + 1 };
}
