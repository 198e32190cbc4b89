/** Bedrock's Converse and ConverseStream. */
import type { WireUsage } from "../bill.ts";
import { eventFrame, exceptionFrame } from "../event-stream.ts";
import type { Block } from "../sse.ts";
import { bedrockBetasAt, bedrockException, bedrockPlace } from "./anthropic.ts";
import {
  base64At,
  countAt,
  demand,
  isObject,
  objectAt,
  objectsAt,
  oneOf,
  only,
  pairUp,
  schemaAt,
  textAt,
  within,
  type Json,
} from "./check.ts";
import {
  callOf,
  piecesOf,
  textOf,
  thinkingOf,
  type Dialect,
  type Place,
  type RequestView,
  type Told,
} from "./dialect.ts";

const FIELDS =
  "messages system inferenceConfig toolConfig outputConfig additionalModelRequestFields " +
  "additionalModelResponseFieldPaths guardrailConfig promptVariables requestMetadata performanceConfig";
const BLOCKS = "text image document toolUse toolResult reasoningContent cachePoint";
const CACHE_POINTS_MAX = 4;
const STOPS: Readonly<Record<string, string>> = {
  end_turn: "end_turn",
  tool_use: "tool_use",
  max_tokens: "max_tokens",
  stop_sequence: "stop_sequence",
  refusal: "content_filtered",
};

/** Source: Amazon Bedrock API reference, Converse, ConverseStream, ContentBlock; read 2026-11-23. */
export const bedrockConverse: Dialect = {
  streamType: "application/vnd.amazon.eventstream",
  place: (path) => bedrockPlace(path, "converse", "converse-stream"),
  check,
  view,
  stream: framesOf,
  whole: (told) => ({
    output: { message: { role: "assistant", content: told.content.map(wholeBlock) } },
    stopReason: STOPS[told.stopReason] ?? "end_turn",
    ...(told.omitsUsage ? {} : { usage: usage(told.usage) }),
    metrics: { latencyMs: 100 },
  }),
  usage,
  charge: (said) => {
    const written = Number(said["cacheWriteInputTokens"] ?? 0);
    const long = objectsAt(said["cacheDetails"], "")
      .filter((detail) => detail["ttl"] === "1h")
      .reduce((sum, detail) => sum + Number(detail["inputTokens"]), 0);
    return {
      input: Number(said["inputTokens"]),
      output: Number(said["outputTokens"]),
      cacheRead: Number(said["cacheReadInputTokens"] ?? 0),
      write5m: written - long,
      write1h: long,
    };
  },
  error: (_status, message) => ({ message }),
  errorPiece: (type) =>
    exceptionFrame(bedrockException(type), { message: `${type} by the script` }),
  count: (tokens) => ({ inputTokens: tokens }),
};

function usage(counts: WireUsage): Json {
  const read = counts.cache_read_input_tokens ?? 0;
  const written = counts.cache_creation_input_tokens ?? 0;
  const long = counts.cache_creation?.ephemeral_1h_input_tokens ?? 0;
  const details = [
    { ttl: "5m", inputTokens: written - long },
    { ttl: "1h", inputTokens: long },
  ].filter(({ inputTokens }) => inputTokens > 0);
  return {
    inputTokens: counts.input_tokens,
    outputTokens: counts.output_tokens,
    totalTokens: counts.input_tokens + counts.output_tokens + read + written,
    cacheReadInputTokens: read,
    cacheWriteInputTokens: written,
    ...(details.length > 0 ? { cacheDetails: details } : {}),
  };
}

