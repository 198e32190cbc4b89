/** Turns a conversation's turns into the input items of the Responses API. */
import { createHash } from "node:crypto";
import type {
  Block,
  RedactedThinkingBlock,
  ResultPart,
  ThinkingBlock,
  ToolResultBlock,
  ToolUseBlock,
  Turn,
} from "../canonical/request.ts";
import { inputParts, type ContentScope, type Part } from "./content.ts";
import { unsealReasoning } from "./seal.ts";

type Item = Readonly<Record<string, unknown>>;

interface InputScope extends ContentScope {
  /** False: reasoning of earlier turns stays away, as the request wants none. */
  readonly keepsReasoning: boolean;
}

/** Begins the output of a tool that failed: the Responses API has no flag for it. */
export const ERROR_MARK = "Error: ";
const CALL_ID_MAX = 64;
const ROLES = { user: "user", assistant: "assistant", system: "developer" } as const;

/**
 * The items of a conversation, in its order. Reasoning that nothing of its own answer follows is left
 * out: the API takes none without the item that it led to.
 */
export function inputOf(turns: readonly Turn[], scope: InputScope): readonly Item[] {
  const items: Item[] = [];
  for (const turn of turns) new TurnWriter(turn, items, scope).write();
  if (turns.at(-1)?.role === "assistant") scope.lost.add("messages.prefill");
  return withoutDangling(items, scope);
}

class TurnWriter {
  readonly #turn: Turn;
  readonly #items: Item[];
  readonly #scope: InputScope;
  #parts: Part[] = [];

  constructor(turn: Turn, items: Item[], scope: InputScope) {
    this.#turn = turn;
    this.#items = items;
    this.#scope = scope;
  }

  write(): void {
    for (const block of this.#turn.blocks) this.#block(block);
    this.#endMessage();
  }

  #block(block: Block): void {
    switch (block.type) {
      case "tool_use":
        return this.#item(functionCall(block, this.#scope));
      case "tool_result":
        return this.#item(functionCallOutput(block, this.#scope));
      case "thinking":
      case "redacted_thinking":
        return this.#reasoning(block);
      default:
        this.#parts.push(...this.#partsOf(block));
    }
  }

  #partsOf(block: ResultPart): readonly Part[] {
    const parts = inputParts(block, this.#scope);
    if (this.#turn.role !== "assistant") return parts;
    return parts.map((part) =>
      part["type"] === "input_text" ? { ...part, type: "output_text" } : part,
    );
  }

  #reasoning(block: ThinkingBlock | RedactedThinkingBlock): void {
    const isShown = block.type === "thinking";
    const sealed = unsealReasoning(isShown ? block.signature : block.data);
    if (sealed === null || !this.#scope.keepsReasoning) {
      this.#scope.lost.add(isShown ? "thinking.signature" : "redacted_thinking");
      return;
    }
    const text = isShown ? block.text : "";
    this.#item({
      type: "reasoning",
      ...(sealed.id === "" ? {} : { id: sealed.id }),
      summary: text === "" ? [] : [{ type: "summary_text", text }],
      encrypted_content: sealed.encryptedContent,
    });
  }

  #item(item: Item): void {
    this.#endMessage();
    this.#items.push(item);
  }

  #endMessage(): void {
    if (this.#parts.length === 0) return;
    const role = ROLES[this.#turn.role];
    this.#items.push({ type: "message", role, content: this.#parts });
    this.#parts = [];
  }
}

function functionCall({ id, name, input, cached }: ToolUseBlock, { lost }: ContentScope): Item {
  if (cached) lost.add("cache_control");
  return {
    type: "function_call",
    call_id: callId(id),
    name,
    arguments: JSON.stringify(input),
  };
}

function functionCallOutput(block: ToolResultBlock, scope: ContentScope): Item {
  if (block.cached) scope.lost.add("cache_control");
  const parts = block.parts.flatMap((part) => inputParts(part, scope));
  const output = outputOf(parts, scope);
  return {
    type: "function_call_output",
    call_id: callId(block.toolUseId),
    output: block.isError ? marked(output) : output,
  };
}

function outputOf(
  parts: readonly Part[],
  { quirks, lost }: ContentScope,
): string | readonly Part[] {
  const texts = parts.map(({ text }) => text).filter((text) => typeof text === "string");
  if (texts.length === parts.length && texts.length < 2) return texts[0] ?? "";
  if (!quirks.has("tool-results-text")) return parts;
  if (texts.length < parts.length) lost.add("tool_result.content");
  return texts.join("\n\n");
}

function marked(output: string | readonly Part[]): string | readonly Part[] {
  if (typeof output === "string") return ERROR_MARK + output;
  return [{ type: "input_text", text: ERROR_MARK }, ...output];
}

/** Ids come from any door of the session; the API takes 64 characters (its refusal string_above_max_length, read 2026-11-23). */
function callId(id: string): string {
  if (id.length <= CALL_ID_MAX) return id;
  return `call_${createHash("sha256").update(id).digest("hex").slice(0, 32)}`;
}

function withoutDangling(items: readonly Item[], { lost }: ContentScope): readonly Item[] {
  const kept: Item[] = [];
  let isFollowed = false;
  for (const item of items.toReversed()) {
    const isReasoning = item["type"] === "reasoning";
    if (isReasoning && !isFollowed) {
      lost.add(isShownReasoning(item) ? "thinking.signature" : "redacted_thinking");
      continue;
    }
    if (!isReasoning) isFollowed = item["type"] === "function_call" || item["role"] === "assistant";
    kept.push(item);
  }
  return kept.reverse();
}

function isShownReasoning({ summary }: Item): boolean {
  return Array.isArray(summary) && summary.length > 0;
}
