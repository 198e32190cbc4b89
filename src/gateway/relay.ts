/** Sends an attempt upstream and relays its answer from the first content on, with back-pressure. */
import type { BilledUsage } from "../core/usage.ts";
import type { UpstreamExchange, UpstreamFailure, UpstreamRequest } from "../providers/upstream.ts";
import { NOTHING_READ, type Reading } from "../wire/answer.ts";
import type { AnswerPath } from "./answer-path.ts";
import type { ClientSide } from "./client-side.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./ports.ts";

/** After a hang-up the final usage is waited for this long, then the upstream is cancelled. */
const USAGE_WAIT_MS = 10_000;
/** What has not shown its content by then goes to the client as it is. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;
/** Whole answers up to here go out in one piece with their head. */
const WHOLE_BYTES_MAX = 16 * 1024;
const FIRST_REDIRECT = 300;
/** About our own credential: they must not reach a client. */
const CREDENTIAL_STATUSES = new Set([401, 403]);

/** Its framing ended as it should, its dialect did not. */
const UNFINISHED: UpstreamFailure = {
  kind: "protocol",
  sent: true,
  detail: "the answer ended before its own end",
};

/** How an attempt went. */
export interface Relayed {
  /** Upstream's; null where no head arrived. */
  readonly status: number | null;
  readonly upstreamHeaders: Readonly<Record<string, string>>;
  /** Null where it ended, or where we cancelled after a hang-up. */
  readonly failure: UpstreamFailure | null;
  /** The upstream's answer is complete. */
  readonly complete: boolean;
  readonly clientGone: boolean;
  readonly reading: Reading;
  /** From sending the request to its end. */
  readonly seconds: number;
  /** It went to the client; false where another attempt may take its place. */
  readonly answered: boolean;
  /** What was held back, for the client if nothing better comes. */
  readonly held: readonly Buffer[];
}

export interface RelayRequest {
  readonly kind: string;
  readonly client: ClientSide;
  /** How an answer with this head goes on; `out` takes what is for the client. */
  readonly pathOf: (
    status: number,
    headers: Readonly<Record<string, string>>,
    out: (bytes: Buffer) => void,
  ) => AnswerPath;
  /** The client's head for an answer that goes out. */
  readonly headOf: (headers: Readonly<Record<string, string>>) => Readonly<Record<string, string>>;
  /** Another attempt could take its place: nothing goes out before the answer's content. */
  readonly holds: boolean;
  /** The door sends no pings of its own. */
  readonly pings: boolean;
  /** The provider charges for the whole answer even if it is cancelled. */
  readonly billsToTheEnd: boolean;
  /** The client asked for a stream, whose start is told before its end. */
  readonly streamed: boolean;
  /** Whether a whole answer without fault is one: counts say less than messages. */
  readonly isServed: (reading: Reading) => boolean;
  /** Called once, when a stream has told its exact input. */
  readonly onStarted: (billed: BilledUsage) => void;
  /** Called once, when the answer goes out and no other attempt can follow. */
  readonly onServing: (headSeconds: number | null) => void;
}

/** One attempt from its first byte upstream to its last byte, or to why it has none. Never throws. */
export function relay(
  exchange: Exchange,
  upstream: UpstreamRequest,
  request: RelayRequest,
  gateway: Gateway,
): Promise<Relayed> {
  const { promise, resolve } = Promise.withResolvers<Relayed>();
  new Relaying(exchange, request, gateway, resolve).start(upstream);
  return promise;
}

/** The last one that an upstream told. */
let lastDate = { text: new Date(0).toUTCString(), timeMs: 0 };

/** The moving parts of one relay. */
class Relaying {
  readonly #exchange: Exchange;
  readonly #request: RelayRequest;
  readonly #client: ClientSide;
  readonly #gateway: Gateway;
  readonly #resolve: (relayed: Relayed) => void;
  readonly #sentMs: number;
  #headMs: number | null = null;
  #upstream: UpstreamExchange | null = null;
  #status: number | null = null;
  #headers: Readonly<Record<string, string>> = {};
  #path: AnswerPath | null = null;
  /** Null once the answer goes out. */
  #held: Buffer[] | null = [];
  #heldBytes = 0;
  #clientGone = false;
  #isStarted = false;
  /** Runs while the client reads nothing and the upstream stands still. */
  #blocked: NodeJS.Timeout | null = null;
  /** Runs from the head until the answer goes out. */
  #unshown: NodeJS.Timeout | null = null;
  #ended = false;
  #giveUp: NodeJS.Timeout | null = null;

