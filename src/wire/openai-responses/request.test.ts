/** Requests in the wire format of OpenAI's `POST /v1/responses`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NESTED_LOSSES } from "../canonical/nested.ts";
import { readCanonical } from "../canonical/read.ts";
import { isUnsupported } from "../egress.ts";
import type { EgressContext, Quirk } from "../egress.ts";
import { openaiResponses } from "./egress.ts";

type Json = Readonly<Record<string, unknown>>;

function translate(body: Json, context: Partial<EgressContext> = {}) {
  const request = readCanonical({ model: "claude", messages: [], ...body });
  assert.ok(!("field" in request));
  return openaiResponses.request(request, {
    model: "gpt",
    maxTokens: 4096,
    quirks: new Set<Quirk>(),
    onUnsupported: "drop",
    ...context,
  });
}

function sent(body: Json, ...quirks: Quirk[]) {
  const translated = translate(body, { quirks: new Set(quirks) });
  assert.ok(!isUnsupported(translated));
  return translated;
}

const PNG = { type: "base64", media_type: "image/png", data: "iVBO" };
const PDF = { type: "base64", media_type: "application/pdf", data: "JVBE" };
const CLOSED = {
  type: "object",
  properties: { path: { type: "string" } },
  required: ["path"],
  additionalProperties: false,
};
const OPEN = { type: "object", properties: { path: { type: "string" } } };
const USER = (...content: Json[]) => ({ messages: [{ role: "user", content }] });
const MARKED = { type: "ephemeral" };

test("a turn of Claude Code becomes instructions, items and tools", () => {
  const { json, dropped } = sent({
    system: [
      { type: "text", text: "x-anthropic-billing-header: cc_version=2.1; cch=1" },
      { type: "text", text: "You are Claude Code.", cache_control: MARKED },
      { type: "text", text: "Be brief." },
    ],
    messages: [
      { role: "user", content: "look" },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "Of another door.", signature: "EqQB" },
          { type: "text", text: "Reading." },
          { type: "tool_use", id: "toolu_1", name: "Read", input: { path: "a.png" } },
          { type: "tool_use", id: "toolu_2", name: "Read", input: {} },
        ],
      },
      {
        role: "user",
        content: [
          {
            type: "tool_result",
            tool_use_id: "toolu_1",
            content: [
              { type: "text", text: "a picture" },
              { type: "image", source: PNG },
            ],
          },
          { type: "tool_result", tool_use_id: "toolu_2", is_error: true, content: "no path" },
          { type: "text", text: "go on", cache_control: MARKED },
        ],
      },
      { role: "system", content: "The plan mode is on." },
    ],
    tools: [{ name: "Read", description: "Reads.", input_schema: OPEN }],
    tool_choice: { type: "auto", disable_parallel_tool_use: true },
    thinking: { type: "adaptive" },
    output_config: { effort: "medium" },
    context_management: { edits: [] },
    metadata: { user_id: '{"device_id":"d","account_uuid":"a","session_id":"5f2c"}' },
    temperature: 1,
    stream: true,
  });
  assert.deepEqual(json, {
    model: "gpt",
    instructions: "You are Claude Code.\n\nBe brief.",
    input: [
      { type: "message", role: "user", content: [{ type: "input_text", text: "look" }] },
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "Reading." }] },
      { type: "function_call", call_id: "toolu_1", name: "Read", arguments: '{"path":"a.png"}' },
      { type: "function_call", call_id: "toolu_2", name: "Read", arguments: "{}" },
      {
        type: "function_call_output",
        call_id: "toolu_1",
        output: [
          { type: "input_text", text: "a picture" },
          { type: "input_image", image_url: "data:image/png;base64,iVBO", detail: "auto" },
        ],
      },
      { type: "function_call_output", call_id: "toolu_2", output: "Error: no path" },
      { type: "message", role: "user", content: [{ type: "input_text", text: "go on" }] },
      {
        type: "message",
        role: "developer",
        content: [{ type: "input_text", text: "The plan mode is on." }],
      },
    ],
    tools: [
      { type: "function", name: "Read", description: "Reads.", parameters: OPEN, strict: false },
    ],
    tool_choice: "auto",
    parallel_tool_calls: false,
    reasoning: { effort: "medium", summary: "auto" },
    include: ["reasoning.encrypted_content"],
    max_output_tokens: 4096,
    safety_identifier: "a741ad8cccb5a6f6f1b9b57e1e3cd08613a7056ee9db2651f752ad37011023e9",
    prompt_cache_key: "5f2c",
    store: false,
    stream: true,
  });
  assert.deepEqual([...dropped].sort(), [
    "cache_control",
    "context_management",
    "system.attribution",
    "thinking.signature",
  ]);
});

test("documents go as files, texts as texts, with their titles", () => {
  const { json } = sent({
    messages: [
      {
        role: "user",
        content: [
          { type: "document", source: PDF, title: "plan.pdf", context: "Draft." },
          { type: "document", source: PDF },
          { type: "document", source: { type: "url", url: "https://a.example/b.pdf" } },
          { type: "document", source: { type: "text", data: "abc" }, title: "notes" },
          { type: "image", source: { type: "url", url: "https://a.example/c.png" } },
        ],
      },
    ],
  });
  const [message] = json["input"] as Json[];
  assert.deepEqual(message?.["content"], [
    { type: "input_text", text: "Draft." },
    {
      type: "input_file",
      filename: "plan.pdf",
      file_data: "data:application/pdf;base64,JVBE",
    },
    {
      type: "input_file",
      filename: "document.pdf",
      file_data: "data:application/pdf;base64,JVBE",
    },
    { type: "input_file", file_url: "https://a.example/b.pdf" },
    { type: "input_text", text: "notes\n\nabc" },
    { type: "input_image", image_url: "https://a.example/c.png", detail: "auto" },
  ]);
});

const REASONING = [
  [{}, undefined],
  [{ thinking: { type: "disabled" } }, { effort: "low" }],
  [{ thinking: { type: "adaptive" } }, { summary: "auto" }],
  [{ thinking: { type: "enabled", budget_tokens: 4095 } }, { effort: "low", summary: "auto" }],
  [{ thinking: { type: "enabled", budget_tokens: 4096 } }, { effort: "medium", summary: "auto" }],
  [{ thinking: { type: "enabled", budget_tokens: 16_384 } }, { effort: "high", summary: "auto" }],
  [{ output_config: { effort: "low" } }, { effort: "low", summary: "auto" }],
  [{ output_config: { effort: "max" } }, { effort: "high", summary: "auto" }],
] as const;
for (const [body, reasoning] of REASONING) {
  test(`${JSON.stringify(body)} reasons as ${JSON.stringify(reasoning)}`, () => {
    const { json } = sent(body);
    assert.deepEqual(json["reasoning"], reasoning);
    assert.equal(json["include"] !== undefined, reasoning !== undefined && "summary" in reasoning);
  });
}

test("effort above high is kept where the provider takes it", () => {
  const { json } = sent({ output_config: { effort: "xhigh" } }, "effort-above-high");
  assert.deepEqual(json["reasoning"], { effort: "xhigh", summary: "auto" });
});

const CHOICES = [
  [{ type: "auto" }, "auto"],
  [{ type: "any" }, "required"],
  [{ type: "none" }, "none"],
  [
    { type: "tool", name: "Read" },
    { type: "function", name: "Read" },
  ],
] as const;
for (const [choice, expected] of CHOICES) {
  test(`tool choice ${JSON.stringify(choice)}`, () => {
    const tools = [{ name: "Read", input_schema: OPEN }];
    assert.deepEqual(sent({ tools, tool_choice: choice }).json["tool_choice"], expected);
    assert.equal(sent({ tool_choice: choice }).json["tool_choice"], undefined);
  });
}

test("strict is kept where strict mode takes the schema, else told", () => {
  const nested = { ...CLOSED, properties: { path: { type: "array", items: OPEN } } };
  for (const [schema, strict] of [
    [CLOSED, true],
    [OPEN, false],
    [nested, false],
    [{ ...CLOSED, required: [] }, false],
    [{ ...CLOSED, allOf: [] }, false],
    [{ ...CLOSED, properties: { path: {} } }, false],
  ] as const) {
    const tools = [{ name: "Read", input_schema: schema, strict: true }];
    const format = { type: "json_schema", schema };
    const { json, dropped } = sent({ tools, output_config: { format } });
    assert.equal((json["tools"] as Json[])[0]?.["strict"], strict);
    assert.deepEqual(json["text"], {
      format: { type: "json_schema", name: "answer", schema, strict },
    });
    assert.deepEqual(dropped, strict ? [] : ["tools.strict", "output_config.format.schema"]);
  }
});

test("a tool without properties names none", () => {
  const { json } = sent({ tools: [{ name: "Now", input_schema: { type: "object" } }] });
  const [tool] = json["tools"] as Json[];
  assert.deepEqual(tool?.["parameters"], { type: "object", properties: {} });
});

test("texts of a tool result are joined where the provider takes one text", () => {
  const parts = [
    { type: "text", text: "a" },
    { type: "text", text: "b" },
  ];
  const body = USER({ type: "tool_result", tool_use_id: "t", is_error: true, content: parts });
  const joined = sent(body, "tool-results-text");
  assert.equal((joined.json["input"] as Json[])[0]?.["output"], "Error: a\n\nb");
  assert.deepEqual(joined.dropped, []);
  assert.deepEqual((sent(body).json["input"] as Json[])[0]?.["output"], [
    { type: "input_text", text: "Error: " },
    { type: "input_text", text: "a" },
    { type: "input_text", text: "b" },
  ]);
});

test("ids over 64 characters are shortened alike on both sides of a call", () => {
  const id = `toolu_${"x".repeat(80)}`;
  const { json } = sent({
    messages: [
      { role: "assistant", content: [{ type: "tool_use", id, name: "Read", input: {} }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: id }] },
    ],
  });
  const [call, output] = json["input"] as Json[];
  assert.equal(String(call?.["call_id"]).length, 37);
  assert.equal(call?.["call_id"], output?.["call_id"]);
  assert.equal(output?.["output"], "");
});

test("reasoning that nothing of its answer follows is left out", () => {
  const thinking = { type: "thinking", thinking: "Hm.", signature: "openai-responses.1.cnM.abc" };
  const { json, dropped } = sent({
    messages: [
      { role: "assistant", content: [thinking] },
      { role: "user", content: "go on" },
    ],
  });
  assert.deepEqual(
    (json["input"] as Json[]).map(({ type }) => type),
    ["message"],
  );
  assert.deepEqual(dropped, ["thinking.signature"]);
});

test("reasoning stays away where thinking is disabled", () => {
  const data = "openai-responses.1.cnM.abc";
  const messages = [
    {
      role: "assistant",
      content: [
        { type: "redacted_thinking", data },
        { type: "text", text: "a" },
      ],
    },
    { role: "user", content: "b" },
  ];
  const off = sent({ messages, thinking: { type: "disabled" } });
  assert.deepEqual(off.dropped, ["redacted_thinking", "thinking"]);
  const [item] = sent({ messages }).json["input"] as Json[];
  assert.deepEqual(item, { type: "reasoning", id: "rs", summary: [], encrypted_content: "abc" });
});

test("users are named by 64 characters that no session changes", () => {
  const user = (session: string) =>
    sent({ metadata: { user_id: `{"account_uuid":"a","session_id":"${session}"}` } }).json;
  assert.equal(user("1")["safety_identifier"], user("2")["safety_identifier"]);
  assert.equal(String(user("3".repeat(100))["prompt_cache_key"]).length, 64);
  assert.equal(sent({ metadata: { user_id: "u1" } }).json["safety_identifier"], "u1");
  const long = sent({ metadata: { user_id: "u".repeat(65) } }).json["safety_identifier"];
  assert.match(String(long), /^[0-9a-f]{64}$/);
});

const TOOLS = [{ name: "Read", input_schema: OPEN }];
const RESULT = { type: "tool_result", tool_use_id: "t", content: [{ type: "image", source: PNG }] };
/** What is lost, from which body, at which quirk. Rows of weight `content` refuse, too. */
const LOST = [
  ["stop_sequences", { stop_sequences: ["END"] }],
  ["top_k", { top_k: 5 }],
  ["temperature", { temperature: 0.5 }, "no-temperature"],
  ["top_p", { top_p: 0.5 }, "no-temperature"],
  ["tools", { tools: [{ type: "web_search_20260209", name: "web_search" }] }],
  ["tool_choice", { tools: TOOLS, tool_choice: { type: "any" } }, "no-tool-choice-required"],
  ["tool_choice", { tools: TOOLS, tool_choice: { type: "tool", name: "web_search" } }],
  [
    "tool_choice.disable_parallel_tool_use",
    { tools: TOOLS, tool_choice: { type: "auto", disable_parallel_tool_use: true } },
    "no-parallel-tool-calls",
  ],
  [
    "output_config.format",
    { output_config: { format: { type: "json_schema", schema: CLOSED } } },
    "no-json-schema",
  ],
  ["thinking", { thinking: { type: "adaptive" } }, "no-reasoning-effort"],
  ["thinking", { thinking: { type: "disabled" } }],
  ["thinking.budget_tokens", { thinking: { type: "enabled", budget_tokens: 9 } }],
  ["output_config.effort", { output_config: { effort: "max" } }],
  ["output_config.effort", { output_config: { effort: "low" } }, "no-reasoning-effort"],
  ["metadata.user_id", { metadata: { user_id: "u" } }, "no-user"],
  ["image", USER({ type: "image", source: PNG }), "no-images"],
  ["image.source", USER({ type: "image", source: { type: "file", file_id: "f" } })],
  [
    "image.source",
    USER({ type: "image", source: { type: "url", url: "https://a.example" } }),
    "no-image-urls",
  ],
  ["document", USER({ type: "document", source: PDF }), "no-documents"],
  ["document.source", USER({ type: "document", source: { type: "file", file_id: "f" } })],
  ["document.citations", USER({ type: "document", source: PDF, citations: { enabled: true } })],
  ["text.citations", USER({ type: "text", text: "a", citations: [{}] })],
  ["tool_result.content", USER(RESULT), "tool-results-text"],
  ["messages.content", USER({ type: "search_result" })],
  ["messages.prefill", { messages: [{ role: "assistant", content: "{" }] }],
  ["inference_geo", { inference_geo: "eu" }],
  ["container", { container: "c" }],
  ["mcp_servers", { mcp_servers: [{}] }],
  ["service_tier", { service_tier: "auto" }],
  ["speed", { speed: "fast" }],
  ["context_management", { context_management: {} }],
  ["brand_new", { brand_new: 1 }],
  ["(any other field)", { "odd\r\nname": 1 }],
] as const;

