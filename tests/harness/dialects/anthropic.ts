/** The Messages API's dialect as three doors speak it: Anthropic's own, InvokeModel's and Vertex's. */
import type { WireUsage } from "../bill.ts";
import { exceptionFrame, invokeFrame } from "../event-stream.ts";
import { encodeEvent, event, messageEvents, messageObject, type Message } from "../sse.ts";
import {
  base64At,
  countAt,
  demand,
  isObject,
  listAt,
  objectAt,
  objectsAt,
  only,
  pairUp,
  schemaAt,
  stringOr,
  textAt,
  within,
  type Json,
} from "./check.ts";
import type { Dialect, Headers, Place, RequestView, Told, ToolResultView } from "./dialect.ts";

const COMMON =
  "max_tokens messages system tools tool_choice thinking output_config temperature top_p top_k " +
  "stop_sequences metadata context_management";

/** What a count takes. */
const COUNTED = "model messages system tools tool_choice thinking output_config context_management";

/** Betas that the doors took in public reports of 2026-11; any other makes them refuse the request. */
const BETAS =
  "computer-use-2025-01-24 computer-use-2025-11-24 context-1m-2025-08-07 context-management-2025-06-27";
const BEDROCK_BETAS = `${BETAS} interleaved-thinking-2025-05-14 effort-2025-11-24 compact-2026-01-12 tool-search-tool-2025-10-19`;
const VERTEX_BETAS = `${BETAS} interleaved-thinking-2025-05-14 compact-2026-01-12 tool-search-tool-2025-10-19 per-turn-control-2026-07-01`;
const FOUNDRY_BETAS = `${BETAS} interleaved-thinking-2025-05-14 effort-2025-11-24 advanced-tool-use-2025-11-20 per-turn-control-2026-07-01`;

interface Body {
  readonly allowed: string;
  /** Of `anthropic_version`, which clouds demand; null: it is a header. */
  readonly version: string | null;
  readonly betas: string;
}

const VERTEX: Body = {
  allowed: `${COMMON} stream anthropic_version`,
  version: "vertex-2023-10-16",
  betas: VERTEX_BETAS,
};

/** Anthropic's own address below any prefix, as Foundry and DeepSeek have it. */
export const anthropicMessages: Dialect = {
  ...dialectOf({
    allowed: `${COMMON} model stream service_tier speed`,
    version: null,
    betas: FOUNDRY_BETAS,
  }),
  place: (path) => {
    const match = /\/v1\/messages(\/count_tokens)?(?:\?.*)?$/.exec(path);
    if (match === null) return null;
    return { asks: match[1] === undefined ? "message" : "count", model: null, stream: null };
  },
};

/** `InvokeModel`: the path names the model; a stream is made of frames. */
export const bedrockInvoke: Dialect = {
  ...dialectOf({
    allowed: `${COMMON} anthropic_version anthropic_beta`,
    version: "bedrock-2023-05-31",
    betas: BEDROCK_BETAS,
  }),
  streamType: "application/vnd.amazon.eventstream",
  place: (path) => bedrockPlace(path, "invoke", "invoke-with-response-stream"),
  stream: (told) => {
    const events = messageEvents(messageOf(told)).map(({ data }) => data as Json);
    return events.map((data) =>
      invokeFrame(data["type"] === "message_stop" ? { ...data, ...metrics(told.usage) } : data),
    );
  },
  error: (_status, message) => ({ message }),
  errorPiece: (type) =>
    exceptionFrame(bedrockException(type), { message: `${type} by the script` }),
};

/** `rawPredict`: the path names the model, the body keeps `stream`. */
export const vertexAnthropic: Dialect = {
  ...dialectOf(VERTEX),
  place: (path) => {
    const base = String.raw`^/v1/projects/[^/]+/locations/[^/]+/publishers/anthropic/models/`;
    const match = new RegExp(`${base}([^/:]+):(rawPredict|streamRawPredict)$`).exec(path);
    if (match === null) return null;
    const [, model = "", verb] = match;
    if (model === "count-tokens") return { asks: "count", model: null, stream: null };
    return { asks: "message", model: decodeURIComponent(model), stream: verb !== "rawPredict" };
  },
  check: (body, { asks, stream }, headers) => {
    checkMessages(body, VERTEX, asks);
    checkBetas(betasOf(headers), body, asks === "count" ? "" : VERTEX_BETAS);
    if (asks === "count") textAt(body["model"], "model");
    else demand((body["stream"] === true) === stream, "stream: the path says otherwise");
  },
};

