/** Ways to call the Messages API through the SDK, each with what the upstream answers. */
import type Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import {
  apiError,
  htmlError,
  inTurn,
  text,
  toolCalls,
  usage,
  withThinking,
  type Answer,
} from "../harness/scripts.ts";

export interface Shape {
  readonly name: string;
  /** Answers in turn, the last one for ever after. */
  readonly answers: readonly [Answer, ...Answer[]];
  /** The result must be plain data or made of it. */
  readonly call: (client: Anthropic) => Promise<unknown>;
}

type Params = Anthropic.MessageCreateParamsNonStreaming;

const USER = { role: "user", content: "What is in the file?" } as const;
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const PDF = Buffer.from("%PDF-1.4\n%%EOF\n").toString("base64");
const CITY_SCHEMA = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
} as const;
const WEATHER: Anthropic.Tool = {
  name: "get_weather",
  description: "The weather of a city",
  input_schema: { ...CITY_SCHEMA, required: ["city"] },
};
const ASK_WEATHER = toolCalls([["toolu_1", "get_weather", { city: "Zürich" }]]);
const TWO_CITIES = toolCalls([
  ["toolu_1", "get_weather", { city: "Zürich" }],
  ["toolu_2", "get_weather", { city: "東京" }],
]);

/** A request with the usual fields and those that are given. */
function params(fields: Partial<Params> = {}): Params {
  return { model: "claude-opus-5-5", max_tokens: 1000, messages: [USER], ...fields };
}

/** `messages.create` with these fields, answered by plain text unless said otherwise. */
function create(
  name: string,
  fields: Partial<Params>,
  answer: Answer = text("Grüezi, 世界 👋"),
): Shape {
  return { name, answers: [answer], call: (client) => client.messages.create(params(fields)) };
}

