/** What the rehearsal model needs of a Messages body, checked as far as it is used. */
import { isObject, readCacheTtl } from "./json.ts";
import type { CacheTtl, JsonObject } from "./json.ts";

/** A content block, a tool or a part of the system prompt, as it was sent. */
export type Block = JsonObject;

export interface Turn {
  readonly role: "user" | "assistant" | "system";
  readonly blocks: readonly Block[];
}

/** A tool that the caller runs; tools that a provider runs itself are left out. */
export interface OfferedTool {
  readonly name: string;
  readonly schema: JsonObject;
}

type ToolChoice =
  | { readonly kind: "auto" | "any" | "none" }
  | { readonly kind: "tool"; readonly name: string };

export interface RehearsalRequest {
  readonly model: string;
  readonly stream: boolean;
  readonly maxTokens: number;
  /** `omitted`: asked for, but to be returned as a signature alone. */
  readonly thinking: "none" | "shown" | "omitted";
  readonly system: readonly Block[];
  /** As sent, for counting. */
  readonly toolBlocks: readonly Block[];
  readonly tools: readonly OfferedTool[];
  readonly toolChoice: ToolChoice;
  readonly turns: readonly Turn[];
  /** The schema that the answer must follow; null where it is free. */
  readonly schema: JsonObject | null;
  /** A top-level `cache_control`: the last block counts as marked. */
  readonly cacheAll: CacheTtl | null;
}

/** A body that a Messages API would answer with 400, in its own words. */
export class BadRequest extends Error {
  override readonly name = "BadRequest";
}

const THINKING_BUDGET_MIN = 1024;

/**
 * Reads a body.
 *
 * @param purpose `count`: `max_tokens` is not asked for.
 * @throws BadRequest naming the field and what is wrong with it.
 */
export function readRequest(bytes: Buffer, purpose: "answer" | "count"): RehearsalRequest {
  const body = parseObject(bytes);
  const maxTokens = purpose === "count" ? 1 : readMaxTokens(body);
  const toolBlocks = readBlocks(body, "tools");
  return {
    model: readModel(body),
    stream: readStream(body),
    maxTokens,
    thinking: purpose === "count" ? "none" : readThinking(body, maxTokens),
    system: readBlocks(body, "system"),
    toolBlocks,
    tools: toolBlocks.flatMap(offeredTool),
    toolChoice: readToolChoice(body["tool_choice"]),
    turns: readTurns(body),
    schema: readSchema(body),
    cacheAll: readCacheTtl(body),
  };
}

function parseObject(bytes: Buffer): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw new BadRequest("The request body is not valid JSON.", { cause });
  }
  if (!isObject(value)) throw new BadRequest("The request body is not a JSON object.");
  return value;
}

function readModel(body: JsonObject): string {
  const model = body["model"];
  if (model === undefined) throw new BadRequest("model: Field required");
  if (typeof model !== "string" || model === "") {
    throw new BadRequest("model: Input should be a non-empty string");
  }
  return model;
}

function readStream(body: JsonObject): boolean {
  const stream = body["stream"] ?? false;
  if (typeof stream !== "boolean") throw new BadRequest("stream: Input should be a boolean");
  return stream;
}

function readMaxTokens(body: JsonObject): number {
  const maxTokens = body["max_tokens"];
  if (maxTokens === undefined) throw new BadRequest("max_tokens: Field required");
  if (typeof maxTokens !== "number" || !Number.isSafeInteger(maxTokens) || maxTokens < 1) {
    throw new BadRequest("max_tokens: Input should be an integer of at least 1");
  }
  return maxTokens;
}

function readThinking(body: JsonObject, maxTokens: number): RehearsalRequest["thinking"] {
  const thinking = body["thinking"];
  if (!isObject(thinking) || thinking["type"] === "disabled") return "none";
  const budget = thinking["budget_tokens"];
  if (thinking["type"] === "enabled") {
    if (typeof budget !== "number" || budget < THINKING_BUDGET_MIN) {
      throw new BadRequest(
        `thinking.budget_tokens: Input should be at least ${THINKING_BUDGET_MIN}`,
      );
    }
    if (budget >= maxTokens) {
      throw new BadRequest("max_tokens: must be greater than thinking.budget_tokens");
    }
  }
  return thinking["display"] === "omitted" ? "omitted" : "shown";
}

function readBlocks(body: JsonObject, field: "system" | "tools"): readonly Block[] {
  const value = body[field] ?? [];
  if (field === "system" && typeof value === "string") return [{ type: "text", text: value }];
  if (!Array.isArray(value) || !value.every(isObject)) {
    throw new BadRequest(`${field}: Input should be a list of objects`);
  }
  return value;
}

function offeredTool(tool: Block): readonly OfferedTool[] {
  const { name, input_schema: schema } = tool;
  return typeof name === "string" && isObject(schema) ? [{ name, schema }] : [];
}

function readToolChoice(value: unknown): ToolChoice {
  if (!isObject(value)) return { kind: "auto" };
  const { type, name } = value;
  if (type === "tool" && typeof name === "string") return { kind: "tool", name };
  return type === "any" || type === "none" ? { kind: type } : { kind: "auto" };
}

function readTurns(body: JsonObject): readonly Turn[] {
  const messages = body["messages"];
  if (messages === undefined) throw new BadRequest("messages: Field required");
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new BadRequest("messages: at least one message is required");
  }
  return messages.map((message: unknown, index) => readTurn(message, index));
}

function readTurn(message: unknown, index: number): Turn {
  const role = isObject(message) ? message["role"] : null;
  if (!isObject(message) || (role !== "user" && role !== "assistant" && role !== "system")) {
    throw new BadRequest(`messages.${index}.role: Input should be 'user' or 'assistant'`);
  }
  const content = message["content"];
  if (typeof content === "string") return { role, blocks: [{ type: "text", text: content }] };
  if (!Array.isArray(content) || !content.every(isObject)) {
    throw new BadRequest(`messages.${index}.content: Input should be a string or a list of blocks`);
  }
  return { role, blocks: content };
}

function readSchema(body: JsonObject): JsonObject | null {
  const config = body["output_config"];
  const format = isObject(config) ? config["format"] : body["output_format"];
  if (!isObject(format) || format["type"] !== "json_schema") return null;
  return isObject(format["schema"]) ? format["schema"] : {};
}
