/** Reads a parsed Messages body into the canonical form. What it cannot read, it names. */
import { isObject } from "../anthropic/value.ts";
import { NestedFields } from "./nested.ts";
import { markerOf, readBlocks, type Fault } from "./read-blocks.ts";
import type { CanonicalRequest, TextBlock, Thinking, Tool, ToolChoice, Turn } from "./request.ts";

type Json = Readonly<Record<string, unknown>>;

const READ = new Set([
  "model",
  "stream",
  "system",
  "messages",
  "tools",
  "tool_choice",
  "thinking",
  "output_config",
  "output_format",
  "stop_sequences",
  "temperature",
  "top_p",
  "top_k",
  "metadata",
  "max_tokens",
]);
/** Types of those that would read as not set where they have another. */
const READ_AS: Readonly<Record<string, "number" | "boolean" | "object">> = {
  stream: "boolean",
  temperature: "number",
  top_p: "number",
  top_k: "number",
  metadata: "object",
  output_config: "object",
};
const KNOWN_TURN = new Set(["role", "content"]);
const KNOWN_TOOL = new Set("type name description input_schema strict cache_control".split(" "));
const KNOWN_CHOICE = new Set(["type", "name", "disable_parallel_tool_use"]);
const KNOWN_THINKING = new Set(["type", "budget_tokens"]);
const KNOWN_OUTPUT = new Set(["effort", "format"]);
const KNOWN_FORMAT = new Set(["type", "schema"]);
const KNOWN_METADATA = new Set(["user_id"]);

/** The canonical request of a body; a fault names the field that cannot be read. */
export function readCanonical(body: unknown): CanonicalRequest | Fault {
  if (!isObject(body)) return { field: "body", problem: "is no JSON object" };
  const nested = new NestedFields();
  const turns = readTurns(body["messages"], nested);
  if ("field" in turns) return turns;
  const system = readSystem(body["system"], nested);
  if ("field" in system) return system;
  const tools = readTools(body["tools"], nested);
  if ("field" in tools) return tools;
  const choice = isObject(body["tool_choice"]) ? body["tool_choice"] : null;
  const output = isObject(body["output_config"]) ? body["output_config"] : {};
  const metadata = isObject(body["metadata"]) ? body["metadata"] : {};
  const stops = body["stop_sequences"];
  const { thinking } = body;
  const display = isObject(thinking) ? textOf(thinking["display"]) : null;
  noteNested(body, nested);
  return {
    model: textOf(body["model"]) ?? "",
    stream: body["stream"] === true,
    system: system.blocks,
    turns: turns.turns,
    ...tools,
    toolChoice: toolChoiceOf(choice),
    parallelTools: choice?.["disable_parallel_tool_use"] !== true,
    thinking: thinkingOf(thinking),
    ...(display === null ? {} : { thinkingDisplay: display }),
    effort: textOf(output["effort"]),
    schema: schemaOf(output["format"]) ?? schemaOf(body["output_format"]),
    stopSequences: Array.isArray(stops) ? stops.filter((stop) => typeof stop === "string") : [],
    temperature: numberOf(body["temperature"]),
    topP: numberOf(body["top_p"]),
    topK: numberOf(body["top_k"]),
    userId: textOf(metadata["user_id"]),
    others: Object.keys(body).filter((name) => isUnread(name, body[name])),
    nested: nested.names,
  };
}

/** Members of the body's own objects that have no place in the canonical form, and values of no known kind. */
function noteNested(body: Json, nested: NestedFields): void {
  const { tool_choice: choice, thinking, output_config: output, metadata } = body;
  for (const [name, known, value] of [
    ["tool_choice", KNOWN_CHOICE, choice],
    ["thinking", KNOWN_THINKING, thinking],
    ["output_config", KNOWN_OUTPUT, output],
    ["metadata", KNOWN_METADATA, metadata],
  ] as const)
    if (isObject(value)) nested.beyond(known, name, value);
  if (isSet(choice) && toolChoiceOf(isObject(choice) ? choice : null) === null)
    nested.note("tool_choice.type");
  if (isSet(thinking) && thinkingOf(thinking) === null) nested.note("thinking.type");
  const formats = {
    "output_config.format": isObject(output) ? output["format"] : null,
    output_format: body["output_format"],
  };
  for (const [name, format] of Object.entries(formats)) {
    if (!isSet(format)) continue;
    if (schemaOf(format) === null) nested.note(`${name}.type`);
    else if (isObject(format)) nested.beyond(KNOWN_FORMAT, name, format);
  }
}

