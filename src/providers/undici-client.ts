/** The upstream client over undici: pools, proxy and trust. What one exchange does is in its own file. */
import { Agent, Pool, ProxyAgent } from "undici";
import type { Dispatcher } from "undici";
import { guardedLookup, hostFault, systemResolve } from "./network/guard.ts";
import type { Resolve } from "./network/guard.ts";
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
  /** The system's where left out; behind a proxy, which resolves names itself, it is not used. */
  readonly resolve?: Resolve;
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
 * Behind a proxy it is the proxy that finds a name's address, and its rules that say what may be
 * reached: only hosts that are written as a metadata service are refused here. Without one, where a
 * name leads is checked at each connection.
 *
 * @returns a client whose `close` drops every connection; open exchanges fail with "reset".
 * @throws Error where `outbound.caPem` or `outbound.proxyUrl` cannot be read.
 */
export function createUndiciClient(options: UndiciClientOptions): UpstreamClient {
  const publicOnly = createDispatcher(options, false);
  // A proxy's dispatcher does not know the difference, and its tunnels are better shared.
  const isShared = options.outbound.proxyUrl !== null;
  const anyNetwork = isShared ? publicOnly : createDispatcher(options, true);
  return {
    send: (request, events) => {
      const exchange = new UndiciExchange(request, events);
      const dispatcher = request.allowPrivateNetwork ? anyNetwork : publicOnly;
      try {
        assertCallable(request.origin);
        dispatcher.dispatch(exchange.options, exchange);
      } catch (cause) {
        exchange.onResponseError(null, cause instanceof Error ? cause : new Error(String(cause)));
      }
      exchange.returned();
      return exchange.control();
    },
    close: async () => {
      await Promise.all([publicOnly.destroy(), isShared ? undefined : anyNetwork.destroy()]);
    },
  };
}

function assertCallable(origin: string): void {
  const host = URL.parse(origin)?.hostname.replace(/^\[(.*)\]$/, "$1") ?? "";
  const fault = hostFault(host);
  if (fault !== null) throw new Error(fault);
}

function createDispatcher(options: UndiciClientOptions, allowPrivateNetwork: boolean): Dispatcher {
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
    const lookup = guardedLookup(options.resolve ?? systemResolve, allowPrivateNetwork);
    return new Agent({ ...pool, factory, connect: { ...tls, lookup, timeout: connectTimeoutMs } });
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
