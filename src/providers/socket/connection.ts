/** One connection to an upstream: carries one exchange at a time, and tells its pool when it is free. */
import type { Socket } from "node:net";
import { systemClock } from "../../core/time.ts";
import type { UpstreamFailure } from "../upstream.ts";
import type { AnswerHead } from "./answer-head.ts";
import type { AnswerSink } from "./answer-reader.ts";
import { AnswerReader } from "./answer-reader.ts";
import type { Carrier, SocketExchange, WrittenRequest } from "./exchange.ts";
import { failureToConnect, failureUnderWay } from "./failure.ts";

/** Told of each change: a connection connects or not, is free, carries an exchange, and is gone. */
export interface ConnectionOwner {
  readonly onConnected: (connection: Connection) => void;
  readonly onNotConnected: (connection: Connection, failure: UpstreamFailure) => void;
  readonly onFree: (connection: Connection) => void;
  readonly onGone: (connection: Connection) => void;
}

export interface ConnectionOptions {
  readonly socket: Socket;
  /** TLS: the socket's word that all is written comes late, so it is not asked. */
  readonly isSecure: boolean;
  readonly connectTimeoutMs: number;
}

/**
 * An idle connection is dropped after this, unless the upstream announces its own time-out: below
 * every common server's (Node 5 s, load balancers 60 s), because a request that meets a connection
 * which is just being closed is lost and has to count as sent.
 */
const KEEP_ALIVE_MS = 4_000;
/** Less than what is announced: the announcement was some time under way. */
const KEEP_ALIVE_MARGIN_MS = 1_000;
/** However long is announced: what stands on the way forgets idle connections. */
const KEEP_ALIVE_MAX_MS = 60_000;

/** Bodies up to here are copied behind their head and written as one: cheaper than a list. */
const COPY_BYTES_MAX = 8_192;

export class Connection implements AnswerSink, Carrier {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #options: ConnectionOptions;
  readonly #reader = new AnswerReader(this);
  #exchange: SocketExchange | null = null;
  #isConnecting = true;
  #isGone = false;
  #headHasCome = false;
  /** The last byte of the request has left this process, or can no longer be held back. */
  #isSent = false;
  /** Since when it connects, is idle or waits for content. */
  #sinceMs: number;
  #keepAliveMs = KEEP_ALIVE_MS;
  #error: Error | null = null;