/** Bedrock's addresses; the model's id is percent-encoded in them. */
export function bedrockPlace(path: string, whole: string, stream: string): Place | null {
  const match = /^\/model\/([^/]+)\/([a-z-]+)$/.exec(path);
  if (match === null || (match[2] !== whole && match[2] !== stream)) return null;
  const model = decodeURIComponent(match[1] ?? "");
  return { asks: "message", model, stream: match[2] === stream };
}

/** The exception that stands for an error of the Messages API. */
export function bedrockException(type: string): string {
  if (type === "rate_limit_error") return "throttlingException";
  return type === "overloaded_error" ? "serviceUnavailableException" : "internalServerException";
}

function dialectOf(of: Body): Dialect {
  return {
    streamType: "text/event-stream; charset=utf-8",
    place: () => null,
    check: (body, { asks }, headers) => {
      checkMessages(body, of, asks);
      const own = body["anthropic_beta"];
      const betas = Array.isArray(own) ? own.map(String) : betasOf(headers);
      checkBetas(betas, body, of.betas);
    },
    view,
    stream: (told) => messageEvents(messageOf(told)).map((each) => encodeEvent(each)),
    whole: (told) => messageObject(messageOf(told)),
    usage: (usage) => ({ ...usage }),
    charge: (usage) => {
      const written = Number(usage["cache_creation_input_tokens"] ?? 0);
      const details = usage["cache_creation"];
      const long = isObject(details) ? Number(details["ephemeral_1h_input_tokens"]) : 0;
      return {
        input: Number(usage["input_tokens"]),
        output: Number(usage["output_tokens"]),
        cacheRead: Number(usage["cache_read_input_tokens"] ?? 0),
        write5m: written - long,
        write1h: long,
      };
    },
    error: (status, message) => ({ type: "error", error: { type: errorType(status), message } }),
    errorPiece: (type) =>
      encodeEvent(event("error", { error: { type, message: `${type} by the script` } }, 0)),
    count: (tokens) => ({ input_tokens: tokens }),
  };
}

function errorType(status: number): string {
  if (status === 429) return "rate_limit_error";
  if (status === 529) return "overloaded_error";
  return status < 500 ? "invalid_request_error" : "api_error";
}

function messageOf(told: Told): Message {
  const { id, model, content, stopReason, stopSequence, usage } = told;
  const message = { id: `msg_${id}`, model, content, stopReason, stopSequence };
  return { ...message, usage: told.omitsUsage ? null : usage };
}

function metrics(usage: WireUsage): Json {
  return {
    "amazon-bedrock-invocationMetrics": {
      inputTokenCount: usage.input_tokens,
      outputTokenCount: usage.output_tokens,
      invocationLatency: 100,
      firstByteLatency: 10,
    },
  };
}

function checkMessages(body: Json, of: Body, asks: Place["asks"]): void {
  const { allowed, version } = of;
  only(body, asks === "count" ? `${COUNTED} anthropic_version` : allowed, "");
  if (version !== null)
    demand(body["anthropic_version"] === version, `anthropic_version: ${version} is expected`);
  if (asks === "message") countAt(body["max_tokens"], "max_tokens");
  for (const tool of objectsAt(body["tools"], "tools")) {
    demand(/^[\w-]{1,128}$/.test(textAt(tool["name"], "tools.name")), "tools.name");
    if (tool["type"] === undefined) schemaAt(tool["input_schema"], "tools.input_schema");
  }
  const messages = objectsAt(body["messages"], "messages");
  demand(messages.length > 0, "messages: at least one message is required");
  let calls: readonly string[] = [];
  for (const [index, message] of messages.entries()) {
    const where = `messages.${index}`;
    const role = within(message["role"], "user assistant system", `${where}.role`);
    const blocks = blocksOf(message["content"], where);
    for (const block of blocks) checkBlock(block, role, where);
    if (role === "user") pairUp(calls, idsOf(blocks, "tool_result", "tool_use_id"), where);
    if (role !== "system") calls = idsOf(blocks, "tool_use", "id");
  }
}

