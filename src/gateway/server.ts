/** The data plane's HTTP server: which paths there are, and the one boundary where failures end. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { Duplex } from "node:stream";
import type { TlsPair } from "../config/check-tls.ts";
import { newRequestId } from "../core/ids.ts";
import { isRefusal, type Refusal } from "../core/refusal.ts";
import { systemClock } from "../core/time.ts";
import { addressOf, networkRefusal } from "./access.ts";
import { answerRefusal } from "./answer.ts";
import { begin, type Endpoint, type Exchange } from "./exchange.ts";
import { identify } from "./identify.ts";
import { serveMe } from "./me.ts";
import { serveModels } from "./models.ts";
import { serveMessages } from "./pipeline.ts";
import type { Gateway } from "./ports.ts";
import { ClientGone } from "./receive.ts";
import { recordRefusal } from "./record.ts";
import { GatewayRequest } from "./request-headers.ts";
import { draining, notFound } from "./refuse.ts";

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  "POST /v1/messages": "messages",
  "POST /v1/messages/count_tokens": "count_tokens",
  "GET /v1/models": "models",
  "GET /me": "me",
};
const PREFIX = "/anthropic";
const HEADER_BYTES_MAX = 64 * 1024;
const CONNECTIONS_MAX = 20_000;
/** Between two requests of one client. */
const KEEP_ALIVE_MS = 75_000;
export const TLS_VERSION_MIN = "TLSv1.2";