  constructor(
    exchange: Exchange,
    request: RelayRequest,
    gateway: Gateway,
    resolve: (relayed: Relayed) => void,
  ) {
    this.#exchange = exchange;
    this.#request = request;
    this.#client = request.client;
    this.#gateway = gateway;
    this.#resolve = resolve;
    this.#sentMs = gateway.clock.monotonicMs();
  }

  /** Does not keep `upstream`, which holds the body. */
  start(upstream: UpstreamRequest): void {
    const { response } = this.#exchange;
    response.once("close", this.#onClose);
    response.on("drain", this.#onDrain);
    this.#upstream = this.#gateway.upstream(this.#request.kind).send(upstream, {
      onHead: (status, headers) => this.#onHead(status, headers),
      onData: (chunk) => this.#onData(chunk),
      onEnd: () => this.#end(null, true),
      onFailure: (failure) => this.#end(failure, false),
    });
    if (response.destroyed) this.#onClose();
  }

  #onHead(status: number, headers: Readonly<Record<string, string>>): void {
    this.#status = status;
    this.#headers = headers;
    this.#headMs = this.#gateway.clock.monotonicMs();
    // Most answers have shown their content by then, and need no timer.
    process.nextTick(() => this.#boundUnshown());
    this.#path = this.#request.pathOf(status, headers, this.#out);
    this.#witness(headers["date"] ?? "");
    if (!this.#request.holds && !CREDENTIAL_STATUSES.has(status)) this.#serveHead();
  }

  #witness(date: string): void {
    // Many answers a second say the same.
    if (date === lastDate.text) return this.#gateway.ledgerClock.witness(lastDate.timeMs);
    const timeMs = Date.parse(date);
    if (Number.isNaN(timeMs)) return;
    lastDate = { text: date, timeMs };
    this.#gateway.ledgerClock.witness(timeMs);
  }

