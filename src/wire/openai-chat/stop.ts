/** Why an answer ended: `finish_reason` in the words of the Messages API. */
import type { UpstreamFault } from "../answer.ts";

/**
 * Reasons that end an answer. Not listed: an end like any other.
 *
 * Source: openai-node of 2026-08-21 and the references of Mistral (`model_length`), DeepSeek, Z.ai
 * (`sensitive`) and Together (`eos`); read 2026-11-23.
 */
const STOP_REASONS = new Map([
  ["stop", "end_turn"],
  ["eos", "end_turn"],
  ["length", "max_tokens"],
  ["model_length", "max_tokens"],
  ["model_context_window_exceeded", "model_context_window_exceeded"],
  ["tool_calls", "tool_use"],
  ["function_call", "tool_use"],
  ["content_filter", "refusal"],
  ["sensitive", "refusal"],
]);

/** Reasons that break an answer off: it is not whole. */
const FAULTS = new Map<string, UpstreamFault>([
  ["error", { type: "api_error", message: "the provider broke its answer off" }],
  ["network_error", { type: "api_error", message: "the provider broke its answer off" }],
  ["abort", { type: "api_error", message: "the provider aborted its answer" }],
  [
    "insufficient_system_resource",
    { type: "overloaded_error", message: "the provider ran out of resources for its answer" },
  ],
]);

/** The fault that a reason tells; null for an ending. */
export function faultOfReason(reason: string): UpstreamFault | null {
  return FAULTS.get(reason) ?? null;
}

/** The stop reason of the Messages API. Servers say "stop" after tool calls, and the reverse. */
export function stopReasonOf(
  reason: string,
  of: { readonly calls: number; readonly isRefused: boolean; readonly isSequence: boolean },
): string {
  const told = STOP_REASONS.get(reason) ?? "end_turn";
  if (told !== "end_turn" && told !== "tool_use") return told;
  if (of.isRefused) return "refusal";
  if (of.calls > 0) return "tool_use";
  return of.isSequence ? "stop_sequence" : "end_turn";
}
