/** What a `type` inside a body says about the cost of the block that carries it. */

export type BlockMeaning = "plain" | "image" | "opaque" | "compaction" | "unknown";

/**
 * Content whose bytes say nothing about its tokens: documents (a short PDF may be a thousand pages),
 * files and URLs that the provider fetches, and what it has stored or encrypted.
 */
const OPAQUE = [
  "document",
  "file",
  "url",
  "container_upload",
  "redacted_thinking",
  "encrypted_code_execution_result",
  "advisor_redacted_result",
] as const;

/**
 * Types of the Messages API whose cost is in the bytes around them (@anthropic-ai/sdk 1.12.0, the
 * parameters of `beta.messages.create`, read 2026-11-23). A type that is on no list is not trusted.
 */
const PLAIN = [
  "advisor_result",
  "advisor_tool_result",
  "advisor_tool_result_error",
  "approximate",
  "base64",
  "bash_code_execution_output",
  "bash_code_execution_result",
  "bash_code_execution_tool_result",
  "bash_code_execution_tool_result_error",
  "browser_state",
  "char_location",
  "code_execution_output",
  "code_execution_result",
  "code_execution_tool_result",
  "code_execution_tool_result_error",
  "compaction",
  "content",
  "content_block_location",
  "coordinate",
  "custom",
  "direct",
  "download_completed",
  "download_failed",
  "download_started",
  "ephemeral",
  "fallback",
  "mcp_tool_listing",
  "mcp_tool_reference",
  "mcp_tool_result",
  "mcp_tool_use",
  "mcp_toolset_reference",
  "message",
  "object",
  "page_location",
  "ref",
  "refusal",
  "search_result",
  "search_result_location",
  "server_tool_use",
  "tab_opened",
  "text",
  "text_editor_code_execution_create_result",
  "text_editor_code_execution_str_replace_result",
  "text_editor_code_execution_tool_result",
  "text_editor_code_execution_tool_result_error",
  "text_editor_code_execution_view_result",
  "thinking",
  "tokens",
  "tool_addition",
  "tool_definition",
  "tool_reference",
  "tool_removal",
  "tool_result",
  "tool_search_tool_result",
  "tool_search_tool_result_error",
  "tool_search_tool_search_result",
  "tool_use",
  "web_fetch_result",
  "web_fetch_tool_result",
  "web_fetch_tool_result_error",
  "web_search_result",
  "web_search_result_location",
  "web_search_tool_result",
  "web_search_tool_result_error",
] as const;

const MEANINGS = new Map<string, BlockMeaning>([
  ["image", "image"],
  ...OPAQUE.map((type) => [type, "opaque"] as const),
  ...PLAIN.map((type) => [type, "plain"] as const),
]);

/** Callers of a tool name the code execution that called it: `caller.type` is "code_execution_20260120". */
const CALLER = /^code_execution_\d+$/;

/** What a decoded `type` means; "unknown" where no list has it. */
export function meaningOf(type: string): BlockMeaning {
  const meaning = MEANINGS.get(type);
  if (meaning !== undefined) return meaning;
  if (type.startsWith("compact_")) return "compaction";
  return CALLER.test(type) ? "plain" : "unknown";
}

/** Edits of `context_management` that only take away: no sampling pass of their own. */
const HARMLESS_EDIT = /^(clear_.*|input_tokens|tool_uses|thinking_turns|all|none)$/;

/** True where an unknown `type` inside `context_management` may ask for a further sampling pass. */
export function isCompactionEdit(type: string): boolean {
  return !HARMLESS_EDIT.test(type);
}

/** Tools that the provider defines and the client runs. */
const CLIENT_RUN = /^(bash|text_editor|computer|computer_toolset|browser_toolset|memory)_\d+$/;
/** Void without an entry of `mcp_servers`, which counts by itself. */
const MCP_TOOLSET = "mcp_toolset";

/** True where the provider may run the tool itself, in further sampling passes. */
export function isServerRun(type: string): boolean {
  return type !== MCP_TOOLSET && !CLIENT_RUN.test(type);
}
