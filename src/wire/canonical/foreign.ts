/** Thinking that Anthropic did not sign: what it refuses in a conversation, and what becomes of it. */
import { GEMINI_SEAL } from "../gemini/signature.ts";
import { RESPONSES_SEAL } from "../openai-responses/seal.ts";
import type { Block, Turn } from "./request.ts";

/** Begin what other doors put into signatures and redactions to have it back with the next turn. */
export const SEALS: readonly string[] = [RESPONSES_SEAL, GEMINI_SEAL];

/** True of a signature, or redacted data, that Anthropic did not make: none at all, or a seal of ours. */
export function isForeignSignature(signature: string): boolean {
  return signature === "" || SEALS.some((seal) => signature.startsWith(seal));
}

/** A block that Anthropic answers 400 to. */
export function isForeignThinking(block: Block): boolean {
  if (block.type === "thinking") return isForeignSignature(block.signature);
  return block.type === "redacted_thinking" && isForeignSignature(block.data);
}

/**
 * Whether the conversation stands in the middle of tool calls whose first answer does not begin with
 * thinking that Anthropic knows. With a thinking budget the API refuses that, and names the remedy: to
 * disable thinking until the calls are through. Adaptive thinking demands no such thing.
 *
 * Source: Anthropic's refusal "a final assistant message must start with a thinking block", and the guides
 * to extended and adaptive thinking, 2026-11.
 */
export function lacksLoopThinking(turns: readonly Turn[]): boolean {
  let first: readonly Block[] | null = null;
  for (const { role, blocks } of turns.toReversed()) {
    if (role === "assistant") first = blocks;
    else if (role === "user" && !blocks.some(({ type }) => type === "tool_result")) break;
  }
  if (first === null || turns.at(-1)?.role === "assistant") return false;
  const head = first.find((block) => !isForeignThinking(block));
  return head?.type !== "thinking" && head?.type !== "redacted_thinking";
}
