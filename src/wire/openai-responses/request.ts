/** Turns a canonical request into the body of a Responses call. */
import type { CanonicalRequest, TextBlock, Tool } from "../canonical/request.ts";
import type { EgressBody, EgressContext, Unsupported } from "../egress.ts";
import { inputOf } from "./input.ts";
import { Lost } from "./losses.ts";
import { reasoningFields } from "./reasoning.ts";
import { fitsStrict, parametersOf } from "./schema.ts";
import { userFields } from "./user.ts";

type Json = Readonly<Record<string, unknown>>;

interface Scope {
  readonly quirks: EgressContext["quirks"];
  readonly lost: Lost;
}

/** The least that the API takes as `max_output_tokens`. Source: its refusal integer_below_min_value, 2026-11. */
export const OUTPUT_TOKENS_MIN = 16;

/** Claude Code's own first line of the system prompt; it changes with each request. */
const ATTRIBUTION = "x-anthropic-billing-header:";

/**
 * The body for `POST /v1/responses`. Nothing is stored at the provider: each request brings the whole
 * conversation, its own encrypted reasoning included.
 *
 * Source: openai-node of 2026-08-21, `ResponseCreateParamsBase`; read 2026-11-23.
 */
export function responsesRequest(
  request: CanonicalRequest,
  context: EgressContext,
): EgressBody | Unsupported {
  const lost = new Lost(context);
  const scope = { quirks: context.quirks, lost };
  const keepsReasoning = request.thinking?.mode !== "disabled";
  for (const name of request.others) lost.addTopLevel(name);
  for (const name of request.nested ?? []) lost.addNested(name);
  return lost.outcome({
    model: context.model,
    ...instructionsField(request.system, lost),
    input: inputOf(request.turns, { ...scope, keepsReasoning }),
    ...toolFields(request, scope),
    ...reasoningFields(request, scope),
    ...formatField(request, scope),
    max_output_tokens: context.maxTokens,
    ...samplingFields(request, scope),
    ...identityFields(request, scope),
    store: false,
    stream: request.stream,
  });
}

function instructionsField(system: readonly TextBlock[], lost: Lost): Json {
  if (system.some(({ cached }) => cached)) lost.add("cache_control");
  const texts = system.map(({ text }) => text);
  const shown = texts.filter((text) => !text.startsWith(ATTRIBUTION));
  if (shown.length < texts.length) lost.add("system.attribution");
  return shown.length === 0 ? {} : { instructions: shown.join("\n\n") };
}

function toolFields(request: CanonicalRequest, scope: Scope): Json {
  const { tools, providerTools, parallelTools } = request;
  const { quirks, lost } = scope;
  if (providerTools.length > 0) lost.add("tools");
  if (tools.length === 0) return {};
  const isSerial = !parallelTools && !quirks.has("no-parallel-tool-calls");
  if (!parallelTools && !isSerial) lost.add("tool_choice.disable_parallel_tool_use");
  return {
    tools: tools.map((tool) => functionTool(tool, lost)),
    ...choiceField(request, scope),
    ...(isSerial ? { parallel_tool_calls: false } : {}),
  };
}

function functionTool({ name, description, schema, strict, cached }: Tool, lost: Lost): Json {
  if (cached) lost.add("cache_control");
  const isStrict = strict && fitsStrict(schema);
  if (strict && !isStrict) lost.add("tools.strict");
  return {
    type: "function",
    name,
    ...(description === null ? {} : { description }),
    parameters: parametersOf(schema),
    // Left out, it may mean true.
    strict: isStrict,
  };
}

function choiceField({ toolChoice, tools }: CanonicalRequest, { quirks, lost }: Scope): Json {
  if (toolChoice === null) return {};
  if (toolChoice.kind === "auto" || toolChoice.kind === "none") {
    return { tool_choice: toolChoice.kind };
  }
  const isLost = toolChoice.kind === "tool" && !tools.some(({ name }) => name === toolChoice.name);
  if (isLost || quirks.has("no-tool-choice-required")) {
    lost.add("tool_choice");
    return {};
  }
  if (toolChoice.kind === "any") return { tool_choice: "required" };
  return { tool_choice: { type: "function", name: toolChoice.name } };
}

function formatField({ schema }: CanonicalRequest, { quirks, lost }: Scope): Json {
  if (schema === null) return {};
  if (quirks.has("no-json-schema")) {
    lost.add("output_config.format");
    return {};
  }
  const strict = fitsStrict(schema);
  if (!strict) lost.add("output_config.format.schema");
  return { text: { format: { type: "json_schema", name: "answer", schema, strict } } };
}

/** Both defaults are 1 on both sides; models that reason take no other, and some not even that. */
function samplingFields(request: CanonicalRequest, { quirks, lost }: Scope): Json {
  const fields: Record<string, number> = {};
  const { temperature, topP } = request;
  for (const [name, value] of [
    ["temperature", temperature],
    ["top_p", topP],
  ] as const) {
    if (value === null || value === 1) continue;
    if (quirks.has("no-temperature")) lost.add(name);
    else fields[name] = value;
  }
  if (request.topK !== null) lost.add("top_k");
  if (request.stopSequences.length > 0) lost.add("stop_sequences");
  return fields;
}

function identityFields({ userId }: CanonicalRequest, { quirks, lost }: Scope): Json {
  if (userId === null) return {};
  if (quirks.has("no-user")) {
    lost.add("metadata.user_id");
    return {};
  }
  return { ...userFields(userId) };
}
