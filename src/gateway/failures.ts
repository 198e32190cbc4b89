/** What the attempts of one request came to, and which of their errors the client gets. */
import type { Refusal } from "../core/refusal.ts";
import { mostUseful, type ErrorClass } from "../routing/attempts/error-class.ts";
import { anthropicStatusOf } from "../wire/anthropic/error.ts";
import type { UpstreamFault } from "../wire/answer.ts";
import { relayedHead, translatedHead } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import type { Relayed } from "./relay.ts";
import type { Target } from "./candidates.ts";

const FIRST_REDIRECT = 300;

/** An upstream's error as the client would see it. */
export interface Reply {
  readonly status: number;
  readonly head: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The same for a stream whose head is out already. */
  readonly fault: UpstreamFault;
}

/** How one attempt failed. Exactly one of `reply` and `refusal` is there. */
export interface Failure {
  readonly errorClass: ErrorClass;
  readonly reply: Reply | null;
  readonly refusal: Refusal | null;
}

/** The failure that helps the client most; of equals the latest. Null for none. */
export function bestOf(failures: readonly Failure[]): Failure | null {
  return failures[mostUseful(failures.map(({ errorClass }) => errorClass))] ?? null;
}

/** The upstream's own error; null where it gave none that a client may see. */
export function replyOf(exchange: Exchange, target: Target, relayed: Relayed): Reply | null {
  const { status, upstreamHeaders, reading, complete } = relayed;
  if (status === null || !complete) return null;
  const { error } = reading;
  const fault = error ?? { type: "api_error", message: `The provider answered ${status}.` };
  if (target.codec.passes && status >= FIRST_REDIRECT) {
    const head = relayedHead(exchange, upstreamHeaders, {});
    return { status, head, body: Buffer.concat(relayed.held), fault };
  }
  if (error === null && status < FIRST_REDIRECT) return null;
  // An error under a 200 gets the status that its kind has.
  const shown = status < FIRST_REDIRECT ? anthropicStatusOf(fault.type) : status;
  const { type, message } = fault;
  const envelope = { type: "error", error: { type, message }, request_id: exchange.id };
  const body = Buffer.from(JSON.stringify(envelope));
  const extra = { "content-length": String(body.length) };
  const head = translatedHead(exchange, upstreamHeaders, {
    contentType: "application/json",
    extra,
  });
  return { status: shown, head, body, fault };
}
