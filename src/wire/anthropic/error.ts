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