function betasOf(headers: Headers): readonly string[] {
  const value = headers["anthropic-beta"];
  return typeof value === "string" ? value.split(",") : [];
}

/** The betas of a body for Bedrock. */
export function bedrockBetasAt(betas: unknown, body: Json): void {
  const list = listAt(betas, "anthropic_beta").map(String);
  checkBetas(list, body, BEDROCK_BETAS);
}

/** Clouds refuse a request for one beta that they do not know, and a field whose beta is missing. */
function checkBetas(betas: readonly string[], body: Json, known: string): void {
  const refused = betas.filter((beta) => !known.split(" ").includes(beta));
  demand(refused.length === 0, `invalid beta flag: ${refused.join()}`);
  const isManaged = body["context_management"] !== undefined;
  demand(
    !isManaged || betas.includes("context-management-2025-06-27"),
    "context_management: Extra inputs are not permitted",
  );
}

function idsOf(blocks: readonly Json[], type: string, field: string): readonly string[] {
  return blocks.filter((block) => block["type"] === type).map((block) => String(block[field]));
}

function checkBlock(block: Json, role: string, where: string): void {
  switch (block["type"]) {
    case "text":
      demand(
        textAt(block["text"], where) !== "",
        `${where}: text content blocks must be non-empty`,
      );
      break;
    case "thinking":
      demand(role === "assistant", `${where}: thinking of a user`);
      demand(textAt(block["signature"], where) !== "", `${where}: thinking without a signature`);
      break;
    case "tool_use":
      demand(/^[\w-]{1,64}$/.test(textAt(block["id"], where)), `${where}.id: a tool's id`);
      objectAt(block["input"], `${where}.input`);
      break;
    case "tool_result":
      for (const part of blocksOf(block["content"] ?? [], where)) checkBlock(part, role, where);
      break;
    case "image": {
      const source = objectAt(block["source"], `${where}.source`);
      if (source["type"] === "base64") base64At(source["data"], `${where}.source.data`);
      break;
    }
    default:
      demand(typeof block["type"] === "string", `${where}: a block without a type`);
  }
}

function blocksOf(content: unknown, where: string): readonly Json[] {
  return typeof content === "string"
    ? [{ type: "text", text: content }]
    : objectsAt(content, where);
}

function view(body: Json, place: Place): RequestView {
  const messages = objectsAt(body["messages"], "messages");
  const turns = messages.map((each) => ({
    role: each["role"],
    blocks: blocksOf(each["content"], ""),
  }));
  const blocks = turns.flatMap((turn) => turn.blocks);
  const thinking = blocks.filter((block) => block["type"] === "thinking");
  return {
    model: place.model ?? String(body["model"]),
    stream: place.stream ?? body["stream"] === true,
    maxTokens: typeof body["max_tokens"] === "number" ? body["max_tokens"] : null,
    system: blocksOf(body["system"] ?? [], "system")
      .map(shownText)
      .join("\n\n"),
    tools: objectsAt(body["tools"], "tools").map((tool) => String(tool["name"])),
    texts: turns.flatMap((turn) =>
      turn.role === "user" ? turn.blocks.filter(isText).map(shownText) : [],
    ),
    toolResults: blocks.filter((block) => block["type"] === "tool_result").map(resultView),
    signatures: thinking.map((block) => String(block["signature"])),
    thoughts: thinking.map((block) => String(block["thinking"])),
    thinkingWanted: isObject(body["thinking"]) && body["thinking"]["type"] !== "disabled",
    images: blocks.filter((block) => block["type"] === "image").length,
  };
}

function isText(block: Json): boolean {
  return block["type"] === "text";
}

function shownText(block: Json): string {
  return stringOr(block["text"]);
}

function resultView(block: Json): ToolResultView {
  const parts = blocksOf(block["content"] ?? [], "tool_result");
  return {
    id: String(block["tool_use_id"]),
    text: parts.filter(isText).map(shownText).join("\n"),
    isError: block["is_error"] === true,
    images: parts.filter((part) => part["type"] === "image").length,
  };
}
