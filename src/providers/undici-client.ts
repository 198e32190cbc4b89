/** The upstream client over undici: pools, proxy and trust. What one exchange does is in its own file. */
import { Agent, Pool, ProxyAgent } from "undici";
import type { Dispatcher } from "undici";
import { trustWith } from "./trust.ts";
import { UndiciExchange } from "./undici-exchange.ts";
import type { UpstreamClient } from "./upstream.ts";

export interface UndiciClientOptions {
  readonly connectTimeoutMs: number;
  readonly outbound: {
    /** `http:` or `https:`, credentials in it; null: connect directly. */
    readonly proxyUrl: string | null;
    /** Certificates that are trusted besides the default ones; null: none. */
    readonly caPem: string | null;
  };
  /** Further requests wait in order for a connection, within their first-byte time-out. */
  readonly maxConnectionsPerOrigin: number;
}

/**
 * Idle connections are dropped after this, unless the upstream announces its own time-out: below
 * every common server's (Node 5 s, nginx 75 s, load balancers 60 s), because a request that meets a
 * connection which is just being closed is lost and has to count as sent.
 */
const KEEP_ALIVE_MS = 4_000;

/**
 * Makes the client that providers are reached with through a proxy: HTTP/1.1, one request at a time a
 * connection, no retries (with `pipelining: 1` undici writes each request once).
 *
 * An upstream's 1xx answers are passed over, but for an unasked-for `100 Continue`, which undici
 * takes for a broken answer. While paused, bytes that have arrived already may still be delivered.
 *
 * @returns a client whose `close` drops every connection; open exchanges fail with "reset".
 * @throws Error where `outbound.caPem` or `outbound.proxyUrl` cannot be read.
 */
export function createUndiciClient(options: UndiciClientOptions): UpstreamClient {
  const dispatcher = createDispatcher(options);
  return {
    send: (request, events) => {
      const exchange = new UndiciExchange(request, events);
      try {
        dispatcher.dispatch(exchange.options, exchange);
      } catch (cause) {
        exchange.onResponseError(null, cause instanceof Error ? cause : new Error(String(cause)));
      }
      exchange.returned();
      return exchange.control();
    },
    close: () => dispatcher.destroy(),
  };
}

function createDispatcher(options: UndiciClientOptions): Dispatcher {
  const { connectTimeoutMs, outbound } = options;
  const secureContext = trustWith(outbound.caPem);
  const tls = { allowH2: false, ...(secureContext === null ? {} : { secureContext }) };
  const pool: Pool.Options = {
    connections: options.maxConnectionsPerOrigin,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The exchange keeps its own time-outs: exact to the millisecond, and they count the wait for a
    // connection.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const factory = (origin: string | URL, given: object): Pool =>
    new Pool(origin, { ...pool, ...given });
  if (outbound.proxyUrl === null) {
    return new Agent({ ...pool, factory, connect: { ...tls, timeout: connectTimeoutMs } });
  }
  return new ProxyAgent({
    ...pool,
    factory,
    uri: outbound.proxyUrl,
    connectTimeout: connectTimeoutMs,
    requestTls: tls,
    proxyTls: tls,
    // A proxy that accepts and then does not answer CONNECT is a connect time-out, too.
    clientFactory: (origin, given) =>
      new Pool(origin, { ...given, headersTimeout: connectTimeoutMs }),
  });
}
