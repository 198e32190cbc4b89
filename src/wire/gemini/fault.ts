/** Google's error bodies in the words of the Messages API. */
import type { UpstreamFault } from "../answer.ts";
import { isObject, parseJson } from "../anthropic/value.ts";

const MESSAGE_MAX = 2000;

/** By `error.status`, Google's canonical code (cloud.google.com/apis/design/errors, 2026-11-23). */
const TYPE_OF_CODE: ReadonlyMap<string, string> = new Map([
  ["INVALID_ARGUMENT", "invalid_request_error"],
  ["FAILED_PRECONDITION", "invalid_request_error"],
  ["OUT_OF_RANGE", "invalid_request_error"],
  ["UNAUTHENTICATED", "authentication_error"],
  ["PERMISSION_DENIED", "permission_error"],
  ["NOT_FOUND", "not_found_error"],
  ["RESOURCE_EXHAUSTED", "rate_limit_error"],
  ["UNAVAILABLE", "overloaded_error"],
  ["DEADLINE_EXCEEDED", "timeout_error"],
]);
const TYPE_OF_STATUS: ReadonlyMap<number, string> = new Map([
  [400, "invalid_request_error"],
  [401, "authentication_error"],
  [402, "billing_error"],
  [403, "permission_error"],
  [404, "not_found_error"],
  [413, "request_too_large"],
  [429, "rate_limit_error"],
  [503, "overloaded_error"],
  [504, "timeout_error"],
]);

const TOO_LONG =
  /token count.*exceeds|exceeds the maximum number of (?:input )?tokens|context (?:length|window)|(?:input|prompt) is too long/is;
const BLOCKED = /prohibited|safety|usage (?:guidelines|policy)|blocked by|responsible ai/i;
const COUNTS = /token count \((\d+)\) exceeds[^(]*\((\d+)\)/i;

/** The fault that a body tells of; it may be wrapped in a list, be HTML, or be empty. */
export function geminiFault(status: number, body: Buffer): UpstreamFault {
  const error = errorOf(parseJson(body.toString("utf8")));
  return error === null
    ? { type: typeOf(status, {}), message: `The upstream answered ${status} without saying why.` }
    : faultOf(error, status);
}

/** The `error` object of an answer's value, list or not; null where it has none. */
export function errorOf(value: unknown): Readonly<Record<string, unknown>> | null {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  if (!isObject(first)) return null;
  return isObject(first["error"]) ? first["error"] : null;
}

/** The fault of an `error` object; `status` is the answer's, for where the object has none. */
export function faultOf(error: Readonly<Record<string, unknown>>, status: number): UpstreamFault {
  const told = typeof error["message"] === "string" ? error["message"].slice(0, MESSAGE_MAX) : "";
  const code = typeof error["code"] === "number" ? error["code"] : status;
  const type = typeOf(status >= 300 ? status : code, error);
  const message = told === "" ? `The upstream answered ${code} without saying why.` : told;
  if (type === "invalid_request_error" && TOO_LONG.test(told))
    return { type, message: tooLong(told), cause: "context_length" };
  if (type === "invalid_request_error" && BLOCKED.test(told))
    return { type, message, cause: "content_policy" };
  const retryAfterMs = retryAfterOf(error);
  return { type, message, ...(retryAfterMs === null ? {} : { retryAfterMs }) };
}

function typeOf(status: number, error: Readonly<Record<string, unknown>>): string {
  // A wrong key comes as 400 INVALID_ARGUMENT.
  if (detailsOf(error).some(({ reason }) => String(reason).startsWith("API_KEY_")))
    return "authentication_error";
  const byCode =
    typeof error["status"] === "string" ? TYPE_OF_CODE.get(error["status"]) : undefined;
  return (
    byCode ?? TYPE_OF_STATUS.get(status) ?? (status < 500 ? "invalid_request_error" : "api_error")
  );
}

/** In the words by which clients know that a conversation must be made shorter. */
function tooLong(told: string): string {
  const counts = COUNTS.exec(told);
  return counts === null
    ? `prompt is too long: ${told}`
    : `prompt is too long: ${counts[1]} tokens > ${counts[2]} maximum`;
}

/** The delay of `google.rpc.RetryInfo` ("34.07s"), rounded up. */
function retryAfterOf(error: Readonly<Record<string, unknown>>): number | null {
  for (const { retryDelay } of detailsOf(error))
    if (typeof retryDelay === "string" && /^\d{1,9}(?:\.\d{1,9})?s$/.test(retryDelay))
      return Math.ceil(Number.parseFloat(retryDelay) * 1000);
  return null;
}

function detailsOf(error: Readonly<Record<string, unknown>>) {
  return Array.isArray(error["details"]) ? error["details"].filter(isObject) : [];
}
