/** Errors of chat completions servers in the words of the Messages API. */
import { isObject, parseJson } from "../anthropic/value.ts";
import type { UpstreamFault } from "../answer.ts";

type Json = Readonly<Record<string, unknown>>;
type Cause = NonNullable<UpstreamFault["cause"]>;

const MESSAGE_MAX_CHARACTERS = 2000;
/** A longer error body is not searched: nobody writes one. */
const BODY_MAX_BYTES = 1024 * 1024;

/** `error.code` or `error.type` where it says more than the status. */
const TYPE_BY_WORD = new Map(
  Object.entries({
    insufficient_quota: "billing_error",
    insufficient_balance: "billing_error",
    billing_hard_limit_reached: "billing_error",
    billing_not_active: "billing_error",
    exceeded_current_quota_error: "billing_error",
    invalid_api_key: "authentication_error",
    invalid_authentication_error: "authentication_error",
    model_not_found: "not_found_error",
    rate_limit_exceeded: "rate_limit_error",
    rate_limit_reached_error: "rate_limit_error",
    rate_limit_error: "rate_limit_error",
    engine_overloaded_error: "overloaded_error",
    engine_overloaded: "overloaded_error",
    overloaded_error: "overloaded_error",
    server_is_overloaded: "overloaded_error",
    service_unavailable: "overloaded_error",
    slow_down: "overloaded_error",
    capacity_exceeded: "overloaded_error",
  }),
);

/** The types of the Messages API, and Groq's 498 for its capacity. */
const TYPE_BY_STATUS: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  405: "invalid_request_error",
  408: "timeout_error",
  409: "invalid_request_error",
  413: "request_too_large",
  415: "invalid_request_error",
  422: "invalid_request_error",
  424: "api_error",
  429: "rate_limit_error",
  498: "overloaded_error",
  503: "overloaded_error",
  504: "timeout_error",
  529: "overloaded_error",
};

const CAUSE_BY_WORD = new Map(
  Object.entries<Cause>({
    context_length_exceeded: "context_length",
    model_context_window_exceeded: "context_length",
    exceed_context_size_error: "context_length",
    content_policy_violation: "content_policy",
    content_filter: "content_policy",
    content_moderation: "content_policy",
    data_inspection_failed: "content_policy",
    responsibleaipolicyviolation: "content_policy",
  }),
);

const TOO_LONG =
  /context (?:length|window|size)|maximum context|(?:prompt|input) is too long|too many (?:input )?tokens|reduce the length of the (?:messages|prompt)|exceeds? the (?:model'?s )?(?:maximum|max|limit).*tokens/i;
const PER_MINUTE = /per (?:minute|day|hour)|\b[TR]P[MD]\b/;
const AGAINST_POLICY =
  /content (?:management )?polic|usage polic|content filter|safety system|flagged (?:by|as|for)|input was flagged|moderation/i;

/**
 * The fault that a status of 300 and up tells. Never throws, whatever the body is.
 *
 * Source: OpenAI's and Groq's "Error codes", openrouter.ai/docs/errors, vLLM and Mistral `object: error`,
 * Azure OpenAI "Content filtering"; read 2026-11-23.
 */
export function chatFault(status: number, body: Buffer): UpstreamFault {
  const text = body.length <= BODY_MAX_BYTES ? body.toString("utf8").trim() : "";
  const parsed = parseJson(text);
  if (typeof parsed === "object" && parsed !== null) return faultIn(parsed, status);
  // A page of HTML is written for people in front of a browser.
  const isPlain = text !== "" && !text.startsWith("<");
  const said = isPlain ? text : `the provider answered ${status} without a readable error`;
  return worded({ message: said, words: [], status });
}

/** The fault in a parsed body or in an event of a stream; `status` is null where none belongs to it. */
export function faultIn(parsed: unknown, status: number | null): UpstreamFault {
  // Google's door of this dialect sends its error in a list of one.
  const body = Array.isArray(parsed) ? (parsed[0] as unknown) : parsed;
  const outer: Json = isObject(body) ? body : {};
  const error = outer["error"] ?? outer;
  const inner: Json = isObject(error) ? error : {};
  const innerError = isObject(inner["innererror"]) ? inner["innererror"] : {};
  const words = [inner["code"], inner["type"], innerError["code"], inner["status"]].flatMap(
    (word) => (typeof word === "string" ? [word.toLowerCase()] : []),
  );
  const said = typeof error === "string" && error !== "" ? error : messageOf(inner, outer);
  return worded({
    message: said ?? `the provider answered ${status ?? "an error"} without a message`,
    words,
    status: status ?? statusOf(inner["code"]),
  });
}

function messageOf(inner: Json, outer: Json): string | null {
  for (const value of [inner["message"], outer["message"], outer["detail"], outer["details"]]) {
    if (typeof value === "string" && value !== "") return value;
    // FastAPI's faults of validation: a list, or a message that is one.
    if (typeof value === "object" && value !== null) return JSON.stringify(value);
  }
  return null;
}

/** OpenRouter tells the status of a failed stream as `error.code`. */
function statusOf(code: unknown): number | null {
  const status = Number(code);
  return Number.isInteger(status) && status >= 400 && status < 600 ? status : null;
}

function worded(of: {
  readonly message: string;
  readonly words: readonly string[];
  readonly status: number | null;
}): UpstreamFault {
  const { status, words } = of;
  const said = of.message.slice(0, MESSAGE_MAX_CHARACTERS);
  const cause = causeOf(said, words, status);
  const type =
    words.map((word) => TYPE_BY_WORD.get(word)).find((found) => found !== undefined) ??
    (status === null ? typeOfWords(words, cause) : (TYPE_BY_STATUS[status] ?? "api_error"));
  // What a provider says of a credential can quote it.
  const message =
    type === "authentication_error" ? "the provider refused the gateway's credential" : said;
  return cause === null ? { type, message } : { type, message, cause };
}

function typeOfWords(words: readonly string[], cause: Cause | null): string {
  return cause !== null || words.includes("invalid_request_error")
    ? "invalid_request_error"
    : "api_error";
}

function causeOf(message: string, words: readonly string[], status: number | null): Cause | null {
  const told = words.map((word) => CAUSE_BY_WORD.get(word)).find((found) => found !== undefined);
  if (told !== undefined) return told;
  const isRefusal = status === null || [400, 403, 413, 422].includes(status);
  if (!isRefusal || PER_MINUTE.test(message)) return null;
  if (TOO_LONG.test(message)) return "context_length";
  return AGAINST_POLICY.test(message) ? "content_policy" : null;
}
