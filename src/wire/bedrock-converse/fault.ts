/** Bedrock's errors, of whole answers and inside streams, in the words of the Messages API. */
import { isObject, parseJson } from "../anthropic/value.ts";
import type { UpstreamFault } from "../answer.ts";
import type { EventStreamMessage } from "../event-stream/decode.ts";

/** No message of an error is longer; the rest is cut. */
const MESSAGE_MAX_CHARACTERS = 2000;

/** Source: Amazon Bedrock API reference, "Common errors", Converse, InvokeModelWithResponseStream, 2026-11. */
const TYPES: Readonly<Record<string, string>> = {
  validation: "invalid_request_error",
  serialization: "invalid_request_error",
  conflict: "invalid_request_error",
  accessdenied: "permission_error",
  optinrequired: "permission_error",
  notauthorized: "authentication_error",
  unrecognizedclient: "authentication_error",
  expiredtoken: "authentication_error",
  invalidsignature: "authentication_error",
  incompletesignature: "authentication_error",
  missingauthenticationtoken: "authentication_error",
  resourcenotfound: "not_found_error",
  unknownoperation: "not_found_error",
  throttling: "rate_limit_error",
  toomanyrequests: "rate_limit_error",
  servicequotaexceeded: "rate_limit_error",
  modelnotready: "overloaded_error",
  serviceunavailable: "overloaded_error",
  modeltimeout: "timeout_error",
  modelerror: "api_error",
  modelstreamerror: "api_error",
  internalserver: "api_error",
  internalfailure: "api_error",
};

const STATUS_TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  408: "timeout_error",
  413: "request_too_large",
  424: "api_error",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** Of models' and of Bedrock's own wordings; only asked of requests that were refused as invalid. */
const CONTEXT_LENGTH =
  /too long|too many (?:input |total )?tokens|context (?:length|window|limit)|exceeds? (?:the )?(?:maximum|max|model)|maximum (?:context|number of (?:input )?tokens)/i;
const TOO_LONG = "prompt is too long";
const CONTENT_POLICY =
  /content (?:filter|polic)|guardrail|blocked by|usage polic|responsible ai|safety/i;

/** Reads an error body, `{"message": …, "__type": …}` at best. Whatever it is, there is a fault. */
export function bedrockFault(status: number, body: Buffer): UpstreamFault {
  const json = parseJson(body.toString("utf8"));
  const fields = isObject(json) ? json : {};
  const name = textOf(fields["__type"]) ?? textOf(fields["code"]);
  const type = typeOfName(name) ?? typeOfStatus(status);
  const message = messageOf(fields) ?? `Bedrock answered with status ${status}.`;
  return withCause(type, message);
}

/** An exception or error frame of a stream. */
export function exceptionFault(frame: EventStreamMessage): UpstreamFault {
  const json = parseJson(frame.payload.toString("utf8"));
  const fields = isObject(json) ? json : {};
  const original = fields["originalStatusCode"];
  // What went wrong at the model tells more than that something did.
  const type =
    typeof original === "number" && original >= 400
      ? typeOfStatus(original)
      : (typeOfName(frame.exceptionType) ?? "api_error");
  const message =
    textOf(fields["originalMessage"]) ??
    messageOf(fields) ??
    frame.errorMessage ??
    `Bedrock ended the stream with ${frame.exceptionType ?? "an error without a name"}.`;
  return withCause(type, message);
}

/** A stream that is not what its framing or its format promises. */
export function brokenStream(problem: string): UpstreamFault {
  return { type: "api_error", message: `The upstream's stream is broken: ${problem}.` };
}

function withCause(type: string, message: string): UpstreamFault {
  const text = message.slice(0, MESSAGE_MAX_CHARACTERS);
  if (type === "invalid_request_error" && CONTEXT_LENGTH.test(text))
    return { type, message: tooLong(text), cause: "context_length" };
  if (
    (type === "invalid_request_error" || type === "permission_error") &&
    CONTENT_POLICY.test(text)
  )
    return { type, message: text, cause: "content_policy" };
  return { type, message: text };
}

/** In the words by which clients know that a conversation must be made shorter. */
function tooLong(text: string): string {
  const at = text.indexOf(TOO_LONG);
  return at === -1 ? `${TOO_LONG}: ${text}` : text.slice(at);
}

/** "com.amazon.coral.service#ThrottlingException:http://…" and "throttlingException" are the same. */
function typeOfName(name: string | null): string | null {
  if (name === null) return null;
  const bare = name.slice(name.lastIndexOf("#") + 1).split(":", 1)[0] ?? "";
  const word = bare.toLowerCase().replace(/exception$/, "");
  return Object.hasOwn(TYPES, word) ? (TYPES[word] ?? null) : null;
}

function typeOfStatus(status: number): string {
  const known = STATUS_TYPES[status];
  if (known !== undefined) return known;
  return status >= 500 ? "api_error" : "invalid_request_error";
}

function messageOf(fields: Readonly<Record<string, unknown>>): string | null {
  return textOf(fields["message"]) ?? textOf(fields["Message"]);
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