for (const [field, body, quirk] of LOST) {
  test(`${field} is told as lost: ${JSON.stringify(body).slice(0, 60)}`, () => {
    const quirks = new Set<Quirk>(quirk === undefined ? [] : [quirk]);
    const dropped = translate(body, { quirks });
    assert.ok(!isUnsupported(dropped));
    assert.deepEqual(dropped.dropped, [field]);
    const refused = translate(body, { quirks, onUnsupported: "refuse" });
    const { weight } = openaiResponses.losses.find((loss) => loss.field === field) ?? {
      weight: "content",
    };
    assert.equal(isUnsupported(refused), weight === "content");
    if (isUnsupported(refused)) {
      assert.equal(refused.unsupported, field);
      assert.ok(refused.message.startsWith(`${field} cannot be carried`));
      assert.ok(refused.message.includes("on_unsupported: drop"));
    }
  });
}

test("every loss is told once, and is provoked by a case of this file", () => {
  const fields = openaiResponses.losses.map(({ field }) => field);
  assert.equal(new Set(fields).size, fields.length);
  const nested = NESTED_LOSSES.map(({ field }) => field);
  const provoked = new Set<string>([...LOST.map(([field]) => field), ...nested]);
  const elsewhere = ["cache_control", "system.attribution", "thinking.signature"];
  const shown = [...elsewhere, "redacted_thinking", "tools.strict", "output_config.format.schema"];
  assert.deepEqual(fields.filter((field) => !provoked.has(field)).sort(), shown.sort());
});
