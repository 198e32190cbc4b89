/** The conversation of a Messages request as the messages of chat completions. */
import type {
  Block,
  CanonicalRequest,
  ThinkingBlock,
  ToolResultBlock,
  ToolUseBlock,
  Turn,
} from "../canonical/request.ts";
import type { Quirk } from "../egress.ts";
import type { Losing } from "./losses.ts";
import { contentOf, partsOf, textPart, type Part, type TextPart } from "./parts.ts";
import { toolCallId } from "./tools.ts";

interface ToolCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

export interface ChatMessage {
  readonly role: "developer" | "system" | "user" | "assistant" | "tool";
  readonly content: string | readonly Part[] | null;
  readonly tool_calls?: readonly ToolCall[];
  readonly tool_call_id?: string;
  readonly reasoning_content?: string;
}

/** What marks a failed tool: chat completions know no `is_error`. */
const TOOL_FAILED = "[The tool failed.]";

/** Begins the block that carries Claude Code's version and a hash that differs from call to call. */
const ATTRIBUTION = "x-anthropic-billing-header:";

/** What every step of the translation needs. */
interface Scene {
  readonly quirks: ReadonlySet<Quirk>;
  readonly losing: Losing;
}

/** All messages; `instruction` is added to the system prompt. */
export function messagesOf(
  request: CanonicalRequest,
  scene: Scene,
  instruction: string | null,
): readonly ChatMessage[] {
  if (request.turns.at(-1)?.role === "assistant")
    scene.losing.lose("messages.prefill", "a last turn of the assistant");
  const messages = [
    ...systemMessages(request, scene, instruction),
    ...unsplit(request.turns).flatMap((turn) => turnMessages(turn, scene)),
  ];
  return scene.quirks.has("strict-alternation") ? alternating(messages, scene) : messages;
}

/** Where a client has split calls, or their results, over turns of one role, they stand together again. */
function unsplit(turns: readonly Turn[]): readonly Turn[] {
  const merged: Turn[] = [];
  for (const turn of turns) {
    const last = merged.at(-1);
    if (last === undefined || !belongsTo(last, turn)) merged.push(turn);
    else merged[merged.length - 1] = { ...turn, blocks: [...last.blocks, ...turn.blocks] };
  }
  return merged;
}

function belongsTo(last: Turn, turn: Turn): boolean {
  if (last.role !== turn.role || turn.role === "system") return false;
  return turn.role === "assistant" ? holds(last, "tool_use") : holds(turn, "tool_result");
}

function holds({ blocks }: Turn, type: Block["type"]): boolean {
  return blocks.some((block) => block.type === type);
}

function systemMessages(
  { system }: CanonicalRequest,
  scene: Scene,
  instruction: string | null,
): readonly ChatMessage[] {
  const isAttribution = (text: string) => text.startsWith(ATTRIBUTION);
  if (system.some(({ text }) => isAttribution(text))) scene.losing.lose("system.attribution");
  const blocks = system.filter(({ text }) => !isAttribution(text));
  const parts = [
    ...blockParts(blocks, scene),
    ...(instruction === null ? [] : [textPart(instruction)]),
  ];
  return parts.length === 0 ? [] : [systemMessage(parts, scene)];
}

function systemMessage(parts: readonly Part[], { quirks }: Scene): ChatMessage {
  if (quirks.has("system-role")) return { role: "system", content: contentOf(parts, true) };
  return { role: "developer", content: contentOf(parts, false) };
}

/** Blocks that have no place in a turn of a role; upstream they would be refused or go unread. */
const MISPLACED: Readonly<Record<Turn["role"], ReadonlySet<Block["type"]>>> = {
  user: new Set(["tool_use", "thinking", "redacted_thinking"]),
  assistant: new Set(["tool_result", "image", "document"]),
  system: new Set(["tool_use", "tool_result", "thinking", "redacted_thinking"]),
};

function turnMessages(turn: Turn, scene: Scene): readonly ChatMessage[] {
  const misplaced = turn.blocks.find(({ type }) => MISPLACED[turn.role].has(type));
  if (misplaced !== undefined)
    scene.losing.lose("messages.content", `${misplaced.type} in a turn of ${turn.role}`);
  if (turn.role === "assistant") return assistantMessages(turn.blocks, scene);
  if (turn.role === "user") return userMessages(turn.blocks, scene);
  const parts = blockParts(turn.blocks, scene);
  if (parts.length === 0) return [];
  if (!scene.quirks.has("strict-alternation")) return [systemMessage(parts, scene)];
  scene.losing.lose("messages.role");
  return [{ role: "user", content: parts }];
}

function blockParts(blocks: readonly Block[], { quirks, losing }: Scene): readonly Part[] {
  return blocks.flatMap((block) => {
    if ("cached" in block && block.cached) losing.lose("cache_control");
    return partsOf(block, quirks, losing);
  });
}

