/** An origin as a socket needs it: address, name for the certificate, how to connect. */
import { connect, isIP } from "node:net";
import type { LookupFunction, Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import type { SecureContext } from "node:tls";
import { hostFault } from "../network/guard.ts";

export interface Origin {
  /** Why it is never called; null: it is. */
  readonly fault: string | null;
  /** For the host header: without a default port. */
  readonly host: string;
  readonly isSecure: boolean;
  /** Begins a connection; what goes wrong is the socket's event, but for options Node refuses. */
  readonly connect: () => Socket;
}

/** Finds dead peers under long silent streams. */
const PROBE_AFTER_MS = 60_000;

/** How connections come about. */
export interface Way {
  /** Made once for all connections. */
  readonly trust: () => SecureContext;
  /** Resolves names, and leaves away what may not be called. */
  readonly lookup: LookupFunction;
}

/** @returns null where `text` is no http: or https: URL with nothing behind its port. */
export function originOf(text: string, way: Way): Origin | null {
  const url = URL.parse(text);
  if (url === null || url.origin === "null" || url.href !== `${url.origin}/`) return null;
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const named = { host: url.host, fault: hostFault(host) };
  if (url.protocol === "http:") {
    const address = { host, port: Number(url.port || 80), lookup: way.lookup };
    return { ...named, isSecure: false, connect: () => tuned(connect(address)) };
  }
  if (url.protocol !== "https:") return null;
  return { ...named, isSecure: true, connect: secureConnector(url, host, way) };
}

function secureConnector(url: URL, host: string, { trust, lookup }: Way): () => Socket {
  let session: Buffer | undefined;
  const options = {
    host,
    lookup,
    port: Number(url.port || 443),
    // An address is no name that could be asked for (RFC 6066, section 3).
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ["http/1.1"],
  };
  return () => {
    const resumed = session === undefined ? {} : { session };
    const socket = connectSecurely({ ...options, ...resumed, secureContext: trust() });
    socket.on("session", (latest) => (session = latest));
    // It might be the session that the other side could not take.
    socket.on("error", () => (session = undefined));
    return tuned(socket);
  };
}

function tuned<Kind extends Socket>(socket: Kind): Kind {
  return socket.setNoDelay(true).setKeepAlive(true, PROBE_AFTER_MS);
}
