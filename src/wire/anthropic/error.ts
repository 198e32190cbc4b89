/** Tollgate's refusals in the words of the Messages API. */
import { REFUSALS } from "../../core/refusal.ts";
import type { Refusal } from "../../core/refusal.ts";

/** The body of a refusal: the Messages API's error envelope as JSON. Its status is in `REFUSALS`. */
export function anthropicErrorBody(refusal: Refusal, requestId: string): string {
  const { type } = REFUSALS[refusal.code];
  return JSON.stringify({
    type: "error",
    error: { type, message: refusal.message },
    request_id: requestId,
  });
}

/** The same as an event of a stream whose head has gone out already. */
export function anthropicErrorEvent(refusal: Refusal, requestId: string): string {
  return `event: error\ndata: ${anthropicErrorBody(refusal, requestId)}\n\n`;
}

const STATUSES: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** The status that the Messages API sends with an error of this type (Anthropic API reference, Errors). */
export function anthropicStatusOf(type: string): number {
  return STATUSES[type] ?? 500;
}