export interface HealthReport {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

export interface GatewayServer {
  readonly server: Server;
  /** Presents another pair from the next handshake on; running connections keep theirs. */
  readonly present: (pair: TlsPair) => void;
  /** Resolves when every request has been settled and recorded, or after `atMostMs`. */
  readonly idle: (atMostMs: number) => Promise<void>;
}

/**
 * The server of the data plane, not yet listening. `health` tells readiness; with `tls`, it presents
 * that pair and speaks nothing but TLS.
 */
export function createGatewayServer(
  gateway: Gateway,
  health: () => HealthReport,
  tls: TlsPair | null,
): GatewayServer {
  const running = new Set<Promise<void>>();
  const context: Context = {
    gateway,
    health,
    run(exchange) {
      const work = guarded(exchange, gateway).finally(() => running.delete(work));
      running.add(work);
    },
  };
  const { server, present } = createListener(context, tls);
  server.maxConnections = CONNECTIONS_MAX;
  server.on("clientError", answerGarbage);
  return { server, present, idle: (atMostMs) => settledWithin([...running], atMostMs) };
}

function createListener(context: Context, tls: TlsPair | null) {
  const { gateway } = context;
  const { headerMs } = gateway.timeouts();
  const options = {
    IncomingMessage: GatewayRequest,
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: headerMs,
    // Bodies have an idle time-out of their own; slow but steady ones are welcome.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: 5_000,
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void =>
    serve(request, response, context);
  if (tls === null) return { server: createServer(options, listener), present: () => undefined };
  const secure = { minVersion: TLS_VERSION_MIN, handshakeTimeout: headerMs } as const;
  const server = createTlsServer({ ...options, ...secure, ...tls }, listener);
  logHandshakes(server, gateway);
  return {
    server,
    present: (pair: TlsPair) => server.setSecureContext({ ...secure, ...pair }),
  };
}

/** A client that does not trust the certificate is seen by nobody else. */
function logHandshakes(server: TlsServer, gateway: Gateway): void {
  server.on("tlsClientError", (error: Error & { code?: string }, { remoteAddress }) => {
    // A connection that just ends is a load balancer's probe.
    if (error.code === "ECONNRESET" || !gateway.anonymousLines.allow()) return;
    const detail = { code: error.code ?? error.message, peer: remoteAddress ?? null };
    gateway.log.info("TLS handshake failed", detail);
  });
}

async function settledWithin(work: readonly Promise<void>[], atMostMs: number): Promise<void> {
  const deadline = Promise.withResolvers<void>();
  const timer = setTimeout(deadline.resolve, atMostMs);
  await Promise.race([Promise.all(work), deadline.promise]);
  clearTimeout(timer);
}

interface Context {
  readonly gateway: Gateway;
  readonly health: () => HealthReport;
  readonly run: (exchange: Exchange) => void;
}

function serve(request: IncomingMessage, response: ServerResponse, context: Context): void {
  const { gateway, health } = context;
  const url = request.url ?? "/";
  const queryAt = url.indexOf("?");
  const path = queryAt < 0 ? url : url.slice(0, queryAt);
  const bare = path.startsWith(`${PREFIX}/`) ? path.slice(PREFIX.length) : path;
  const method = request.method ?? "GET";
  if (bare.startsWith("/health/") || bare === "/api/hello") {
    if (answerProbe(`${method} ${bare}`, response, health)) return;
  }
  const endpoint = ENDPOINTS[`${method} ${bare}`] ?? null;
  const exchange = begin(gateway, {
    request,
    response,
    endpoint,
    target: bare + (queryAt < 0 ? "" : url.slice(queryAt)),
  });
  // A socket that breaks is told by its `close`; without a listener it would end the process.
  response.on("error", () => undefined);
  gateway.metrics.requestBegins();
  context.run(exchange);
}

/** The only boundary: every request is answered and recorded, or known to have nobody to answer. */
async function guarded(exchange: Exchange, gateway: Gateway): Promise<void> {
  try {
    const refused = await dispatch(exchange, gateway);
    if (refused !== null) {
      const status = answerRefusal(exchange.response, refused, exchange.id);
      recordRefusal(exchange, refused, gateway, status);
      if (refused.code === "unknown_key") logUnknownKey(exchange, gateway);
    }
  } catch (error) {
    if (error instanceof ClientGone) return;
    gateway.log.error("request failed on a fault of the gateway", {
      request: exchange.id,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    answerFault(exchange);
  } finally {
    gateway.metrics.requestLeaves();
  }
}

/** Where somebody tries keys is for the log alone: records keep no addresses. */
function logUnknownKey(exchange: Exchange, gateway: Gateway): void {
  if (!gateway.anonymousLines.allow()) return;
  const address = addressOf(exchange, gateway);
  gateway.log.info("request without a known key", {
    request: exchange.id,
    client_address: address,
  });
}

async function dispatch(exchange: Exchange, gateway: Gateway): Promise<Refusal | null> {
  if (exchange.endpoint === null) return notFound(exchange.request);
  if (gateway.draining()) return draining();
  const plan = identify(exchange.request.headers, exchange.ruling, gateway.ledgerClock.nowMs());
  if (isRefusal(plan)) return plan;
  exchange.plan = plan;
  switch (exchange.endpoint) {
    case "messages":
    case "count_tokens":
      return serveMessages(exchange, plan, gateway);
    case "models":
      return networkRefusal(exchange, plan, gateway) ?? serveModels(exchange, plan, gateway);
    case "me":
      return networkRefusal(exchange, plan, gateway) ?? serveMe(exchange, plan, gateway);
  }
}

function answerProbe(call: string, response: ServerResponse, health: () => HealthReport): boolean {
  switch (call) {
    case "HEAD /api/hello":
    case "GET /api/hello":
      response.writeHead(200, ownIds()).end();
      return true;
    case "GET /health/live":
    case "HEAD /health/live":
      writeProbe(response, 200, { status: "live" });
      return true;
    case "GET /health/ready":
    case "HEAD /health/ready": {
      const { ready, reasons } = health();
      const status = ready ? "ready" : "not_ready";
      writeProbe(response, ready ? 200 : 503, { status, reasons });
      return true;
    }
    default:
      return false;
  }
}

function writeProbe(response: ServerResponse, status: number, document: unknown): void {
  response.writeHead(status, { "content-type": "application/json", ...ownIds() });
  response.end(JSON.stringify(document));
}

function ownIds(): Record<string, string> {
  const id = newRequestId(systemClock.wallMs());
  return { "request-id": id, "tollgate-request-id": id };
}

interface GarbageAnswer {
  readonly line: string;
  readonly message: string;
}

const NOT_HTTP: GarbageAnswer = {
  line: "400 Bad Request",
  message: "This is not a valid HTTP/1.1 request.",
};
/** By the codes of node:http. */
const GARBAGE: Readonly<Record<string, GarbageAnswer>> = {
  HPE_HEADER_OVERFLOW: {
    line: "431 Request Header Fields Too Large",
    message: `The headers are over ${HEADER_BYTES_MAX} bytes.`,
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    line: "408 Request Timeout",
    message: "The request did not come in time (server.timeouts.header).",
  },
};

/** What is no HTTP, or too much of it: there is no request to answer, so the socket is. */
function answerGarbage(error: Error & { code?: string }, socket: Duplex): void {
  const code = error.code ?? "";
  // What fails in TLS has no way back; an answer would only wait for one.
  if (/^ERR_(?:SSL|TLS)_/.test(code)) socket.destroy();
  if (!socket.writable) return;
  const { line, message } = GARBAGE[code] ?? NOT_HTTP;
  const body = JSON.stringify({ type: "error", error: { type: "invalid_request_error", message } });
  socket.end(
    `HTTP/1.1 ${line}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** A bug: the client learns that it is ours and nothing else. */
function answerFault(exchange: Exchange): void {
  const { response } = exchange;
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const error = { type: "api_error", message: "The gateway failed on this request; it is logged." };
  response.writeHead(500, {
    "content-type": "application/json",
    "request-id": exchange.id,
    "tollgate-request-id": exchange.id,
  });
  response.end(JSON.stringify({ type: "error", error, request_id: exchange.id }));
}
