/** Writes heads and refusals to the client: the one place that decides which headers it may see. */
import type { ServerResponse } from "node:http";
import { REFUSALS, type Refusal } from "../core/refusal.ts";
import { anthropicErrorBody } from "../wire/anthropic/error.ts";
import type { Exchange } from "./exchange.ts";

/** What of an upstream's head reaches the client; all else describes our account, not theirs. */
const RELAYED = [
  "content-type",
  "content-length",
  "content-encoding",
  "retry-after",
  "retry-after-ms",
  "x-should-retry",
  "x-tollgate-rehearsal",
] as const;

/** The head of a relayed answer; `extra` holds headers of our own ("tollgate-clamped"). */
export function relayedHead(
  exchange: Exchange,
  upstream: Readonly<Record<string, string>>,
  extra: Readonly<Record<string, string>>,
): Record<string, string> {
  const head: Record<string, string> = {};
  for (const name of RELAYED) {
    const value = upstream[name];
    if (value !== undefined) head[name] = value;
  }
  head["request-id"] = upstream["request-id"] ?? exchange.id;
  head["tollgate-request-id"] = exchange.id;
  return Object.assign(head, extra);
}

/** The ids of an answer that is ours. */
export function ownHead(exchange: Exchange): Record<string, string> {
  return { "request-id": exchange.id, "tollgate-request-id": exchange.id };
}

/** The head of an answer whose body was made here of the upstream's. */
export function translatedHead(
  exchange: Exchange,
  upstream: Readonly<Record<string, string>>,
  own: { readonly contentType: string; readonly extra: Readonly<Record<string, string>> },
): Record<string, string> {
  const head: Record<string, string> = { "content-type": own.contentType };
  for (const name of ["retry-after", "retry-after-ms"] as const) {
    const value = upstream[name];
    if (value !== undefined) head[name] = value;
  }
  head["request-id"] = upstreamId(upstream) ?? exchange.id;
  head["tollgate-request-id"] = exchange.id;
  return Object.assign(head, own.extra);
}

/** The upstream's own id of the request, by the names that doors give it. */
export function upstreamId(upstream: Readonly<Record<string, string>>): string | null {
  return upstream["request-id"] ?? upstream["x-request-id"] ?? upstream["x-amzn-requestid"] ?? null;
}

/** Answers with a refusal in the caller's dialect; does nothing where the head is out or nobody listens. */
export function answerRefusal(
  response: ServerResponse,
  refused: Refusal,
  requestId: string,
): number | null {
  if (response.headersSent || response.destroyed) return null;
  const { status } = REFUSALS[refused.code];
  const body = anthropicErrorBody(refused, requestId);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "request-id": requestId,
    "tollgate-request-id": requestId,
    ...refused.headers,
  });
  response.end(body);
  return status;
}

/** Answers with a JSON document of our own. */
export function answerJson(exchange: Exchange, document: unknown): void {
  const body = JSON.stringify(document);
  exchange.response.writeHead(200, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "request-id": exchange.id,
    "tollgate-request-id": exchange.id,
  });
  exchange.response.end(body);
}
