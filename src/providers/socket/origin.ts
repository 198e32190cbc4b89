/** An origin as a socket needs it: address, name for the certificate, how to connect. */
import { connect, isIP } from "node:net";
import type { Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import type { SecureContext } from "node:tls";

export interface Origin {
  /** For the host header: without a default port. */
  readonly host: string;
  readonly isSecure: boolean;
  /** Begins a connection; what goes wrong is the socket's event, but for options Node refuses. */
  readonly connect: () => Socket;
}

/** Finds dead peers under long silent streams. */
const PROBE_AFTER_MS = 60_000;

/**
 * @param trust made once for all connections.
 * @returns null where `text` is no http: or https: URL with nothing behind its port.
 */
export function originOf(text: string, trust: () => SecureContext): Origin | null {
  const url = URL.parse(text);
  if (url === null || url.origin === "null" || url.href !== `${url.origin}/`) return null;
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (url.protocol === "http:") {
    const address = { host, port: Number(url.port || 80) };
    return { host: url.host, isSecure: false, connect: () => tuned(connect(address)) };
  }
  if (url.protocol !== "https:") return null;
  return { host: url.host, isSecure: true, connect: secureConnector(url, host, trust) };
}

function secureConnector(url: URL, host: string, trust: () => SecureContext): () => Socket {
  let session: Buffer | undefined;
  const options = {
    host,
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
