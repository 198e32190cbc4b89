/** Reads how a response ended: its stop reason, its usage, its error. */
import type { UpstreamFault } from "../answer.ts";
import { isObject } from "../anthropic/value.ts";
import type { BilledUsage } from "../../core/usage.ts";
import { errorIn, faultOf } from "./fault.ts";
import type { OrderedItems } from "./items.ts";
import { billedOf } from "./usage.ts";

type Json = Readonly<Record<string, unknown>>;

export interface ResponseEnding {
  readonly billed: BilledUsage | null;
  /** Null where the response did not come to an end of its own. */
  readonly stopReason: string | null;
  readonly error: UpstreamFault | null;
}

/** The end of a response object; failed and unfinished ones bill, too, where they tell usage. */
export function endingOf(response: Json, items: OrderedItems): ResponseEnding {
  const billed = billedOf(response["usage"], response["service_tier"]);
  const error = errorOf(response);
  return { billed, stopReason: error === null ? stopReasonOf(response, items) : null, error };
}

function errorOf(response: Json): UpstreamFault | null {
  const { status } = response;
  const error = errorIn({ error: response["error"] });
  if (status === "failed" || error !== null) return faultOf(error ?? {});
  // Servers that leave the status out answer when they are done.
  if (status === undefined || status === "completed" || status === "incomplete") return null;
  return { type: "api_error", message: "the upstream ended a response unfinished" };
}

function stopReasonOf(response: Json, items: OrderedItems): string {
  if (response["status"] === "incomplete") {
    const details = response["incomplete_details"];
    const reason = isObject(details) ? details["reason"] : null;
    return reason === "content_filter" ? "refusal" : "max_tokens";
  }
  if (items.hasTools) return "tool_use";
  return items.isRefused ? "refusal" : "end_turn";
}
