/** Why a Gemini answer ended, in the words of the Messages API. */

/** `error`: the model failed, and asking again may help. */
export type Finish = { readonly stopReason: string } | { readonly error: string };

const REFUSALS = new Set([
  "SAFETY",
  "RECITATION",
  "LANGUAGE",
  "BLOCKLIST",
  "PROHIBITED_CONTENT",
  "SPII",
  "MODEL_ARMOR",
  "IMAGE_SAFETY",
  "IMAGE_PROHIBITED_CONTENT",
  "IMAGE_RECITATION",
]);
const FAILURES = new Set([
  "MALFORMED_FUNCTION_CALL",
  "UNEXPECTED_TOOL_CALL",
  "TOO_MANY_TOOL_CALLS",
  "MISSING_THOUGHT_SIGNATURE",
  "MALFORMED_RESPONSE",
]);

/**
 * The end that a `finishReason` stands for. One that is not known, OTHER among them, is the end of what
 * was said, and a failure where nothing was.
 * Source: ai.google.dev/api/generate-content#FinishReason, compared 2026-11-23.
 */
export function finishOf(
  reason: string,
  answer: { readonly calledTools: boolean; readonly isEmpty: boolean },
): Finish {
  if (reason === "MAX_TOKENS") return { stopReason: "max_tokens" };
  if (REFUSALS.has(reason)) return { stopReason: "refusal" };
  if (FAILURES.has(reason)) return { error: `The model's answer ended with ${reason}.` };
  if (reason !== "STOP" && answer.isEmpty)
    return { error: `The model answered nothing and ended with ${reason.slice(0, 64)}.` };
  return { stopReason: answer.calledTools ? "tool_use" : "end_turn" };
}