/** Results come first, each a message of its own; images in them follow in the user's message. */
function userMessages(blocks: readonly Block[], scene: Scene): readonly ChatMessage[] {
  const messages: ChatMessage[] = [];
  const moved: Part[] = [];
  for (const block of blocks) {
    if (block.type !== "tool_result") continue;
    const result = resultOf(block, scene);
    messages.push(result.message);
    moved.push(...result.moved);
  }
  const parts = [...moved, ...blockParts(blocks, scene)];
  if (parts.length === 0) return messages;
  const content = contentOf(parts, scene.quirks.has("no-images"));
  return [...messages, { role: "user", content }];
}

function resultOf(
  block: ToolResultBlock,
  scene: Scene,
): { readonly message: ChatMessage; readonly moved: readonly Part[] } {
  const parts = blockParts(block.parts, scene);
  const texts: TextPart[] = parts.filter((part) => part.type === "text");
  const files = parts.filter((part) => part.type !== "text");
  const id = toolCallId(block.toolUseId, scene.quirks);
  if (block.isError) texts.unshift(textPart(TOOL_FAILED));
  if (files.length > 0) texts.push(textPart("[Its files are in the user's next message.]"));
  const content = texts.length === 0 ? "" : contentOf(texts, scene.quirks.has("tool-results-text"));
  const label = textPart(`[Files of the tool result ${id}:]`);
  return {
    message: { role: "tool", tool_call_id: id, content },
    moved: files.length === 0 ? [] : [label, ...files],
  };
}

function assistantMessages(blocks: readonly Block[], scene: Scene): readonly ChatMessage[] {
  const calls = blocks.filter((block): block is ToolUseBlock => block.type === "tool_use");
  const text = blockParts(blocks, scene)
    .flatMap((part) => (part.type === "text" ? [part.text] : []))
    .join("\n\n");
  const reasoning = reasoningOf(blocks, calls.length > 0, scene);
  if (text === "" && calls.length === 0) return [];
  return [
    {
      role: "assistant",
      content: text === "" ? null : text,
      ...(reasoning === null ? {} : { reasoning_content: reasoning }),
      ...(calls.length === 0 ? {} : { tool_calls: calls.map((call) => toolCall(call, scene)) }),
    },
  ];
}

function toolCall({ id, name, input }: ToolUseBlock, { quirks }: Scene): ToolCall {
  const call = { name, arguments: JSON.stringify(input) };
  return { id: toolCallId(id, quirks), type: "function", function: call };
}

/**
 * What goes back as `reasoning_content`; null for nothing. Beside tool calls an empty one is sent too:
 * DeepSeek refuses a turn with calls that has none (api-docs.deepseek.com/guides/thinking_mode, 2026-11).
 */
function reasoningOf(
  blocks: readonly Block[],
  hasCalls: boolean,
  { quirks, losing }: Scene,
): string | null {
  if (blocks.some((block) => block.type === "redacted_thinking")) losing.lose("redacted_thinking");
  const thinking = blocks.filter((block): block is ThinkingBlock => block.type === "thinking");
  if (thinking.some(({ signature }) => signature !== "")) losing.lose("thinking.signature");
  const text = thinking.map((block) => block.text).join("");
  if (quirks.has("reasoning-returned")) return text === "" && !hasCalls ? null : text;
  if (text !== "") losing.lose("thinking.thinking");
  return null;
}

/** Merges neighbours of one role; between a tool's result and the user, the assistant says a word. */
function alternating(messages: readonly ChatMessage[], { quirks }: Scene): readonly ChatMessage[] {
  const joined = quirks.has("no-images");
  const merged: ChatMessage[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    if (last?.role === "tool" && message.role === "user")
      merged.push({ role: "assistant", content: "I have the results." });
    if (last !== undefined && last.role === message.role && message.role !== "tool")
      merged[merged.length - 1] = mergedMessage(last, message, joined);
    else if (message.role === "user")
      merged.push({ ...message, content: contentOf(listOf(message), joined) });
    else merged.push(message);
  }
  return merged;
}

function mergedMessage(first: ChatMessage, second: ChatMessage, joined: boolean): ChatMessage {
  const parts = [...listOf(first), ...listOf(second)];
  const calls = [...(first.tool_calls ?? []), ...(second.tool_calls ?? [])];
  const reasoning = [first.reasoning_content, second.reasoning_content].filter(
    (text) => text !== undefined,
  );
  return {
    role: first.role,
    content: parts.length === 0 ? null : contentOf(parts, joined || first.role !== "user"),
    ...(reasoning.length === 0 ? {} : { reasoning_content: reasoning.join("") }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

function listOf({ content }: ChatMessage): readonly Part[] {
  if (content === null) return [];
  return typeof content === "string" ? [textPart(content)] : content;
}