function failing(name: string, answer: Answer): Shape[] {
  return [
    { name, answers: [answer], call: (client) => client.messages.create(params()) },
    {
      name: `${name}, streamed`,
      answers: [answer],
      call: (client) => client.messages.stream(params()).finalMessage(),
    },
  ];
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const PLAIN: readonly Shape[] = [
  create("a bare request", {}),
  create("system as a string", { system: "Be brief." }),
  create("system as blocks with a cache marker", {
    system: [
      { type: "text", text: "Be brief." },
      { type: "text", text: "Long instructions", cache_control: { type: "ephemeral" } },
    ],
  }),
  create("a conversation with tool results", {
    tools: [WEATHER],
    messages: [
      USER,
      {
        role: "assistant",
        content: [{ type: "tool_use", id: "toolu_1", name: "get_weather", input: {} }],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "toolu_1", content: "21 °C", is_error: false },
        ],
      },
    ],
  }),
  create("a tool is called", { tools: [WEATHER] }, ASK_WEATHER),
  create("two tools in parallel", { tools: [WEATHER] }, TWO_CITIES),
  create(
    "a forced tool",
    { tools: [WEATHER], tool_choice: { type: "tool", name: "get_weather" } },
    ASK_WEATHER,
  ),
  create("no parallel tools", {
    tools: [WEATHER],
    tool_choice: { type: "auto", disable_parallel_tool_use: true },
  }),
  create(
    "adaptive thinking",
    { thinking: { type: "adaptive" }, max_tokens: 4000 },
    withThinking(
      text("42", { output_tokens: 60, output_tokens_details: { thinking_tokens: 41 } }),
      "Let me see.",
    ),
  ),
  create(
    "a thinking budget",
    {
      model: "claude-opus-4-8",
      thinking: { type: "enabled", budget_tokens: 1024 },
      max_tokens: 4000,
    },
    withThinking(text("42"), "Hmm."),
  ),
  create("an image in base64", {
    messages: [
      {
        role: "user",
        content: [
          { type: "image", source: { type: "base64", media_type: "image/png", data: PIXEL } },
          { type: "text", text: "What is this?" },
        ],
      },
    ],
  }),
  create("an image by URL", {
    messages: [
      {
        role: "user",
        content: [{ type: "image", source: { type: "url", url: "https://example.com/a.png" } }],
      },
    ],
  }),
  create("a document with citations", {
    messages: [
      {
        role: "user",
        content: [
          {
            type: "document",
            source: { type: "base64", media_type: "application/pdf", data: PDF },
            citations: { enabled: true },
          },
        ],
      },
    ],
  }),
  create(
    "one-hour cache markers",
    { system: [{ type: "text", text: "Rules", cache_control: { type: "ephemeral", ttl: "1h" } }] },
    text("ok", {
      cache_read_input_tokens: 901,
      cache_creation_input_tokens: 70,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 70 },
    }),
  ),
  create("metadata", {
    metadata: { user_id: '{"device_id":"d","account_uuid":"","session_id":"s-1"}' },
  }),
  create(
    "a stop sequence",
    { stop_sequences: ["END", "\n\nHuman:"] },
    { ...text("until here"), stopSequence: "END" },
  ),
  create(
    "an answer cut at max_tokens",
    { max_tokens: 5 },
    { ...text("and then"), stopReason: "max_tokens" },
  ),
  create("another model with diagnostics off", { model: "claude-haiku-5-5", stop_sequences: [] }),
  create("effort and a service tier", {
    output_config: { effort: "medium" },
    service_tier: "standard_only",
  }),
  create("inference in the US", { inference_geo: "us" }, text("ok", { inference_geo: "us" })),
  create(
    "web search",
    { tools: [{ type: "web_search_20250305", name: "web_search", max_uses: 2 }] },
    text("found", { server_tool_use: { web_search_requests: 1, web_fetch_requests: 0 } }),
  ),
  create(
    "a refusal before any output",
    { model: "claude-sonnet-5-5" },
    { kind: "message", content: [], usage: usage({ input_tokens: 12 }), stopReason: "refusal" },
  ),
  create(
    "an unknown block type",
    {},
    {
      kind: "message",
      content: [{ type: "hologram", depth: 3 }],
      usage: usage({ input_tokens: 4, output_tokens: 2 }),
    },
  ),
  create("a model by its dated id", { model: "claude-opus-4-8-20260301" }),
];

const STREAMED: readonly Shape[] = [
  {
    name: "create with stream: every event",
    answers: [{ ...withThinking(TWO_CITIES, "Two cities."), delivery: { pingEvery: 3 } }],
    call: async (client) => collect(await client.messages.create({ ...params(), stream: true })),
  },
  {
    name: "the stream helper: deltas and final message",
    answers: [
      { ...text("Ein längerer Text, der in mehreren Stücken ankommt."), delivery: { chunks: 11 } },
    ],
    call: async (client) => {
      const deltas: string[] = [];
      const stream = client.messages.stream(params()).on("text", (delta) => deltas.push(delta));
      const message = await stream.finalMessage();
      return { deltas, message, text: await stream.finalText() };
    },
  },
  {
    name: "the stream helper: tool input as it grows",
    answers: [TWO_CITIES],
    call: async (client) => {
      const inputs: unknown[] = [];
      const stream = client.messages.stream(params({ tools: [WEATHER] }));
      stream.on("inputJson", (part) => inputs.push(part));
      return { message: await stream.finalMessage(), inputs };
    },
  },
  {
    name: "a stream with CRLF line ends, byte by byte",
    answers: [{ ...text("abc"), delivery: { chunks: 1, lineEnd: "\r\n" } }],
    call: (client) => client.messages.stream(params()).finalMessage(),
  },
  {
    name: "a stream that breaks",
    answers: [
      {
        ...text("x".repeat(200)),
        fault: { kind: "error_event", afterEvents: 4, type: "overloaded_error" },
      },
    ],
    call: (client) => client.messages.stream(params()).finalMessage(),
  },
];

