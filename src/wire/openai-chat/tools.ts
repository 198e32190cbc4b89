/** Tools, the choice among them, and the ids of their calls. */
import { createHash } from "node:crypto";
import type { CanonicalRequest, Tool } from "../canonical/request.ts";
import { isObject } from "../anthropic/value.ts";
import type { Quirk } from "../egress.ts";
import { isClosed } from "./format.ts";
import type { Losing } from "./losses.ts";

type Json = Readonly<Record<string, unknown>>;

/** OpenAI refuses longer ids of tool calls. */
const ID_MAX_CHARACTERS = 40;
const SHORT_ID = /^[A-Za-z0-9]{9}$/;
const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";

/** Keywords of JSON Schema that readers of a subset refuse (quirk `plain-schemas`). */
const BEYOND_PLAIN = new Set([
  "$schema",
  "$id",
  "$comment",
  "additionalProperties",
  "unevaluatedProperties",
  "patternProperties",
  "propertyNames",
  "format",
  "default",
  "examples",
  "exclusiveMinimum",
  "exclusiveMaximum",
]);

/** Keywords whose value is a map of names to schemas. */
const NAMED_PARTS = new Set(["properties", "$defs", "definitions", "dependentSchemas"]);

/** The fields `tools`, `tool_choice` and `parallel_tool_calls`; none where there are no tools. */
export function toolFields(
  request: CanonicalRequest,
  quirks: ReadonlySet<Quirk>,
  losing: Losing,
): Json {
  for (const type of request.providerTools) losing.lose("tools", `the tool ${type}`);
  if (request.tools.some((tool) => tool.cached)) losing.lose("cache_control");
  if (request.tools.length === 0) return {};
  const tools = request.tools.map((tool) => toolOf(tool, quirks, losing));
  const choice = choiceOf(request, quirks, losing);
  return {
    tools,
    ...(choice === null ? {} : { tool_choice: choice }),
    ...parallelField(request, quirks, losing),
  };
}

function toolOf(tool: Tool, quirks: ReadonlySet<Quirk>, losing: Losing): Json {
  const { name, description, schema } = tool;
  const isPlain = quirks.has("plain-schemas");
  const strict = tool.strict && !isPlain && isClosed(schema);
  if (tool.strict && !strict) losing.lose("tools.strict");
  return {
    type: "function",
    function: {
      name,
      ...(description === null ? {} : { description }),
      parameters: isPlain ? plainSchema(schema, losing) : schema,
      ...(strict ? { strict } : {}),
    },
  };
}

function choiceOf(
  { toolChoice }: CanonicalRequest,
  quirks: ReadonlySet<Quirk>,
  losing: Losing,
): unknown {
  if (toolChoice === null) return null;
  if (toolChoice.kind === "auto" || toolChoice.kind === "none") return toolChoice.kind;
  if (quirks.has("no-tool-choice-required")) {
    losing.lose("tool_choice");
    return null;
  }
  if (toolChoice.kind === "any") return quirks.has("tool-choice-any") ? "any" : "required";
  return { type: "function", function: { name: toolChoice.name } };
}

function parallelField(
  { parallelTools }: CanonicalRequest,
  quirks: ReadonlySet<Quirk>,
  losing: Losing,
): Json {
  if (parallelTools) return {};
  if (!quirks.has("no-parallel-tool-calls")) return { parallel_tool_calls: false };
  losing.lose("tool_choice.disable_parallel_tool_use");
  return {};
}

/** The schema without keywords beyond the subset; names of properties are no keywords. */
function plainSchema(schema: Json, losing: Losing): Json {
  const plain: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (BEYOND_PLAIN.has(keyword)) losing.lose("tools.input_schema");
    else if (keyword === "const") plain["enum"] = [value];
    else if (NAMED_PARTS.has(keyword) && isObject(value))
      plain[keyword] = Object.fromEntries(
        Object.entries(value).map(([name, part]) => [name, plainPart(part, losing)]),
      );
    else if (keyword === "enum" || keyword === "required") plain[keyword] = value;
    else plain[keyword] = plainPart(value, losing);
  }
  return plain;
}

function plainPart(part: unknown, losing: Losing): unknown {
  if (Array.isArray(part)) return part.map((entry) => plainPart(entry, losing));
  return isObject(part) ? plainSchema(part, losing) : part;
}

/**
 * The id under which a call and its result are named upstream: the same for the same id, always.
 * Mistral's refusal: "must be a-z, A-Z, 0-9, with a length of 9" (seen 2026-11-23).
 */
export function toolCallId(id: string, quirks: ReadonlySet<Quirk>): string {
  if (quirks.has("short-tool-ids")) return SHORT_ID.test(id) ? id : digest(id, 9);
  return id.length <= ID_MAX_CHARACTERS ? id : `call_${digest(id, 24)}`;
}

function digest(text: string, length: number): string {
  let id = "";
  for (const byte of createHash("sha256").update(text).digest().subarray(0, length))
    id += DIGITS[byte % DIGITS.length] ?? "0";
  return id;
}
