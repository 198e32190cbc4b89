/** What the gateway reads of a Messages body, by a scan over its bytes. The rest is never looked at. */
import type { BodyFacts } from "../../core/body-facts.ts";

/** Byte offsets into the body, `start` inclusive, `end` exclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Top-level fields whose byte range the gateway may need: for splices, and for building a count. */
export type FieldName =
  | "model"
  | "stream"
  | "max_tokens"
  | "thinking"
  | "metadata"
  | "tools"
  | "tool_choice"
  | "speed"
  | "inference_geo"
  | "service_tier"
  | "context_management"
  | "output_config"
  | "mcp_servers"
  | "cache_control"
  | "fallbacks"
  | "container"
  | "system"
  | "messages";

export interface MessagesBody {
  readonly byteLength: number;
  /** Offset of the root object's closing brace, and whether nothing stands before it. */
  readonly closeAt: number;
  readonly isEmpty: boolean;
  /** Decoded. Null where missing or not a string. */
  readonly model: string | null;
  readonly stream: boolean;
  /** Null where missing or not a non-negative integer. */
  readonly maxTokens: number | null;
  /** `thinking.budget_tokens`; null where there is none. */
  readonly thinkingBudgetTokens: number | null;
  /** `session_id` inside `metadata.user_id`, a JSON string; null where there is none. */
  readonly sessionId: string | null;
  /** Value ranges of the top-level fields that are present. */
  readonly fields: Partial<Readonly<Record<FieldName, ByteRange>>>;
  /** Where `max_uses` of each server tool stands or would be spliced in; same order as the facts'. */
  readonly maxUses: readonly { readonly value: ByteRange | null; readonly insertAt: number }[];
  readonly facts: BodyFacts;
}

/** Why a body cannot be forwarded: `offset` in bytes from its start. */
export interface BodyFault {
  readonly offset: number;
  /** In words for the developer: "top-level key \"model\" appears twice". */
  readonly problem: string;
}

export type ScannedBody =
  | { readonly ok: true; readonly body: MessagesBody }
  | { readonly ok: false; readonly fault: BodyFault };