const BETA: readonly Shape[] = [
  {
    name: "the beta namespace",
    answers: [text("beta")],
    call: (client) =>
      client.beta.messages.create({ ...params(), betas: ["context-1m-2025-08-07", "x-unknown-1"] }),
  },
  {
    name: "the beta namespace, streamed",
    answers: [withThinking(text("beta"), "So.")],
    call: (client) =>
      client.beta.messages.stream({ ...params(), betas: ["x-unknown-1"] }).finalMessage(),
  },
  {
    name: "structured output",
    answers: [text('{"city":"Zürich"}')],
    call: (client) =>
      client.messages.create(
        params({ output_config: { format: { type: "json_schema", schema: { type: "object" } } } }),
      ),
  },
  {
    name: "the tool runner",
    answers: [ASK_WEATHER, text("21 °C in Zürich")],
    call: async (client) => {
      const tool = betaTool({
        name: "get_weather",
        description: "The weather of a city",
        inputSchema: CITY_SCHEMA,
        run: () => "21 °C",
      });
      const message = await client.beta.messages.toolRunner({ ...params(), tools: [tool] });
      return message;
    },
  },
  {
    name: "counting tokens",
    answers: [text("not asked")],
    call: (client) => client.messages.countTokens({ model: "claude-opus-5-5", messages: [USER] }),
  },
  {
    name: "counting tokens in beta",
    answers: [text("not asked")],
    call: (client) =>
      client.beta.messages.countTokens({ model: "claude-opus-5-5", messages: [USER] }),
  },
  {
    name: "listing models",
    answers: [text("not asked")],
    call: (client) => collect(client.models.list({ limit: 1000 })),
  },
];

const HANDLED: readonly Shape[] = [
  {
    name: "request id and response headers",
    answers: [text("hello")],
    call: async (client) => {
      const { data, response, request_id } = await client.messages.create(params()).withResponse();
      const contentType = response.headers.get("content-type");
      return { data, request_id, status: response.status, contentType };
    },
  },
  {
    name: "the raw response",
    answers: [text("hello")],
    call: async (client) => (await client.messages.create(params()).asResponse()).text(),
  },
  {
    name: "a retry after 529",
    answers: [apiError(529, "overloaded_error", "Overloaded", { "retry-after": "0" }), text("now")],
    call: (client) => client.withOptions({ maxRetries: 2 }).messages.create(params()),
  },
  {
    name: "x-should-retry: false is obeyed",
    answers: [apiError(500, "api_error", "No", { "x-should-retry": "false" }), text("never")],
    call: (client) => client.withOptions({ maxRetries: 2 }).messages.create(params()),
  },
  {
    name: "a time-out of the client",
    answers: [{ ...text("late"), delivery: { headDelayMs: 1500 } }],
    call: (client) => client.messages.create(params(), { timeout: 150 }),
  },
  {
    name: "an abort in mid-stream",
    answers: [{ ...text("x".repeat(2000)), delivery: { eventDelayMs: 10 } }],
    call: async (client) => {
      const stream = client.messages.stream(params());
      stream.on("text", () => stream.abort());
      return stream.finalMessage();
    },
  },
];

const FAILED: readonly Shape[] = [
  ...failing("400", apiError(400, "invalid_request_error", "messages.0: unexpected role")),
  ...failing("404", apiError(404, "not_found_error", "model: claude-opus-5-5")),
  ...failing("413", apiError(413, "request_too_large", "Request exceeds the maximum size")),
  ...failing("429", apiError(429, "rate_limit_error", "Slow down", { "retry-after": "7" })),
  ...failing("500", apiError(500, "api_error", "Internal server error")),
  ...failing("529", apiError(529, "overloaded_error", "Overloaded")),
  ...failing("an HTML page", htmlError(502)),
];

export const SHAPES: readonly Shape[] = [...PLAIN, ...STREAMED, ...BETA, ...HANDLED, ...FAILED];

/** The script of one shape, with a turn counter of its own. */
export function scriptOf(shape: Shape): ReturnType<typeof inTurn> {
  return inTurn(...shape.answers);
}
