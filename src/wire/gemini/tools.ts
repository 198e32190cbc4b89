/** Tools and the choice among them, as Gemini declares functions. */
import { isObject } from "../anthropic/value.ts";
import type { CanonicalRequest, Tool, ToolChoice } from "../canonical/request.ts";
import type { EgressContext } from "../egress.ts";
import type { Lossy } from "./losses.ts";
import { plainSchema } from "./schema.ts";

/** The fields `tools` and `toolConfig`; none where the request has no tool that the client runs. */
export function toolFields(
  request: CanonicalRequest,
  context: EgressContext,
  lossy: Lossy,
): Readonly<Record<string, unknown>> {
  const { tools, providerTools, toolChoice, parallelTools } = request;
  if (providerTools.length > 0) lossy.lose("tools.type", providerTools.join(", "));
  if (tools.length === 0) return {};
  if (!parallelTools && toolChoice?.kind !== "none")
    lossy.lose("tool_choice.disable_parallel_tool_use");
  const isPlain = context.quirks.has("plain-schemas");
  return {
    tools: [{ functionDeclarations: tools.map((tool) => declarationOf(tool, isPlain, lossy)) }],
    ...(toolChoice === null
      ? {}
      : { toolConfig: { functionCallingConfig: callingConfigOf(toolChoice) } }),
  };
}

function declarationOf(tool: Tool, isPlain: boolean, lossy: Lossy): object {
  if (tool.cached) lossy.lose("cache_control");
  if (tool.strict) lossy.lose("tools.strict");
  const { name, description } = tool;
  const head = { name, ...(description === null ? {} : { description }) };
  if (!isPlain) return { ...head, parametersJsonSchema: tool.schema };
  const { schema, isWhole } = plainSchema(tool.schema);
  if (!isWhole) lossy.lose("tools.input_schema", name);
  // An object without properties is refused; a function without parameters is not.
  return isObject(schema["properties"]) ? { ...head, parameters: schema } : head;
}

function callingConfigOf(choice: ToolChoice): object {
  switch (choice.kind) {
    case "auto":
      return { mode: "AUTO" };
    case "any":
      return { mode: "ANY" };
    case "none":
      return { mode: "NONE" };
    case "tool":
      return { mode: "ANY", allowedFunctionNames: [choice.name] };
  }
}
