/** OpenAI's chat completions, as strict as OpenAI's own server is with its reasoning models. */
import type { WireUsage } from "../bill.ts";
import {
  countAt,
  demand,
  isObject,
  listAt,
  objectAt,
  objectsAt,
  only,
  pairUp,
  pictureUrlAt,
  schemaAt,
  textAt,
  within,
  type Json,
} from "./check.ts";
import {
  callOf,
  dataEvent,
  piecesOf,
  textOf,
  thinkingOf,
  type Dialect,
  type RequestView,
  type Told,
} from "./dialect.ts";

const FIELDS =
  "model messages tools tool_choice parallel_tool_calls max_completion_tokens reasoning_effort " +
  "response_format temperature top_p stop safety_identifier prompt_cache_key stream " +
  "stream_options service_tier store metadata verbosity";
const EFFORTS = "none minimal low medium high xhigh";
const STOPS: Readonly<Record<string, string>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  tool_use: "tool_calls",
  refusal: "content_filter",
};
const CREATED_SECONDS = 1_790_000_000;
/** From here on tools are taken only without reasoning. */
const NO_TOOLS_WITH_EFFORT = /^gpt-5\.[4-9]|^gpt-6/;

/**
 * Source: OpenAI API reference, "Create chat completion", and the server's refusals of unsupported
 * parameters; read 2026-11-23.
 */
export const openaiChat: Dialect = {
  streamType: "text/event-stream; charset=utf-8",
  place: (path) =>
    path.endsWith("/chat/completions") ? { asks: "message", model: null, stream: null } : null,
  check,
  view,
  stream: (told) => [...chunksOf(told).map(dataEvent), dataEvent("[DONE]")],
  whole,
  usage,
  charge: (said) => {
    const details = objectAt(said["prompt_tokens_details"], "usage");
    const read = Number(details["cached_tokens"]);
    const written = Number(details["cache_write_tokens"] ?? 0);
    return {
      input: Number(said["prompt_tokens"]) - read - written,
      output: Number(said["completion_tokens"]),
      cacheRead: read,
      write5m: written,
      write1h: 0,
    };
  },
  error: openaiError,
  errorPiece: (type) =>
    dataEvent({ error: { message: `${type} by the script`, type: "server_error", code: type } }),
  count: (tokens) => ({ input_tokens: tokens }),
};

/** The envelope of OpenAI's errors. */
export function openaiError(status: number, message: string): Json {
  const known: Readonly<Record<number, readonly [string, string | null]>> = {
    400: ["invalid_request_error", null],
    401: ["invalid_request_error", "invalid_api_key"],
    404: ["invalid_request_error", "unknown_url"],
    429: ["requests", "rate_limit_exceeded"],
  };
  const [type, code] = known[status] ?? ["server_error", null];
  return { error: { message, type, param: null, code } };
}

