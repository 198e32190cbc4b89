/** The upstream client on Node's sockets: one pool an origin, one timer for all time-outs. */
import { createSecureContext } from "node:tls";
import type { SecureContext } from "node:tls";
import { systemClock } from "../../core/time.ts";
import { guardedLookup, systemResolve } from "../network/guard.ts";
import type { Resolve } from "../network/guard.ts";
import { trustWith } from "../trust.ts";
import type {
  UpstreamClient,
  UpstreamEvents,
  UpstreamExchange,
  UpstreamFailure,
  UpstreamRequest,
} from "../upstream.ts";
import { SocketExchange } from "./exchange.ts";
import type { WrittenRequest } from "./exchange.ts";
import { originOf } from "./origin.ts";
import { Pool } from "./pool.ts";
import { requestHead } from "./request-head.ts";
import { Ticker } from "./ticker.ts";

export interface SocketClientOptions {
  readonly connectTimeoutMs: number;
  /** Certificates that are trusted besides the default ones; null: none. */
  readonly caPem: string | null;
  /** Further requests wait in order for a connection, within their first-byte time-out. */
  readonly maxConnectionsPerOrigin: number;
  /** The system's where left out. */
  readonly resolve?: Resolve;
}

/**
 * Makes the client that providers are reached with directly: HTTP/1.1, one request at a time a
 * connection, no retries, no redirects, no proxy. Where a name leads is checked (`network/guard.ts`)
 * at each connection. Informational answers are passed over. Content is
 * handed on as views of what was read. While paused, bytes that have arrived already may still be
 * delivered. Time-outs are late by up to 25 ms, never early.
 *
 * @returns a client whose `close` drops every connection; open exchanges fail with "reset".
 * @throws Error where `caPem` cannot be read.
 */
export function createSocketClient(options: SocketClientOptions): UpstreamClient {
  const client = new SocketClient(options);
  return {
    send: (request, events) => client.send(request, events),
    close: () => client.close(),
  };
}

/** By the origin's text, which is the configuration's; null: it is none. */
type Pools = Map<string, Pool | null>;

class SocketClient {
  readonly #options: SocketClientOptions;
  readonly #addedTrust: SecureContext | null;
  #trust: SecureContext | null = null;
  /** Apart, so that no connection to a private address serves who may not have one. */
  readonly #pools: { readonly publicOnly: Pools; readonly anyNetwork: Pools } = {
    publicOnly: new Map(),
    anyNetwork: new Map(),
  };
  readonly #ticker = new Ticker((nowMs) => this.#tick(nowMs));
  #isClosed = false;

  constructor(options: SocketClientOptions) {
    this.#options = options;
    this.#addedTrust = trustWith(options.caPem);
  }

  send(request: UpstreamRequest, events: UpstreamEvents): UpstreamExchange {
    this.#ticker.start();
    const pool = this.#poolOf(request);
    const written = pool === null ? null : writtenRequest(request, pool.origin.host);
    const exchange = new SocketExchange(request, events, {
      written,
      startedMs: systemClock.monotonicMs(),
    });
    if (this.#isClosed) exchange.tellFailureSoon(CLOSED);
    else if (pool === null || written === null) exchange.tellFailureSoon(NOT_SENDABLE);
    else if (pool.origin.fault !== null) exchange.tellFailureSoon(refused(pool.origin.fault));
    else pool.send(exchange);
    return exchange;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#allPools().map((pool) => pool.close(CLOSED)));
  }

  #poolOf({ origin: text, allowPrivateNetwork }: UpstreamRequest): Pool | null {
    const pools = allowPrivateNetwork ? this.#pools.anyNetwork : this.#pools.publicOnly;
    const known = pools.get(text);
    if (known !== undefined) return known;
    const lookup = guardedLookup(this.#options.resolve ?? systemResolve, allowPrivateNetwork);
    const origin = originOf(text, { trust: () => this.#secureContext(), lookup });
    const { connectTimeoutMs, maxConnectionsPerOrigin: maxConnections } = this.#options;
    const pool = origin === null ? null : new Pool({ origin, connectTimeoutMs, maxConnections });
    pools.set(text, pool);
    return pool;
  }

  #allPools(): Pool[] {
    const { publicOnly, anyNetwork } = this.#pools;
    return [...publicOnly.values(), ...anyNetwork.values()].filter((pool) => pool !== null);
  }

  /** Made once: reading the default authorities for each connection would cost more than it. */
  #secureContext(): SecureContext {
    this.#trust ??= this.#addedTrust ?? createSecureContext();
    return this.#trust;
  }

  #tick(nowMs: number): boolean {
    let isBusy = false;
    for (const pools of [this.#pools.publicOnly, this.#pools.anyNetwork]) {
      for (const pool of pools.values()) {
        if (pool?.tick(nowMs) === true) isBusy = true;
      }
    }
    return isBusy;
  }
}

function refused(detail: string): UpstreamFailure {
  return { kind: "refused", sent: false, detail };
}

/** Null where it cannot be sent as it is. */
function writtenRequest(request: UpstreamRequest, host: string): WrittenRequest | null {
  const given = request.body ?? [];
  let bodyBytes = 0;
  let hasEmpty = false;
  for (const chunk of given) {
    bodyBytes += chunk.length;
    if (chunk.length === 0) hasEmpty = true;
  }
  const head = requestHead(request, host, bodyBytes);
  if (head === null) return null;
  const body = hasEmpty ? given.filter((chunk) => chunk.length > 0) : given;
  return { head, body, bodyBytes };
}

const CLOSED: UpstreamFailure = { kind: "refused", sent: false, detail: "the client was closed" };

const NOT_SENDABLE: UpstreamFailure = {
  kind: "protocol",
  sent: false,
  detail: "an origin, path or header that HTTP does not allow",
};
