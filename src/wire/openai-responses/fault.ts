/** Puts the errors of the Responses API into the words of the Messages API. */
import type { UpstreamFault } from "../answer.ts";
import { isObject, parseJson } from "../anthropic/value.ts";

type Json = Readonly<Record<string, unknown>>;

const MESSAGE_MAX_CHARACTERS = 2000;

/**
 * By `code`, then `type` of an error object. Only what decides on a retry, a fail-over or a key is told
 * apart. Source: openai-node of 2026-08-21, `ResponseError`; OpenAI's guide to error codes; read 2026-11-23.
 */
const TYPE_BY_CODE: ReadonlyMap<string, string> = new Map([
  ["rate_limit_exceeded", "rate_limit_error"],
  ["rate_limit_error", "rate_limit_error"],
  ["too_many_requests", "rate_limit_error"],
  ["insufficient_quota", "billing_error"],
  ["billing_hard_limit_reached", "billing_error"],
  ["billing_not_active", "billing_error"],
  ["server_error", "api_error"],
  ["internal_server_error", "api_error"],
  ["overloaded_error", "overloaded_error"],
  ["server_is_overloaded", "overloaded_error"],
  ["engine_overloaded", "overloaded_error"],
  ["slow_down", "overloaded_error"],
  ["service_unavailable", "overloaded_error"],
  ["timeout", "timeout_error"],
  ["invalid_api_key", "authentication_error"],
  ["authentication_error", "authentication_error"],
  ["permission_error", "permission_error"],
  ["model_not_found", "not_found_error"],
  ["deploymentnotfound", "not_found_error"],
  ["invalid_request_error", "invalid_request_error"],
  ["invalid_prompt", "invalid_request_error"],
  ["context_length_exceeded", "invalid_request_error"],
]);

const TYPE_BY_STATUS: ReadonlyMap<number, string> = new Map([
  [400, "invalid_request_error"],
  [401, "authentication_error"],
  [402, "billing_error"],
  [403, "permission_error"],
  [404, "not_found_error"],
  [408, "timeout_error"],
  [413, "request_too_large"],
  [422, "invalid_request_error"],
  [429, "rate_limit_error"],
  [503, "overloaded_error"],
  [504, "timeout_error"],
  [529, "overloaded_error"],
]);

const CONTENT_POLICY = /content_filter|content_policy|policy_violation|^(?:bio|cyber)_policy$/;
const POLICY_MESSAGE = /usage polic|content (?:management )?polic/i;
const CONTEXT_MESSAGE = /context (?:window|length)|maximum context|too many input tokens/i;

/** The fault of an answer with an error status. Never throws, whatever the body is. */
export function faultOfBody(status: number, body: Buffer): UpstreamFault {
  const parsed = parseJson(body.toString("utf8"));
  const error = errorIn(parsed);
  const isOfClient = status >= 400 && status < 500;
  const statusType = TYPE_BY_STATUS.get(status) ?? (isOfClient ? OF_CLIENT : "api_error");
  if (error === null) {
    return {
      type: statusType,
      message: `the upstream answered ${status} without a readable error`,
    };
  }
  return faultOf(error, statusType);
}

const OF_CLIENT = "invalid_request_error";

/** The error object of a body, an event or a failed response: nested, flat, or only a text. */
export function errorIn(value: unknown): Json | null {
  if (!isObject(value)) return null;
  const { error, message, detail } = value;
  if (isObject(error)) return error;
  if (typeof error === "string") return { message: error };
  if (typeof message === "string") return value;
  return typeof detail === "string" ? { message: detail } : null;
}

/** The fault of an error object; `otherwise` is its type where no code tells. */
export function faultOf(error: Json, otherwise = "api_error"): UpstreamFault {
  const code = wordOf(error["code"]);
  const kind = wordOf(error["type"]);
  const message = messageOf(error, code);
  const type = typeOf(code, kind, otherwise);
  if (isPolicy(code, message, type)) {
    return { type: OF_CLIENT, message, cause: "content_policy" };
  }
  const isLong = code === "context_length_exceeded" || CONTEXT_MESSAGE.test(message);
  if (isLong && type === OF_CLIENT) return { type, message, cause: "context_length" };
  return { type, message };
}

function typeOf(code: string, kind: string, otherwise: string): string {
  const named = TYPE_BY_CODE.get(code) ?? (code.includes("image") ? OF_CLIENT : undefined);
  if (named !== undefined) return named;
  // The most general type says less than the status does.
  if (kind === OF_CLIENT && otherwise !== "api_error") return otherwise;
  return TYPE_BY_CODE.get(kind) ?? otherwise;
}

function isPolicy(code: string, message: string, type: string): boolean {
  if (CONTENT_POLICY.test(code)) return true;
  return type === OF_CLIENT && POLICY_MESSAGE.test(message);
}

function messageOf(error: Json, code: string): string {
  const message = error["message"];
  if (typeof message === "string" && message !== "")
    return message.slice(0, MESSAGE_MAX_CHARACTERS);
  return code === "" ? "the upstream gave no reason" : `the upstream failed: ${code}`;
}

function wordOf(value: unknown): string {
  return typeof value === "string" ? value.toLowerCase().slice(0, 100) : "";
}