  constructor(options: ConnectionOptions, owner: ConnectionOwner) {
    this.#options = options;
    this.#owner = owner;
    this.#sinceMs = systemClock.monotonicMs();
    this.#socket = options.socket;
    this.#socket
      .on("data", (chunk: Buffer) => this.#onData(chunk))
      .on("end", () => this.#onEnd())
      .on("error", (error: Error) => (this.#error = error))
      .on("close", () => this.#onClose())
      .once(options.isSecure ? "secureConnect" : "connect", () => this.#onConnect());
  }

  /** Not known to be closed, and free for so long. */
  isUsable(nowMs: number, restMs: number): boolean {
    return nowMs - this.#sinceMs >= restMs && !this.#socket.destroyed;
  }

  /** Sends a request. The connection must be free. */
  carry(exchange: SocketExchange, written: WrittenRequest): void {
    this.#exchange = exchange;
    this.#headHasCome = false;
    this.#isSent = false;
    exchange.carrier = this;
    this.#reader.expect(exchange.isHeadRequest);
    this.#write(written);
  }

  /** Looks whether its time is over. */
  tick(nowMs: number): void {
    const exchange = this.#exchange;
    const waitedMs = nowMs - this.#sinceMs;
    if (this.#isConnecting) {
      if (waitedMs >= this.#options.connectTimeoutMs) this.#giveUp(CONNECT_TIMEOUT);
    } else if (exchange === null) {
      if (waitedMs >= this.#keepAliveMs) this.#leave();
    } else if (!this.#headHasCome) {
      if (nowMs - exchange.startedMs < exchange.firstByteTimeoutMs) return;
      this.#fail({
        kind: "first_byte_timeout",
        sent: this.#mayBeSent(),
        detail: "no head in time",
      });
    } else if (!exchange.isPaused && waitedMs >= exchange.idleTimeoutMs) {
      this.#fail({ kind: "idle_timeout", sent: this.#mayBeSent(), detail: "no data in time" });
    }
  }

  /** Cuts it; an exchange on it fails. @returns when the socket is closed. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#socket.once("close", () => resolve()));
    const { destroyed } = this.#socket;
    if (this.#exchange === null) this.#leave();
    else this.#fail({ kind: "reset", sent: this.#mayBeSent(), detail: "the client was closed" });
    return destroyed ? Promise.resolve() : closed;
  }

  pause(): void {
    // Its head is read in any case, or the wait for it would be nobody's.
    if (this.#headHasCome) this.#socket.pause();
  }

  resume(): void {
    this.#sinceMs = systemClock.monotonicMs();
    this.#socket.resume();
  }

  abandon(): void {
    this.#exchange = null;
    this.#leave();
  }

  onAnswerHead(head: AnswerHead): void {
    this.#headHasCome = true;
    this.#keepAliveMs =
      head.keepAliveMs === null
        ? KEEP_ALIVE_MS
        : Math.min(head.keepAliveMs - KEEP_ALIVE_MARGIN_MS, KEEP_ALIVE_MAX_MS);
    this.#exchange?.tellHead(head.status, head.headers);
    if (this.#exchange?.isPaused === true) this.#socket.pause();
  }

  onAnswerContent(chunk: Buffer): void {
    this.#exchange?.tellData(chunk);
  }

  onAnswerEnd(reusable: boolean): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    // An answer to a request that is still being written leaves a connection nobody can use.
    if (reusable && this.#isSent && this.#socket.writableLength === 0 && this.#keepAliveMs > 0) {
      if (exchange?.isPaused === true) this.#socket.resume();
      this.#sinceMs = systemClock.monotonicMs();
      this.#owner.onFree(this);
    } else {
      this.#leave();
    }
    exchange?.tellEnd();
  }

  #onConnect(): void {
    if (this.#isGone) return;
    this.#isConnecting = false;
    this.#sinceMs = systemClock.monotonicMs();
    this.#owner.onConnected(this);
  }

  #onData(chunk: Buffer): void {
    const exchange = this.#exchange;
    // What nobody asked for: the next answer could not be told from it.
    if (exchange === null) return this.#leave();
    this.#sinceMs = systemClock.monotonicMs();
    let fault: string | null;
    try {
      fault = this.#reader.feed(chunk);
    } catch (cause) {
      // A listener's. Where it had its last event already, nobody is left to be told.
      if (this.#exchange !== exchange) throw cause;
      fault = cause instanceof Error ? cause.message : String(cause);
    }
    if (fault !== null) this.#fail({ kind: "protocol", sent: this.#mayBeSent(), detail: fault });
  }

  #onEnd(): void {
    if (this.#isGone || this.#isConnecting) return;
    if (this.#exchange === null) this.#leave();
    else if (!this.#reader.end()) this.#fail(failureUnderWay(null, this.#mayBeSent()));
  }

  #onClose(): void {
    if (this.#isConnecting) this.#giveUp(failureToConnect(this.#error));
    else if (this.#exchange !== null) this.#fail(failureUnderWay(this.#error, this.#mayBeSent()));
    else this.#leave();
  }

  #fail(failure: UpstreamFailure): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#leave();
    exchange?.tellFailure(failure);
  }

  /** Who answers has something to answer to, even where it did not want all of it. */
  #mayBeSent(): boolean {
    return this.#isSent || this.#headHasCome;
  }

  #giveUp(failure: UpstreamFailure): void {
    this.#destroy();
    this.#owner.onNotConnected(this, failure);
  }

  #leave(): void {
    if (this.#isGone) return;
    this.#destroy();
    this.#owner.onGone(this);
  }

  #destroy(): void {
    this.#isGone = true;
    this.#isConnecting = false;
    this.#reader.stop();
    this.#socket.destroy();
  }

  #write(request: WrittenRequest): void {
    const { head, body, bodyBytes } = request;
    const socket = this.#socket;
    if (bodyBytes === 0) socket.write(head, "latin1", this.#onWritten);
    else if (bodyBytes <= COPY_BYTES_MAX) socket.write(joined(request), this.#onWritten);
    else if (this.#options.isSecure) return this.#writeInTwo(head, body);
    else this.#writeList(head, body, this.#onWritten);
    // Taken by the system at once, which the call back tells only later.
    const isTaken = socket.writableLength === 0 && socket.errored === null;
    if (isTaken || this.#options.isSecure) this.#isSent = true;
  }

  /** Over TLS it is uncertain what has left, so the last chunk is kept back till the others have. */
  #writeInTwo(head: string, body: readonly Buffer[]): void {
    const exchange = this.#exchange;
    const writeLast = (error?: Error | null): void => {
      if ((error !== undefined && error !== null) || this.#exchange !== exchange) return;
      this.#isSent = true;
      this.#socket.write(body.at(-1) ?? "");
    };
    this.#writeList(head, body.slice(0, -1), writeLast);
  }

  #writeList(head: string, body: readonly Buffer[], onWritten: (error?: Error | null) => void) {
    const socket = this.#socket;
    socket.cork();
    let next: string | Buffer = head;
    for (const chunk of body) {
      socket.write(next, "latin1");
      next = chunk;
    }
    socket.write(next, "latin1", onWritten);
    socket.uncork();
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (error === undefined || error === null) this.#isSent = true;
  };
}

const CONNECT_TIMEOUT: UpstreamFailure = {
  kind: "connect_timeout",
  sent: false,
  detail: "no connection in time",
};

function joined({ head, body, bodyBytes }: WrittenRequest): Buffer {
  const bytes = Buffer.allocUnsafe(head.length + bodyBytes);
  let at = bytes.write(head, "latin1");
  for (const chunk of body) at += chunk.copy(bytes, at);
  return bytes;
}