/** Whether a top-level field is set and says nothing that the canonical form could hold. */
function isUnread(name: string, value: unknown): boolean {
  if (!isSet(value)) return false;
  const type = READ_AS[name];
  if (type === undefined) return !READ.has(name);
  return type === "object" ? !isObject(value) : typeof value !== type;
}

function readTurns(
  messages: unknown,
  nested: NestedFields,
): { readonly turns: readonly Turn[] } | Fault {
  if (!Array.isArray(messages)) return { field: "messages", problem: "is no list" };
  const turns: Turn[] = [];
  for (const [index, message] of messages.entries()) {
    const field = `messages.${index}`;
    if (!isObject(message)) return { field, problem: "is no object" };
    const { role } = message;
    if (role !== "user" && role !== "assistant" && role !== "system")
      return { field: `${field}.role`, problem: "is none of user, assistant and system" };
    nested.beyond(KNOWN_TURN, "messages", message);
    const read = readBlocks(message["content"], `${field}.content`, nested);
    if ("field" in read) return read;
    turns.push({ role, blocks: read.blocks });
  }
  return { turns };
}

function readSystem(
  system: unknown,
  nested: NestedFields,
): { readonly blocks: readonly TextBlock[] } | Fault {
  if (!isSet(system)) return { blocks: [] };
  const read = readBlocks(system, "system", nested);
  if ("field" in read) return read;
  const texts = read.blocks.filter((block): block is TextBlock => block.type === "text");
  if (texts.length < read.blocks.length)
    return { field: "system", problem: "has a block that is no text" };
  return { blocks: texts };
}

function readTools(
  tools: unknown,
  nested: NestedFields,
): { readonly tools: readonly Tool[]; readonly providerTools: readonly string[] } | Fault {
  if (!isSet(tools)) return { tools: [], providerTools: [] };
  if (!Array.isArray(tools)) return { field: "tools", problem: "is no list" };
  const own: Tool[] = [];
  const providerTools: string[] = [];
  for (const [index, tool] of tools.entries()) {
    if (!isObject(tool)) return { field: `tools.${index}`, problem: "is no object" };
    const type = textOf(tool["type"]);
    if (type !== null && type !== "custom") {
      providerTools.push(type);
      continue;
    }
    const name = textOf(tool["name"]);
    if (name === null) return { field: `tools.${index}.name`, problem: "is no text" };
    nested.beyond(KNOWN_TOOL, "tools", tool);
    own.push({
      name,
      description: textOf(tool["description"]),
      schema: isObject(tool["input_schema"]) ? tool["input_schema"] : { type: "object" },
      strict: tool["strict"] === true,
      ...markerOf(tool),
    });
  }
  return { tools: own, providerTools };
}

function toolChoiceOf(choice: Json | null): ToolChoice | null {
  switch (choice?.["type"]) {
    case "auto":
      return { kind: "auto" };
    case "any":
      return { kind: "any" };
    case "none":
      return { kind: "none" };
    case "tool":
      return { kind: "tool", name: textOf(choice["name"]) ?? "" };
    default:
      return null;
  }
}

function thinkingOf(thinking: unknown): Thinking | null {
  if (!isObject(thinking)) return null;
  const budgetTokens = numberOf(thinking["budget_tokens"]);
  switch (thinking["type"]) {
    case "disabled":
      return { mode: "disabled" };
    case "enabled":
      return budgetTokens === null ? { mode: "adaptive" } : { mode: "enabled", budgetTokens };
    case "adaptive":
      return { mode: "adaptive" };
    default:
      return null;
  }
}

function schemaOf(format: unknown): Json | null {
  if (!isObject(format) || format["type"] !== "json_schema") return null;
  return isObject(format["schema"]) ? format["schema"] : null;
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
