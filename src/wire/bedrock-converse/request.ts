/** Writes a canonical request as a body of Converse and ConverseStream. */
import { lacksLoopThinking } from "../canonical/foreign.ts";
import type {
  CanonicalRequest,
  TextBlock,
  Thinking,
  Tool,
  ToolChoice,
} from "../canonical/request.ts";
import type { EgressBody, EgressContext, Unsupported } from "../egress.ts";
import { bedrockBetas } from "./betas.ts";
import { writeMessages } from "./blocks.ts";
import { Draft, type Block } from "./draft.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * The body of a request; the path names the model and says whether to stream. What only Claude knows goes
 * in `additionalModelRequestFields`. Source: Amazon Bedrock API reference, Converse, 2026-11.
 */
export function converseRequest(
  request: CanonicalRequest,
  context: EgressContext,
): EgressBody | Unsupported {
  const draft = new Draft(context);
  // In the order of the prompt, so that cache markers are counted in it.
  const toolConfig = writeTools(request, draft);
  const system = writeSystem(request.system, draft);
  const messages = writeMessages(request.turns, draft);
  draft.limitCachePoints();
  const inference = writeInference(request, context, draft);
  const json: Json = {
    messages,
    ...(system.length > 0 ? { system } : {}),
    inferenceConfig: inference,
    ...(toolConfig === null ? {} : { toolConfig }),
    ...writeFormat(request, draft),
    ...writeModelFields(request, context, draft),
  };
  if (request.userId !== null) draft.losing.lose("metadata.user_id");
  for (const name of request.others) draft.losing.loseOther(name);
  for (const name of request.nested ?? [])
    if (!(name === "thinking.display" && showsThinking(request, draft)))
      draft.losing.loseNested(name);
  return draft.losing.conclude(json);
}

function writeSystem(system: readonly TextBlock[], draft: Draft): readonly Block[] {
  const blocks: Block[] = [];
  for (const { text, cached, ttl } of system) {
    if (text.trim() !== "") blocks.push({ text });
    if (cached) draft.cacheHere(blocks, "system", ttl);
  }
  return blocks;
}

function writeTools(request: CanonicalRequest, draft: Draft): Json | null {
  for (const type of request.providerTools) draft.losing.lose("tools", type);
  const called = calledTools(request);
  const { toolChoice } = request;
  // Nothing can be called where nothing is declared; earlier calls need their declarations.
  if (toolChoice?.kind === "none" && called.length === 0) return null;
  const tools: Block[] = [];
  for (const tool of request.tools) {
    tools.push(writeTool(tool));
    if (tool.cached) draft.cacheHere(tools, "tools", tool.ttl);
  }
  if (tools.length === 0) tools.push(...called.map(declareCalled));
  if (tools.length === 0) return null;
  if (!request.parallelTools) draft.losing.lose("tool_choice.disable_parallel_tool_use");
  const choice = toolChoice === null ? null : writeToolChoice(toolChoice, draft);
  return { tools, ...(choice === null ? {} : { toolChoice: choice }) };
}

function writeTool({ name, description, schema, strict }: Tool): Block {
  return {
    toolSpec: {
      name,
      ...(description === null || description === "" ? {} : { description }),
      inputSchema: { json: schema },
      ...(strict ? { strict } : {}),
    },
  };
}

/** Names of the tools that the conversation has called, in their order. */
function calledTools({ turns }: CanonicalRequest): readonly string[] {
  const names = turns.flatMap(({ blocks }) =>
    blocks.flatMap((block) => (block.type === "tool_use" ? [block.name] : [])),
  );
  return [...new Set(names)];
}

/** Bedrock refuses a conversation with calls of tools that the request does not declare. */
function declareCalled(name: string): Block {
  return { toolSpec: { name, inputSchema: { json: { type: "object" } } } };
}

