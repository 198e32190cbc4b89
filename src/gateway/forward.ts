/** Makes the upstream request: the client's own bytes where the door speaks its dialect, our credential. */
import type { IncomingHttpHeaders } from "node:http";
import type { TimeoutsConfig } from "../config/config.ts";
import type { UpstreamRequest } from "../providers/upstream.ts";
import { cloudBetas } from "../wire/anthropic/betas.ts";
import type { Target } from "./candidates.ts";

/** RFC 9110 section 7.6.1, and what names or authenticates the sender. None of it goes upstream. */
const DROPPED = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
  "host",
  "content-length",
  "accept-encoding",
  "x-api-key",
  "authorization",
  "cookie",
  "forwarded",
  "via",
  "x-real-ip",
  "api-key",
]);
const DROPPED_PREFIXES = ["x-forwarded-", "x-tollgate-", "tollgate-", "x-amz-", "x-goog-"];
export const BETA = "anthropic-beta";

/** What a call upstream is made of, besides its target. */
export interface Call {
  readonly method: "GET" | "POST";
  /** One of the target's address. */
  readonly path: string;
  /** "?beta=true" of the client; "" for none. */
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: readonly Buffer[] | null;
}

/** The request without its credential. Host and path come from the configuration and the catalogue alone. */
export function upstreamRequest(
  target: Target,
  call: Call,
  timeouts: TimeoutsConfig,
): UpstreamRequest {
  const { row, door, use, address } = target;
  const isNative = door.format === "anthropic-messages";
  const headers = isNative ? forwardedHeaders(call.headers) : plainHeaders(call);
  if (!row.can.takesUnknownBetas) sendKnownBetas(headers, call, target);
  // The usage figures have to be read on the way through.
  headers["accept-encoding"] = "identity";
  const query = isNative ? call.query : "";
  return {
    method: call.method,
    origin: address.origin,
    path: call.path + query,
    headers: Object.assign(headers, address.headers),
    body: call.body,
    firstByteTimeoutMs: timeouts.firstByteMs,
    idleTimeoutMs: timeouts.idleMs,
    allowPrivateNetwork: use.provider.allowPrivateNetwork,
  };
}

/** The same request with what shows our credential. */
export function identifiedBy(
  request: UpstreamRequest,
  shown: Readonly<Record<string, string>>,
): UpstreamRequest {
  return { ...request, headers: Object.assign(request.headers, shown) };
}

/** The values of `anthropic-beta`, each once. */
export function betasOf(headers: IncomingHttpHeaders): readonly string[] {
  const value = headers[BETA];
  if (value === undefined) return NO_BETAS;
  const text = Array.isArray(value) ? value.join(",") : value;
  if (text !== lastBetas.text) lastBetas = { text, betas: readBetas(text) };
  return lastBetas.betas;
}

/** Of the last request: a fleet sends the same few again and again. */
let lastBetas: { readonly text: string; readonly betas: readonly string[] } = {
  text: "",
  betas: [],
};

function readBetas(text: string): readonly string[] {
  return [...new Set(text.split(",").map((beta) => beta.trim()))].filter((beta) => beta !== "");
}

const NO_BETAS: readonly string[] = [];

/** Another dialect's server has no use for the client's headers, and no right to them. */
function plainHeaders({ body }: Call): Record<string, string> {
  const plain: Record<string, string> = { accept: "*/*" };
  if (body !== null) plain["content-type"] = "application/json";
  return plain;
}

/** Formats that take betas as a header. */
const BETA_HEADER_FORMATS = new Set(["anthropic-messages", "vertex-anthropic"]);

/** A cloud refuses the whole request for one value that it does not know; Vertex's counts know none. */
function sendKnownBetas(headers: Record<string, string>, call: Call, target: Target): void {
  const { door, address } = target;
  delete headers[BETA];
  const isVertexCount = door.format === "vertex-anthropic" && call.path === address.countTokens;
  if (isVertexCount || !BETA_HEADER_FORMATS.has(door.format)) return;
  const { sent } = cloudBetas(betasOf(call.headers));
  if (sent.length > 0) headers[BETA] = sent.join(",");
}

function forwardedHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const named = connectionNames(headers.connection);
  const kept: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value === undefined || isDropped(name) || named.has(name)) continue;
    kept[name] = typeof value === "string" ? value : value.join(", ");
  }
  return kept;
}

function isDropped(name: string): boolean {
  const known = judged.get(name);
  if (known !== undefined) return known;
  const dropped = DROPPED.has(name) || DROPPED_PREFIXES.some((prefix) => name.startsWith(prefix));
  if (judged.size < JUDGED_MAX) judged.set(name, dropped);
  return dropped;
}

/** Clients send the same few names again and again. */
const judged = new Map<string, boolean>();
const JUDGED_MAX = 1_000;

/** Headers that `Connection` names are for one hop only. */
function connectionNames(connection: string | undefined): ReadonlySet<string> {
  if (connection === undefined || connection === "keep-alive") return NO_NAMES;
  return new Set(connection.split(",").map((name) => name.trim().toLowerCase()));
}

const NO_NAMES: ReadonlySet<string> = new Set();
