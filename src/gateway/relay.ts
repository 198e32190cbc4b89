/** Sends an attempt upstream and relays the answer as it comes, with back-pressure both ways. */
import type { BilledUsage } from "../core/usage.ts";
import type { UpstreamExchange, UpstreamFailure, UpstreamRequest } from "../providers/upstream.ts";
import { relayedHead } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./ports.ts";
import { readAnswer, type AnswerReader, type Reading } from "./reading.ts";

/** After a hang-up the final usage is waited for this long, then the upstream is cancelled. */
const USAGE_WAIT_MS = 10_000;
/** Statuses about our own credential: they must not reach a client. */
const CREDENTIAL_STATUSES = new Set([401, 403]);

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
  /** The head went to the client; false where the pipeline still has to answer. */
  readonly answered: boolean;
}

export interface RelayRequest {
  readonly kind: string;
  /** Headers of our own for the client. */
  readonly extraHeaders: Readonly<Record<string, string>>;
  /** The provider charges for the whole answer even if it is cancelled. */
  readonly billsToTheEnd: boolean;
  /** The client asked for a stream, whose start is told before its end. */
  readonly streamed: boolean;
  /** Called once, when a stream has told its exact input. */
  readonly onStarted: (billed: BilledUsage) => void;
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

/** The moving parts of one relay. */
class Relaying {
  readonly #exchange: Exchange;
  readonly #request: RelayRequest;
  readonly #gateway: Gateway;
  readonly #resolve: (relayed: Relayed) => void;
  readonly #sentMs: number;
  #upstream: UpstreamExchange | null = null;
  #status: number | null = null;
  #headers: Readonly<Record<string, string>> = {};
  #reader: AnswerReader | null = null;
  #clientGone = false;
  #isStarted = false;
  /** Runs while the client reads nothing and the upstream stands still. */
  #blocked: NodeJS.Timeout | null = null;
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
    this.#reader = readAnswer(status, headers);
    const date = Date.parse(headers["date"] ?? "");
    if (!Number.isNaN(date)) this.#gateway.ledgerClock.witness(date);
    if (CREDENTIAL_STATUSES.has(status) || this.#clientGone) return;
    const head = relayedHead(this.#exchange, headers, this.#request.extraHeaders);
    this.#exchange.response.writeHead(status, head);
    if (!this.#request.streamed) return;
    // A stream's first event may take minutes; its head tells the client that it was accepted.
    setImmediate(() => {
      if (!this.#ended && !this.#exchange.response.destroyed)
        this.#exchange.response.flushHeaders();
    });
  }

  #onData(chunk: Buffer): void {
    const { response } = this.#exchange;
    if (response.headersSent && !this.#clientGone) {
      this.#exchange.firstByteMs ??= this.#gateway.clock.monotonicMs();
      if (!response.write(chunk)) this.#pause();
    }
    this.#reader?.feed(chunk);
    if (this.#request.streamed && !this.#isStarted) this.#noteStart();
    if (this.#clientGone) this.#cancelWhenKnown();
  }

  #pause(): void {
    if (this.#blocked !== null) return;
    this.#upstream?.pause();
    const { idleMs } = this.#gateway.timeouts();
    // A client that reads nothing for so long holds money and a connection: it counts as gone.
    this.#blocked = setTimeout(() => this.#exchange.response.destroy(), idleMs);
  }

  #noteStart(): void {
    const reading = this.#reader?.reading();
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
    if (this.#request.billsToTheEnd) return;
    this.#cancelWhenKnown();
  };

  /** After a hang-up: read on to the start of the answer, then a moment for the final usage. */
  #cancelWhenKnown(): void {
    if (this.#request.billsToTheEnd || this.#ended) return;
    const reading = this.#reader?.reading();
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
    if (this.#giveUp !== null) clearTimeout(this.#giveUp);
    if (this.#blocked !== null) clearTimeout(this.#blocked);
    const { response } = this.#exchange;
    response.off("close", this.#onClose).off("drain", this.#onDrain);
    const answered = response.headersSent;
    if (answered && !this.#clientGone) {
      if (complete) response.end();
      // A cut answer must look cut to the client, which then repeats the request unstreamed.
      else response.destroy();
    }
    void this.#finish(failure, { complete, answered });
  }

  async #finish(
    failure: UpstreamFailure | null,
    end: { readonly complete: boolean; readonly answered: boolean },
  ): Promise<void> {
    const seconds = (this.#gateway.clock.monotonicMs() - this.#sentMs) / 1000;
    const reading = this.#reader === null ? NOTHING_READ : await this.#reader.finish();
    this.#resolve({
      status: this.#status,
      upstreamHeaders: this.#headers,
      failure,
      clientGone: this.#clientGone,
      reading,
      seconds,
      ...end,
    });
  }
}

const NOTHING_READ: Reading = {
  started: false,
  final: false,
  billed: null,
  contentBytes: 0,
  stopReason: null,
  error: null,
  refusedBeforeOutput: false,
};
