/** Builds what goes upstream: the client's own bytes and headers, with our credential in place of theirs. */
import type { IncomingHttpHeaders } from "node:http";
import { invariant } from "../core/invariant.ts";
import type { TimeoutsConfig } from "../config/config.ts";
import { credentialHeaders } from "../providers/auth.ts";
import type { UpstreamRequest } from "../providers/upstream.ts";
import type { Target } from "./route.ts";

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
]);
const DROPPED_PREFIXES = ["x-forwarded-", "x-tollgate-", "tollgate-"];

/** The upstream request of one attempt. Host and credential come from the configuration alone. */
export function upstreamRequest(
  target: Target,
  from: {
    readonly method: "GET" | "POST";
    /** "/v1/messages?beta=true": one of our listed paths, and the client's query. */
    readonly path: string;
    readonly headers: IncomingHttpHeaders;
    readonly body: readonly Buffer[] | null;
  },
  timeouts: TimeoutsConfig,
): UpstreamRequest {
  const base = baseUrlOf(target);
  const secret = target.credential?.secret ?? "";
  const headers = forwardedHeaders(from.headers);
  // The usage figures have to be read on the way through.
  headers["accept-encoding"] = "identity";
  Object.assign(headers, credentialHeaders(target.row.auth, secret));
  return {
    method: from.method,
    origin: base.origin,
    path: base.path + from.path,
    headers,
    body: from.body,
    firstByteTimeoutMs: timeouts.firstByteMs,
    idleTimeoutMs: timeouts.idleMs,
  };
}

interface BaseUrl {
  readonly origin: string;
  /** Without a slash at its end. */
  readonly path: string;
}

const parsed = new Map<string, BaseUrl>();

function baseUrlOf(target: Target): BaseUrl {
  const text = target.use.provider.baseUrl ?? target.row.baseUrl;
  invariant(text !== null, "a validated provider has a base URL");
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const { origin, pathname } = new URL(text);
  const base = { origin, path: pathname.replace(/\/$/, "") };
  parsed.set(text, base);
  return base;
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
