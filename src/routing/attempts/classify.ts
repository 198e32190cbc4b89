/** Sorts the end of an attempt into the table of error classes. */
import type { UpstreamFailure } from "../../providers/upstream.ts";
import type { UpstreamFault } from "../../wire/answer.ts";
import type { ErrorClass } from "./error-class.ts";

/** All that is known of an attempt that has ended, or that must be judged now. */
export interface AttemptEnd {
  /** Null where no head came. */
  readonly status: number | null;
  readonly failure: UpstreamFailure | null;
  /** The error envelope of an answer from 300 up, or an error event inside a stream. */
  readonly fault: UpstreamFault | null;
  /** Of the answer, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Something of the answer's content has been received. */
  readonly contentSeen: boolean;
  /** The dialect's own end has passed: an answer may be whole without any content. */
  readonly whole: boolean;
}

const OK_STATUS_MAX = 299;
const CLIENT_FAULT_MIN = 400;
const SERVER_FAULT_MIN = 500;

const BY_STATUS: ReadonlyMap<number, ErrorClass> = new Map([
  [401, "credential"],
  [402, "out_of_credit"],
  [403, "credential"],
  [404, "model_missing"],
  [408, "timeout"],
  [409, "conflict"],
  [413, "too_large"],
  // Bedrock's word for "the model failed on it".
  [424, "server_error"],
  [429, "rate_limited"],
  [529, "overloaded"],
]);

/** By `error.type` of the Messages API. */
const BY_TYPE: ReadonlyMap<string, ErrorClass> = new Map([
  ["authentication_error", "credential"],
  ["permission_error", "credential"],
  ["billing_error", "out_of_credit"],
  ["not_found_error", "model_missing"],
  ["request_too_large", "too_large"],
  ["rate_limit_error", "rate_limited"],
  ["timeout_error", "server_error"],
  ["api_error", "server_error"],
  ["overloaded_error", "overloaded"],
  ["invalid_request_error", "bad_request"],
]);

/** Statuses so general that a type says more: keys and quotas are refused with them, too. */
const TELLING_TYPES: ReadonlyMap<number, ReadonlySet<ErrorClass>> = new Map([
  [400, new Set<ErrorClass>(["credential", "out_of_credit", "model_missing", "too_large"])],
  [429, new Set<ErrorClass>(["out_of_credit", "overloaded"])],
]);

/** What the Messages API itself says under the type `invalid_request_error`. */
const BY_MESSAGE: readonly (readonly [RegExp, ErrorClass])[] = [
  [/prompt is too long|exceeds? (?:the )?context|input is too long/i, "context_length"],
  [/content filtering policy/i, "content_policy"],
  [/credit balance is too low/i, "out_of_credit"],
];

const BY_FAILURE: Readonly<Record<UpstreamFailure["kind"], ErrorClass>> = {
  refused: "connect",
  connect_timeout: "connect",
  reset: "reset",
  first_byte_timeout: "first_byte_timeout",
  idle_timeout: "idle_timeout",
  protocol: "protocol",
};

/**
 * The class of an attempt's end; `ok` for a whole answer. What fails after the first content is `cut`,
 * whatever the cause. A status from 400 up decides before a failure that broke off its body.
 */
export function classify(end: AttemptEnd): ErrorClass | "ok" {
  const { status, failure, fault } = end;
  if (status !== null && status >= CLIENT_FAULT_MIN) return ofStatus(status, fault, end.headers);
  if (failure === null && fault === null && end.whole && isOk(status)) return "ok";
  if (end.contentSeen) return "cut";
  if (fault !== null && isOk(status)) return ofFault(fault);
  if (failure !== null) return BY_FAILURE[failure.kind];
  return "protocol";
}

function isOk(status: number | null): boolean {
  return status !== null && status <= OK_STATUS_MAX;
}

function ofStatus(
  status: number,
  fault: UpstreamFault | null,
  headers: Readonly<Record<string, string>>,
): ErrorClass {
  const told = fault === null ? null : ofFault(fault);
  if (told === "context_length" || told === "content_policy") return told;
  if (status >= SERVER_FAULT_MIN) {
    return told === "overloaded" ? told : (BY_STATUS.get(status) ?? "server_error");
  }
  if (told !== null && TELLING_TYPES.get(status)?.has(told) === true) return told;
  const known = BY_STATUS.get(status) ?? "bad_request";
  // Whoever answers with a page is not the API: a proxy, or a wrong address.
  const isAboutRequest = known === "bad_request" || known === "model_missing";
  return isAboutRequest && isPage(headers) ? "protocol" : known;
}

function ofFault(fault: UpstreamFault): ErrorClass {
  if (fault.cause !== undefined) return fault.cause;
  const byType = BY_TYPE.get(fault.type) ?? "protocol";
  if (byType !== "bad_request") return byType;
  return BY_MESSAGE.find(([words]) => words.test(fault.message))?.[1] ?? byType;
}

function isPage(headers: Readonly<Record<string, string>>): boolean {
  return headers["content-type"]?.toLowerCase().startsWith("text/html") === true;
}