function check(body: Json): void {
  only(body, FIELDS, "");
  const config = objectAt(body["inferenceConfig"] ?? {}, "inferenceConfig");
  only(config, "maxTokens temperature topP stopSequences", "inferenceConfig.");
  const extra = objectAt(
    body["additionalModelRequestFields"] ?? {},
    "additionalModelRequestFields",
  );
  if (extra["anthropic_beta"] !== undefined) bedrockBetasAt(extra["anthropic_beta"], extra);
  if (config["maxTokens"] !== undefined) countAt(config["maxTokens"], "inferenceConfig.maxTokens");
  for (const block of objectsAt(body["system"], "system"))
    if (oneOf(block, "text cachePoint guardContent", "system") === "text")
      textAtLeast(block["text"], "system");
  if (body["toolConfig"] !== undefined) checkTools(objectAt(body["toolConfig"], "toolConfig"));
  const points = JSON.stringify(body).split('"cachePoint":').length - 1;
  demand(
    points <= CACHE_POINTS_MAX,
    `A maximum of ${CACHE_POINTS_MAX} cache points may be provided.`,
  );
  const messages = objectsAt(body["messages"], "messages");
  checkMessages(messages);
  const isCalling = /"tool(?:Use|Result)":/.test(JSON.stringify(messages));
  const isDeclared = !isCalling || body["toolConfig"] !== undefined;
  demand(
    isDeclared,
    "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
  );
}

function checkTools(config: Json): void {
  only(config, "tools toolChoice", "toolConfig.");
  const tools = objectsAt(config["tools"], "toolConfig.tools");
  demand(tools.length > 0, "toolConfig.tools: at least one is expected");
  for (const tool of tools) {
    if (oneOf(tool, "toolSpec cachePoint systemTool", "toolConfig.tools") !== "toolSpec") continue;
    const spec = objectAt(tool["toolSpec"], "toolSpec");
    only(spec, "name description inputSchema strict", "toolSpec.");
    demand(/^[\w-]{1,64}$/.test(textAt(spec["name"], "toolSpec.name")), "toolSpec.name");
    if (spec["description"] !== undefined) textAtLeast(spec["description"], "toolSpec.description");
    schemaAt(objectAt(spec["inputSchema"], "inputSchema")["json"], "inputSchema.json");
  }
  if (config["toolChoice"] !== undefined)
    oneOf(objectAt(config["toolChoice"], "toolChoice"), "auto any tool", "toolChoice");
}

function checkMessages(messages: readonly Json[]): void {
  demand(messages[0]?.["role"] === "user", "A conversation must start with a user message.");
  let calls: readonly string[] = [];
  let previous = "assistant";
  for (const [index, message] of messages.entries()) {
    const where = `messages.${index}`;
    only(message, "role content", `${where}.`);
    const role = within(message["role"], "user assistant", `${where}.role`);
    demand(role !== previous, `${where}: roles must alternate between "user" and "assistant"`);
    previous = role;
    const blocks = objectsAt(message["content"], `${where}.content`);
    demand(blocks.length > 0, `${where}.content: is empty`);
    for (const block of blocks) checkBlock(block, where);
    if (role === "user") pairUp(calls, idsOf(blocks, "toolResult"), where);
    calls = idsOf(blocks, "toolUse");
  }
}

function idsOf(blocks: readonly Json[], kind: string): readonly string[] {
  return blocks.flatMap((block) => {
    const value = block[kind];
    return isObject(value) ? [String(value["toolUseId"])] : [];
  });
}

function checkBlock(block: Json, where: string): void {
  const kind = oneOf(block, BLOCKS, where);
  if (kind === "text") return textAtLeast(block["text"], where);
  const value = objectAt(block[kind], `${where}.${kind}`);
  if (kind === "toolUse" || kind === "toolResult") {
    const id = textAt(value["toolUseId"], `${where}.toolUseId`);
    demand(/^[\w-]{1,64}$/.test(id), `${where}.toolUseId: ${id}`);
  }
  if (kind === "toolUse") objectAt(value["input"], `${where}.toolUse.input`);
  if (kind === "toolResult") checkResult(value, where);
  if (kind === "image") {
    within(value["format"], "png jpeg gif webp", `${where}.image.format`);
    base64At(objectAt(value["source"], where)["bytes"], `${where}.image.source.bytes`);
  }
  if (kind === "reasoningContent")
    oneOf(value, "reasoningText redactedContent", `${where}.${kind}`);
  return undefined;
}

function checkResult(result: Json, where: string): void {
  only(result, "toolUseId content status type", `${where}.toolResult.`);
  if (result["status"] !== undefined) within(result["status"], "success error", `${where}.status`);
  for (const part of objectsAt(result["content"], `${where}.toolResult.content`)) {
    const kind = oneOf(part, "text json image document video searchResult", where);
    if (kind === "image") checkBlock(part, where);
  }
}

