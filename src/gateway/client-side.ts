/** The client's side of one exchange: held back until there is something to show, then kept alive. */
import type { ServerResponse } from "node:http";
import type { UpstreamFault } from "../wire/answer.ts";
import type { Exchange } from "./exchange.ts";
import { ownHead } from "./answer.ts";

/** A streamed request learns after this long that it was accepted, whatever is tried upstream. */
const PATIENCE_MS = 10_000;
/** The client ends a stream that is silent for minutes. */
const PING_EVERY_MS = 15_000;
const PING = 'event: ping\ndata: {"type": "ping"}\n\n';

/**
 * Between requests and attempts: the head goes out with the first content of the attempt that serves, so
 * that another attempt may come before. A stream that waits long gets its head and pings at once; from
 * then on a failure can only be told as an event.
 */
export class ClientSide {
  readonly #exchange: Exchange;
  readonly #response: ServerResponse;
  #isBegun = false;
  #isAccepted = false;
  #patience: NodeJS.Timeout | null = null;
  #pings: NodeJS.Timeout | null = null;
  #hasWritten = false;
  #whole: string | null = null;

  /** `streamed`: the client asked for a stream. */
  constructor(exchange: Exchange, streamed: boolean) {
    this.#exchange = exchange;
    this.#response = exchange.response;
    if (streamed) this.#patience = setTimeout(() => this.#accept(), PATIENCE_MS);
  }

  /** The client hung up. */
  get isGone(): boolean {
    return this.#response.destroyed;
  }

  /** An attempt's answer is on its way to the client: no other can take its place. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** The head of a stream is out, and nothing else: errors have to be events. */
  get isAccepted(): boolean {
    return this.#isAccepted;
  }

  /** The serving attempt's head. `pings`: its door sends none, and its writes are whole events. */
  begin(status: number, head: Readonly<Record<string, string>>, pings: boolean): void {
    this.#isBegun = true;
    this.#stopWaiting();
    if (!this.#isAccepted) this.#response.writeHead(status, head);
    if (pings) this.#startPings();
  }

  /** False: the client is slow; wait for its `drain`. */
  write(chunk: Buffer): boolean {
    this.#hasWritten = true;
    return this.#response.write(chunk);
  }

  /** All of a small answer, which `end` sends: node:http makes one piece of a text and its head. */
  writeWhole(chunks: readonly Buffer[]): void {
    const [first] = chunks;
    const whole = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
    // Every byte is one character of Latin-1, and goes out as that byte.
    this.#whole = whole.toString("latin1");
  }

  /** The answer is complete. */
  end(): void {
    this.#stopPings();
    if (this.#whole === null) this.#response.end();
    else this.#response.end(this.#whole, "latin1");
  }

  /** A cut answer must look cut to the client, which then repeats the request unstreamed. */
  cut(): void {
    this.#stopPings();
    this.#response.destroy();
  }

  /** Ends an accepted stream with an error event. */
  endWithFault({ type, message }: UpstreamFault): void {
    const error = { type: "error", error: { type, message }, request_id: this.#exchange.id };
    this.#response.write(`event: error\ndata: ${JSON.stringify(error)}\n\n`);
    this.end();
  }

  /** Nothing more is written through this object. */
  release(): void {
    this.#stopWaiting();
    this.#stopPings();
  }

  #accept(): void {
    if (this.#isBegun || this.isGone || this.#response.headersSent) return;
    this.#isAccepted = true;
    this.#response.writeHead(200, {
      ...ownHead(this.#exchange),
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
    });
    this.#response.write(PING);
    this.#startPings();
  }

  #startPings(): void {
    this.#pings ??= setInterval(() => {
      if (!this.#hasWritten && !this.isGone) this.#response.write(PING);
      this.#hasWritten = false;
    }, PING_EVERY_MS);
  }

  #stopWaiting(): void {
    if (this.#patience !== null) clearTimeout(this.#patience);
    this.#patience = null;
    if (!this.#isBegun || this.#pings === null) return;
    // Pings of the waiting time end where the door sends its own.
    this.#stopPings();
  }

  #stopPings(): void {
    if (this.#pings !== null) clearInterval(this.#pings);
    this.#pings = null;
  }
}