function writeToolChoice(choice: ToolChoice, draft: Draft): Json | null {
  if (choice.kind === "auto") return { auto: {} };
  if (choice.kind === "none" || draft.has("no-tool-choice-required")) {
    draft.losing.lose("tool_choice", choice.kind);
    return null;
  }
  return choice.kind === "any" ? { any: {} } : { tool: { name: choice.name } };
}

function writeInference(request: CanonicalRequest, context: EgressContext, draft: Draft): Json {
  const { temperature, topP, stopSequences } = request;
  const config: Record<string, unknown> = { maxTokens: context.maxTokens };
  if (draft.has("no-temperature")) {
    if (temperature !== null) draft.losing.lose("temperature");
    if (topP !== null) draft.losing.lose("top_p");
  } else {
    if (temperature !== null) config["temperature"] = temperature;
    if (topP !== null) config["topP"] = topP;
  }
  if (stopSequences.length === 0) return config;
  if (draft.has("no-stop")) draft.losing.lose("stop_sequences");
  else config["stopSequences"] = stopSequences;
  return config;
}

function writeFormat({ schema }: CanonicalRequest, draft: Draft): Json {
  if (schema === null) return {};
  if (draft.has("no-json-schema")) {
    draft.losing.lose("output_config.format");
    return {};
  }
  const structure = { jsonSchema: { schema: JSON.stringify(schema) } };
  return { outputConfig: { textFormat: { type: "json_schema", structure } } };
}

/** Fields in Anthropic's own words, and which of the answer's to show beside Converse's. */
function writeModelFields(request: CanonicalRequest, context: EgressContext, draft: Draft): Json {
  if (!draft.isClaude) {
    loseModelFields(request, draft);
    if (context.betas !== undefined && context.betas.length > 0)
      draft.losing.lose("anthropic-beta");
    return {};
  }
  const fields = claudeFields(request, context, draft);
  return {
    ...(Object.keys(fields).length > 0 ? { additionalModelRequestFields: fields } : {}),
    // Which sequence ended the answer; a path that an answer lacks is ignored.
    ...(request.stopSequences.length > 0
      ? { additionalModelResponseFieldPaths: ["/stop_sequence", "/delta/stop_sequence"] }
      : {}),
  };
}

function showsThinking({ thinking }: CanonicalRequest, draft: Draft): boolean {
  return draft.isClaude && thinking !== null && thinking.mode !== "disabled";
}

function loseModelFields({ thinking, effort, topK }: CanonicalRequest, draft: Draft): void {
  if (thinking !== null && thinking.mode !== "disabled") draft.losing.lose("thinking");
  if (effort !== null) draft.losing.lose("output_config.effort");
  if (topK !== null) draft.losing.lose("top_k");
}

function thinkingField(request: CanonicalRequest, thinking: Thinking, draft: Draft): Json {
  const { thinkingDisplay, turns } = request;
  if (thinking.mode === "disabled") return { type: "disabled" };
  const display = thinkingDisplay === undefined ? {} : { display: thinkingDisplay };
  if (thinking.mode === "adaptive") return { type: "adaptive", ...display };
  if (lacksLoopThinking(turns)) {
    draft.losing.lose("thinking");
    return { type: "disabled" };
  }
  return { type: "enabled", budget_tokens: thinking.budgetTokens, ...display };
}

function claudeFields(request: CanonicalRequest, context: EgressContext, draft: Draft): Json {
  const { thinking, effort, topK } = request;
  const fields: Record<string, unknown> = {};
  if (thinking !== null) fields["thinking"] = thinkingField(request, thinking, draft);
  if (effort !== null) fields["output_config"] = { effort };
  if (topK !== null && draft.has("no-top-k")) draft.losing.lose("top_k");
  else if (topK !== null) fields["top_k"] = topK;
  const { sent, left } = bedrockBetas(context.betas ?? []);
  if (left.length > 0) draft.losing.lose("anthropic-beta");
  if (sent.length > 0) fields["anthropic_beta"] = sent;
  return fields;
}