  /** A stream's first event may take minutes; its head tells the client that it was accepted. */
  #serveHead(): void {
    this.#serve();
    if (!this.#request.streamed) return;
    setImmediate(() => {
      const { response } = this.#exchange;
      if (!this.#ended && !response.destroyed) response.flushHeaders();
    });
  }

  #onData(chunk: Buffer): void {
    try {
      this.#take(chunk);
    } catch (error) {
      // What an upstream sends must not end more than its own attempt.
      const detail = error instanceof Error ? error.message : String(error);
      this.#gateway.log.error("an answer could not be read", {
        request: this.#exchange.id,
        detail,
      });
      this.#upstream?.cancel();
      this.#end({ kind: "protocol", sent: true, detail }, false);
    }
  }

  #take(chunk: Buffer): void {
    const path = this.#path;
    path?.feed(chunk);
    if (this.#held !== null && path !== null) this.#serveWhenShown(path);
    if (this.#request.streamed && !this.#isStarted) this.#noteStart();
    if (this.#clientGone) this.#cancelWhenKnown();
  }

  readonly #out = (bytes: Buffer): void => {
    if (this.#held !== null) {
      this.#held.push(bytes);
      this.#heldBytes += bytes.length;
    } else if (!this.#clientGone) this.#write(bytes);
  };

  #write(bytes: Buffer): void {
    this.#exchange.firstByteMs ??= this.#gateway.clock.monotonicMs();
    if (!this.#client.write(bytes)) this.#pause();
  }

  /** A stream goes out with its first content; a whole answer at its end. */
  #serveWhenShown(path: AnswerPath): void {
    if (this.#status === null || this.#status >= FIRST_REDIRECT) {
      if (this.#heldBytes > HELD_BYTES_MAX) this.#serve();
      return;
    }
    if (this.#heldBytes > HELD_BYTES_MAX) return this.#serve();
    if (!this.#request.streamed) return;
    if (path.isDelayed) return this.#serve();
    const { contentBytes, error } = path.reading();
    if (contentBytes > 0 && error === null) this.#serve();
  }

  /** Pings and drops of an answer keep a connection alive for ever. */
  #boundUnshown(): void {
    if (this.#ended || this.#held === null) return;
    this.#unshown = setTimeout(() => this.#giveUpUnshown(), this.#gateway.timeouts().firstByteMs);
  }

  /** Another target may do better than one that has shown nothing for so long. */
  #giveUpUnshown(): void {
    this.#upstream?.cancel();
    const detail = "no content within the time-out for the first byte";
    this.#end({ kind: "first_byte_timeout", sent: true, detail }, false);
  }

  /** `isAll`: nothing follows what is held. */
  #serve(isAll = false): void {
    this.#clearUnshown();
    const held = this.#held ?? [];
    this.#held = null;
    this.#request.onServing(this.#headSeconds());
    if (this.#clientGone) return;
    const isEvents = this.#request.pings && this.#request.streamed;
    this.#client.begin(this.#status ?? 0, this.#request.headOf(this.#headers), isEvents);
    if (isAll && this.#heldBytes > 0 && this.#heldBytes <= WHOLE_BYTES_MAX) {
      this.#exchange.firstByteMs ??= this.#gateway.clock.monotonicMs();
      this.#client.writeWhole(held);
    } else for (const bytes of held) this.#write(bytes);
  }

  #pause(): void {
    if (this.#blocked !== null) return;
    this.#upstream?.pause();
    const { idleMs } = this.#gateway.timeouts();
    // A client that reads nothing for so long holds money and a connection: it counts as gone.
    this.#blocked = setTimeout(() => this.#exchange.response.destroy(), idleMs);
  }

  #noteStart(): void {
    const reading = this.#path?.reading();
    if (reading?.started !== true || reading.billed === null) return;
    this.#isStarted = true;
    this.#request.onStarted(reading.billed);
  }

  readonly #onDrain = (): void => {
    if (this.#blocked === null) return;
    clearTimeout(this.#blocked);
    this.#blocked = null;
    this.#upstream?.resume();
  };

  readonly #onClose = (): void => {
    if (this.#ended || this.#exchange.response.writableFinished) return;
    this.#clientGone = true;
    this.#onDrain();
    if (this.#gateway.cutOff()) {
      this.#cancel();
      return;
    }
    if (this.#request.billsToTheEnd) {
      // One that never ends must not hold its money for ever.
      const { firstByteMs } = this.#gateway.timeouts();
      this.#giveUp ??= setTimeout(() => this.#cancel(), firstByteMs);
    } else this.#cancelWhenKnown();
  };

  /** After a hang-up: read on to the start of the answer, then a moment for the final usage. */
  #cancelWhenKnown(): void {
    if (this.#request.billsToTheEnd || this.#ended) return;
    const reading = this.#path?.reading();
    if (reading?.final === true) return this.#cancel();
    // A whole answer has no start to wait for: its moment runs from the hang-up.
    if (this.#request.streamed && reading?.started !== true && this.#status === null) return;
    this.#giveUp ??= setTimeout(() => this.#cancel(), USAGE_WAIT_MS);
  }

  #cancel(): void {
    this.#upstream?.cancel();
    this.#end(null, false);
  }

  #end(failure: UpstreamFailure | null, complete: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#clearUnshown();
    if (this.#giveUp !== null) clearTimeout(this.#giveUp);
    if (this.#blocked !== null) clearTimeout(this.#blocked);
    void this.#finish(failure, complete);
  }

  async #finish(failure: UpstreamFailure | null, complete: boolean): Promise<void> {
    const endMs = this.#gateway.clock.monotonicMs();
    const reading = this.#path === null ? NOTHING_READ : await this.#path.finish(complete);
    const isWhole = complete && this.#path?.isWhole() !== false;
    if (isWhole && this.#held !== null && this.#isServed(reading)) this.#serve(true);
    // An error event has told the client already; a cut could lose it on the way.
    this.#close(isWhole || (complete && reading.error !== null));
    const isBroken = complete && !isWhole && reading.error === null;
    this.#resolve({
      status: this.#status,
      upstreamHeaders: this.#headers,
      failure: isBroken ? UNFINISHED : failure,
      complete: complete && !isBroken,
      clientGone: this.#clientGone,
      reading,
      seconds: (endMs - this.#sentMs) / 1000,
      answered: this.#held === null,
      held: this.#held ?? [],
    });
  }

  /** Ends what has gone out to the client; `properly`: it is all that there is. */
  #close(properly: boolean): void {
    const { response } = this.#exchange;
    response.off("close", this.#onClose).off("drain", this.#onDrain);
    if (this.#held !== null || this.#clientGone || response.destroyed) return;
    if (properly) this.#client.end();
    else this.#client.cut();
  }

  #clearUnshown(): void {
    if (this.#unshown !== null) clearTimeout(this.#unshown);
    this.#unshown = null;
  }

  #headSeconds(): number | null {
    return this.#headMs === null ? null : (this.#headMs - this.#sentMs) / 1000;
  }

  #isServed(reading: Reading): boolean {
    if (this.#status === null || this.#status >= FIRST_REDIRECT) return false;
    return reading.error === null && this.#request.isServed(reading);
  }
}