function textAtLeast(value: unknown, where: string): void {
  demand(textAt(value, where).trim() !== "", `${where}: the text field is blank`);
}

function view(body: Json, place: Place): RequestView {
  const messages = objectsAt(body["messages"], "messages");
  const blocksBy = (role: string) =>
    messages
      .filter((each) => each["role"] === role)
      .flatMap((each) => objectsAt(each["content"], ""));
  const said = blocksBy("user");
  const extra = objectAt(body["additionalModelRequestFields"] ?? {}, "");
  const thoughts = blocksBy("assistant").flatMap(({ reasoningContent: reasoning }) =>
    isObject(reasoning) && isObject(reasoning["reasoningText"]) ? [reasoning["reasoningText"]] : [],
  );
  const tools = objectsAt(objectAt(body["toolConfig"] ?? {}, "")["tools"], "");
  return {
    model: place.model ?? "",
    stream: place.stream ?? false,
    maxTokens: Number(objectAt(body["inferenceConfig"] ?? {}, "")["maxTokens"]),
    system: textsIn(objectsAt(body["system"], "")).join("\n\n"),
    tools: tools.flatMap(({ toolSpec }) => (isObject(toolSpec) ? [String(toolSpec["name"])] : [])),
    texts: textsIn(said),
    toolResults: said.flatMap(({ toolResult: result }) => {
      if (!isObject(result)) return [];
      const parts = objectsAt(result["content"], "");
      return [
        {
          id: String(result["toolUseId"]),
          text: textsIn(parts).join("\n"),
          isError: result["status"] === "error",
          images: parts.filter((part) => part["image"] !== undefined).length,
        },
      ];
    }),
    signatures: thoughts.map((thought) => String(thought["signature"])),
    thoughts: thoughts.map((thought) => String(thought["text"])),
    thinkingWanted: isObject(extra["thinking"]) && extra["thinking"]["type"] !== "disabled",
    images: said.filter((block) => block["image"] !== undefined).length,
  };
}

function textsIn(blocks: readonly Json[]): readonly string[] {
  return blocks.flatMap(({ text }) => (typeof text === "string" ? [text] : []));
}

function wholeBlock(block: Block): Json {
  if (block.type === "text") return { text: textOf(block) };
  if (block.type === "thinking") return { reasoningContent: { reasoningText: thinkingOf(block) } };
  const { id, name, input } = callOf(block);
  return { toolUse: { toolUseId: id, name, input } };
}

function framesOf(told: Told): readonly Buffer[] {
  const padding = { p: "abcdefgh" };
  return [
    eventFrame("messageStart", { role: "assistant", ...padding }),
    ...told.content.flatMap((block, index) => blockFrames(block, index)),
    eventFrame("messageStop", { stopReason: STOPS[told.stopReason] ?? "end_turn", ...padding }),
    eventFrame("metadata", {
      metrics: { latencyMs: 100 },
      ...(told.omitsUsage ? {} : { usage: usage(told.usage) }),
      ...padding,
    }),
  ];
}

function blockFrames(block: Block, index: number): readonly Buffer[] {
  const at = { contentBlockIndex: index };
  const delta = (fields: Json) => eventFrame("contentBlockDelta", { ...at, delta: fields });
  const stop = eventFrame("contentBlockStop", at);
  if (block.type === "text")
    return [...piecesOf(textOf(block)).map((text) => delta({ text })), stop];
  if (block.type === "thinking") {
    const { text, signature } = thinkingOf(block);
    const pieces = piecesOf(text).map((piece) => delta({ reasoningContent: { text: piece } }));
    return [...pieces, delta({ reasoningContent: { signature } }), stop];
  }
  const { id, name, input } = callOf(block);
  const start = { ...at, start: { toolUse: { toolUseId: id, name } } };
  const pieces = piecesOf(JSON.stringify(input)).map((piece) =>
    delta({ toolUse: { input: piece } }),
  );
  return [eventFrame("contentBlockStart", start), ...pieces, stop];
}
