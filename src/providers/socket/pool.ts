/** The connections to one origin: the last one used first, a bound on their number, and a queue behind it. */
import type { UpstreamFailure } from "../upstream.ts";
import { Connection } from "./connection.ts";
import type { ConnectionOwner } from "./connection.ts";
import type { Carrier, SocketExchange } from "./exchange.ts";
import { failureToConnect } from "./failure.ts";
import type { Origin } from "./origin.ts";

/** Some upstreams close behind an answer unannounced; that is read in the event loop's next turn. */
const REST_MS = 1;

export interface PoolOptions {
  readonly origin: Origin;
  readonly connectTimeoutMs: number;
  readonly maxConnections: number;
}

export class Pool implements ConnectionOwner, Carrier {
  readonly origin: Origin;
  readonly #options: PoolOptions;
  readonly #connections = new Set<Connection>();
  /** A stack: what is used least falls idle and is dropped. */
  readonly #free: Connection[] = [];
  /** In order of arrival; empty while there is a free connection. */
  readonly #waiting: SocketExchange[] = [];
  #connecting = 0;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.origin = options.origin;
    this.#options = options;
  }

  send(exchange: SocketExchange): void {
    const free = this.#takeFree(exchange.startedMs);
    if (free !== null) return this.#start(free, exchange);
    exchange.carrier = this;
    this.#waiting.push(exchange);
    this.#connect();
  }

  /** Looks for time-outs. @returns whether there is anything left that may have one. */
  tick(nowMs: number): boolean {
    for (const connection of this.#connections) connection.tick(nowMs);
    const isLate = (one: SocketExchange) => nowMs - one.startedMs >= one.firstByteTimeoutMs;
    if (this.#waiting.some(isLate)) {
      for (const late of this.#waiting.filter(isLate)) {
        this.abandon(late);
        late.tellFailure(NO_CONNECTION);
      }
    }
    return this.#connections.size > 0 || this.#waiting.length > 0;
  }

  /** Fails what runs and what waits; for good. */
  async close(failure: UpstreamFailure): Promise<void> {
    this.#isClosed = true;
    const waiting = this.#waiting.splice(0);
    const closed = [...this.#connections].map((connection) => connection.close());
    for (const exchange of waiting) exchange.tellFailure(failure);
    await Promise.all(closed);
  }

  /** What waits for a connection reads nothing yet. */
  pause(): void {}

  resume(): void {}

  abandon(exchange: SocketExchange): void {
    const index = this.#waiting.indexOf(exchange);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  onConnected(connection: Connection): void {
    this.#connecting -= 1;
    this.onFree(connection);
  }

  onFree(connection: Connection): void {
    const exchange = this.#waiting.shift();
    if (exchange === undefined) this.#free.push(connection);
    else this.#start(connection, exchange);
  }

  onGone(connection: Connection): void {
    this.#connections.delete(connection);
    const index = this.#free.indexOf(connection);
    if (index >= 0) this.#free.splice(index, 1);
    this.#connect();
  }

  onNotConnected(connection: Connection, failure: UpstreamFailure): void {
    this.#connections.delete(connection);
    this.#connecting -= 1;
    this.#failFirst(failure);
  }

  /** One failed attempt is one exchange's failure; those behind it get attempts of their own. */
  #failFirst(failure: UpstreamFailure): void {
    const exchange = this.#waiting.shift();
    this.#connect();
    exchange?.tellFailure(failure);
  }

  /** The last one that came free, or the first one where the last has only just; null: open another. */
  #takeFree(nowMs: number): Connection | null {
    const last = this.#free.at(-1);
    if (last === undefined) return null;
    const restMs = this.#connections.size < this.#options.maxConnections ? REST_MS : 0;
    if (last.isUsable(nowMs, restMs)) return this.#free.pop() ?? null;
    return this.#free[0]?.isUsable(nowMs, restMs) === true ? (this.#free.shift() ?? null) : null;
  }

  #start(connection: Connection, exchange: SocketExchange): void {
    const { written } = exchange;
    // A long answer need not hold its question.
    exchange.written = null;
    if (written !== null) connection.carry(exchange, written);
  }

  /** Opens connections for all that wait, as far as there may be more. */
  #connect(): void {
    const { origin, connectTimeoutMs, maxConnections } = this.#options;
    if (this.#isClosed) return;
    while (this.#connecting < this.#waiting.length && this.#connections.size < maxConnections) {
      const { isSecure } = origin;
      try {
        const socket = origin.connect();
        this.#connections.add(new Connection({ socket, isSecure, connectTimeoutMs }, this));
        this.#connecting += 1;
      } catch (cause) {
        const error = cause instanceof Error ? cause : new Error(String(cause));
        queueMicrotask(() => this.#failFirst(failureToConnect(error)));
        return;
      }
    }
  }
}

const NO_CONNECTION: UpstreamFailure = {
  kind: "first_byte_timeout",
  sent: false,
  detail: "no connection in time",
};