function usage(counts: WireUsage): Json {
  const read = counts.cache_read_input_tokens ?? 0;
  const written = counts.cache_creation_input_tokens ?? 0;
  const prompt = counts.input_tokens + read + written;
  return {
    prompt_tokens: prompt,
    completion_tokens: counts.output_tokens,
    total_tokens: prompt + counts.output_tokens,
    prompt_tokens_details: {
      cached_tokens: read,
      audio_tokens: 0,
      ...(written > 0 ? { cache_write_tokens: written } : {}),
    },
    completion_tokens_details: {
      reasoning_tokens: counts.output_tokens_details?.thinking_tokens ?? 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function check(body: Json): void {
  demand(
    body["max_tokens"] === undefined,
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
  );
  only(body, FIELDS, "");
  const model = textAt(body["model"], "model");
  const most = countAt(body["max_completion_tokens"], "max_completion_tokens");
  demand(most <= 128_000, "max_tokens is too large: this model supports at most 128000");
  for (const name of ["temperature", "top_p"])
    demand((body[name] ?? 1) === 1, `Unsupported value: '${name}' does not support this value.`);
  demand(
    body["stop"] === undefined,
    "Unsupported parameter: 'stop' is not supported with this model.",
  );
  if (body["reasoning_effort"] !== undefined)
    within(body["reasoning_effort"], EFFORTS, "reasoning_effort");
  if (body["stream_options"] !== undefined)
    demand(
      body["stream"] === true,
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
    );
  if (body["safety_identifier"] !== undefined)
    demand(
      textAt(body["safety_identifier"], "safety_identifier").length <= 64,
      "safety_identifier",
    );
  checkTools(body);
  const tools = objectsAt(body["tools"], "tools");
  if (NO_TOOLS_WITH_EFFORT.test(model) && tools.length > 0)
    demand(
      body["reasoning_effort"] === "none",
      `Function tools with reasoning_effort are not supported for ${model} in /v1/chat/completions.`,
    );
  checkMessages(objectsAt(body["messages"], "messages"));
}

function checkTools(body: Json): void {
  const tools = objectsAt(body["tools"], "tools");
  demand(body["tools"] === undefined || tools.length > 0, "[] is too short - 'tools'");
  if (tools.length === 0)
    for (const name of ["tool_choice", "parallel_tool_calls"])
      demand(body[name] === undefined, `'${name}' is only allowed when 'tools' are specified.`);
  for (const tool of tools) {
    only(tool, "type function", "tools.");
    demand(tool["type"] === "function", "tools.type");
    const called = objectAt(tool["function"], "tools.function");
    only(called, "name description parameters strict", "tools.function.");
    demand(
      /^[\w-]{1,64}$/.test(textAt(called["name"], "tools.function.name")),
      "tools.function.name",
    );
    if (called["parameters"] !== undefined)
      schemaAt(called["parameters"], "tools.function.parameters");
  }
}

function checkMessages(messages: readonly Json[]): void {
  demand(messages.length > 0, "messages: too short");
  let calls: readonly string[] = [];
  let results: string[] = [];
  for (const [index, message] of messages.entries()) {
    const where = `messages[${index}]`;
    const role = within(message["role"], "developer system user assistant tool", `${where}.role`);
    if (role === "tool") {
      only(message, "role content tool_call_id", `${where}.`);
      results.push(textAt(message["tool_call_id"], `${where}.tool_call_id`));
      checkContent(message["content"], "text", where);
      continue;
    }
    pairUp(calls, results, where);
    [calls, results] = [[], []];
    if (role === "assistant") calls = checkAssistant(message, where);
    else {
      only(message, "role content name", `${where}.`);
      checkContent(message["content"], role === "user" ? "text image_url file" : "text", where);
    }
  }
  pairUp(calls, results, "messages");
}

function checkAssistant(message: Json, where: string): readonly string[] {
  only(message, "role content tool_calls refusal name", `${where}.`);
  const calls = objectsAt(message["tool_calls"], `${where}.tool_calls`);
  if (message["content"] !== null || calls.length === 0)
    checkContent(message["content"], "text refusal", where);
  return calls.map((call) => {
    demand(call["type"] === "function", `${where}.tool_calls.type`);
    const called = objectAt(call["function"], `${where}.tool_calls.function`);
    objectAt(JSON.parse(textAt(called["arguments"], where)), `${where}.arguments`);
    const id = textAt(call["id"], `${where}.tool_calls.id`);
    demand(id.length <= 64, `${where}.tool_calls.id: string too long`);
    return id;
  });
}

function checkContent(content: unknown, types: string, where: string): void {
  if (typeof content === "string") return;
  const parts = listAt(content, `${where}.content`);
  demand(parts.length > 0, `${where}.content: an empty list`);
  for (const part of objectsAt(content, `${where}.content`)) {
    const type = within(part["type"], types, `${where}.content.type`);
    if (type === "text") textAt(part["text"], `${where}.content.text`);
    if (type === "image_url")
      pictureUrlAt(objectAt(part["image_url"], where)["url"], `${where}.image_url`);
  }
}

function view(body: Json): RequestView {
  const messages = objectsAt(body["messages"], "messages");
  const of = (...roles: readonly string[]) =>
    messages.filter(({ role }) => roles.includes(String(role)));
  const effort = body["reasoning_effort"];
  return {
    model: String(body["model"]),
    stream: body["stream"] === true,
    maxTokens: Number(body["max_completion_tokens"]),
    system: of("developer", "system")
      .flatMap((each) => textsOf(each["content"]))
      .join("\n\n"),
    tools: objectsAt(body["tools"], "tools").map((tool) =>
      String(objectAt(tool["function"], "")["name"]),
    ),
    texts: of("user").flatMap((each) => textsOf(each["content"])),
    toolResults: of("tool").map((each) => ({
      id: String(each["tool_call_id"]),
      text: textsOf(each["content"]).join("\n"),
      isError: false,
      images: 0,
    })),
    signatures: [],
    thoughts: messages.flatMap(({ reasoning_content: thought }) =>
      typeof thought === "string" ? [thought] : [],
    ),
    thinkingWanted: effort !== undefined && effort !== "none",
    images: of("user").flatMap((each) =>
      Array.isArray(each["content"])
        ? objectsAt(each["content"], "").filter((part) => part["type"] === "image_url")
        : [],
    ).length,
  };
}

function textsOf(content: unknown): readonly string[] {
  if (typeof content === "string") return [content];
  if (!Array.isArray(content)) return [];
  return objectsAt(content, "").flatMap((part) =>
    part["type"] === "text" ? [String(part["text"])] : [],
  );
}

function chunksOf(told: Told): readonly Json[] {
  const chunk = (choices: readonly Json[], more: Json = {}): Json => ({
    id: `chatcmpl-${told.id}`,
    object: "chat.completion.chunk",
    created: CREATED_SECONDS,
    model: told.model,
    service_tier: "default",
    choices,
    ...more,
  });
  const delta = (fields: Json, reason: string | null = null): Json =>
    chunk([{ index: 0, delta: fields, logprobs: null, finish_reason: reason }]);
  const options = told.request["stream_options"];
  const isCounted = isObject(options) && options["include_usage"] === true && !told.omitsUsage;
  return [
    delta({ role: "assistant", content: "", refusal: null }),
    ...deltasOf(told).map((fields) => delta(fields)),
    delta({}, STOPS[told.stopReason] ?? "stop"),
    ...(isCounted ? [chunk([], { usage: usage(told.usage) })] : []),
  ];
}

function deltasOf({ content }: Told): readonly Json[] {
  let call = -1;
  return content.flatMap((block): readonly Json[] => {
    if (block.type === "text") return piecesOf(textOf(block)).map((piece) => ({ content: piece }));
    if (block.type === "thinking")
      return piecesOf(thinkingOf(block).text).map((piece) => ({ reasoning_content: piece }));
    const { id, name, input } = callOf(block);
    const index = ++call;
    const begin = { index, id, type: "function", function: { name, arguments: "" } };
    const rest = piecesOf(JSON.stringify(input)).map((piece) => ({
      tool_calls: [{ index, function: { arguments: piece } }],
    }));
    return [{ tool_calls: [begin] }, ...rest];
  });
}

function whole(told: Told): Json {
  const text = told.content
    .filter(({ type }) => type === "text")
    .map(textOf)
    .join("");
  const thought = told.content
    .filter(({ type }) => type === "thinking")
    .map((block) => thinkingOf(block).text);
  const calls = told.content.filter(({ type }) => type === "tool_use").map(callOf);
  const message = {
    role: "assistant",
    content: text === "" ? null : text,
    refusal: null,
    annotations: [],
    ...(thought.length > 0 ? { reasoning_content: thought.join("") } : {}),
    ...(calls.length > 0
      ? {
          tool_calls: calls.map(({ id, name, input }) => ({
            id,
            type: "function",
            function: { name, arguments: JSON.stringify(input) },
          })),
        }
      : {}),
  };
  return {
    id: `chatcmpl-${told.id}`,
    object: "chat.completion",
    created: CREATED_SECONDS,
    model: told.model,
    choices: [
      { index: 0, message, logprobs: null, finish_reason: STOPS[told.stopReason] ?? "stop" },
    ],
    ...(told.omitsUsage ? {} : { usage: usage(told.usage) }),
    service_tier: "default",
  };
}
