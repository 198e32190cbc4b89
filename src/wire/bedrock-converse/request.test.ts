import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { lacksLoopThinking } from "../canonical/foreign.ts";
import { NESTED_LOSSES } from "../canonical/nested.ts";
import { readCanonical } from "../canonical/read.ts";
import type { CanonicalRequest } from "../canonical/request.ts";
import { isUnsupported, type EgressBody, type EgressContext, type Quirk } from "../egress.ts";
import { bedrockConverse } from "./egress.ts";

const CLAUDE = "eu.anthropic.claude-opus-5";

function canonical(body: Record<string, unknown>): CanonicalRequest {
  const read = readCanonical({ model: "m", max_tokens: 9, messages: [], ...body });
  assert.ok(!("field" in read), JSON.stringify(read));
  return read;
}

function contextOf(more: Partial<EgressContext> = {}): EgressContext {
  return {
    model: CLAUDE,
    maxTokens: 64,
    quirks: new Set<Quirk>(),
    onUnsupported: "drop",
    ...more,
  };
}

function written(body: Record<string, unknown>, more: Partial<EgressContext> = {}): EgressBody {
  const result = bedrockConverse.request(canonical(body), contextOf(more));
  assert.ok(!isUnsupported(result), JSON.stringify(result));
  return result;
}

const user = (...content: unknown[]) => ({ role: "user", content });
const assistant = (...content: unknown[]) => ({ role: "assistant", content });
const textBlock = (text: string, more: object = {}) => ({ type: "text", text, ...more });
const MARKED = { cache_control: { type: "ephemeral" } };
const POINT = { cachePoint: { type: "default" } };

test("a whole request of Claude Code as Converse takes it", () => {
  const { json, dropped } = written(
    {
      system: [textBlock("You are.", MARKED)],
      messages: [
        user(textBlock("Look:"), {
          type: "image",
          source: { type: "base64", media_type: "image/png", data: "AAAA" },
        }),
        assistant(
          { type: "thinking", thinking: "hm", signature: "c2ln" },
          { type: "redacted_thinking", data: "cmVk" },
          { type: "tool_use", id: "toolu_1", name: "Read", input: { path: "/a" } },
          { type: "tool_use", id: "toolu_2", name: "Read", input: {} },
        ),
        user(
          { type: "tool_result", tool_use_id: "toolu_1", content: "fine" },
          {
            type: "tool_result",
            tool_use_id: "toolu_2",
            is_error: true,
            content: [
              textBlock("no"),
              { type: "image", source: { type: "base64", media_type: "image/jpeg", data: "BBBB" } },
            ],
            ...MARKED,
          },
        ),
        { role: "user", content: "Go on." },
      ],
      tools: [
        {
          name: "Read",
          description: "Reads.",
          input_schema: { type: "object" },
          strict: true,
          ...MARKED,
        },
      ],
      tool_choice: { type: "tool", name: "Read" },
      thinking: { type: "adaptive" },
      output_config: {
        effort: "high",
        format: { type: "json_schema", schema: { type: "object", properties: {} } },
      },
      stop_sequences: ["END"],
      temperature: 0.5,
      top_p: 0.9,
      top_k: 5,
    },
    { betas: ["context-1m-2025-08-07"] },
  );
  assert.deepEqual(dropped, []);
  assert.deepEqual(json, {
    messages: [
      {
        role: "user",
        content: [{ text: "Look:" }, { image: { format: "png", source: { bytes: "AAAA" } } }],
      },
      {
        role: "assistant",
        content: [
          { reasoningContent: { reasoningText: { text: "hm", signature: "c2ln" } } },
          { reasoningContent: { redactedContent: "cmVk" } },
          { toolUse: { toolUseId: "toolu_1", name: "Read", input: { path: "/a" } } },
          { toolUse: { toolUseId: "toolu_2", name: "Read", input: {} } },
        ],
      },
      {
        role: "user",
        content: [
          { toolResult: { toolUseId: "toolu_1", content: [{ text: "fine" }] } },
          {
            toolResult: {
              toolUseId: "toolu_2",
              content: [{ text: "no" }, { image: { format: "jpeg", source: { bytes: "BBBB" } } }],
              status: "error",
            },
          },
          POINT,
          { text: "Go on." },
        ],
      },
    ],
    system: [{ text: "You are." }, POINT],
    inferenceConfig: { maxTokens: 64, temperature: 0.5, topP: 0.9, stopSequences: ["END"] },
    toolConfig: {
      tools: [
        {
          toolSpec: {
            name: "Read",
            description: "Reads.",
            inputSchema: { json: { type: "object" } },
            strict: true,
          },
        },
        POINT,
      ],
      toolChoice: { tool: { name: "Read" } },
    },
    outputConfig: {
      textFormat: {
        type: "json_schema",
        structure: { jsonSchema: { schema: '{"type":"object","properties":{}}' } },
      },
    },
    additionalModelRequestFields: {
      thinking: { type: "adaptive" },
      output_config: { effort: "high" },
      top_k: 5,
      anthropic_beta: ["context-1m-2025-08-07"],
    },
    additionalModelResponseFieldPaths: ["/stop_sequence", "/delta/stop_sequence"],
  });
});

test("documents get names that Bedrock takes, each its own", () => {
  const document = (title: string | null, source: object) => ({ type: "document", title, source });
  const pdf = { type: "base64", media_type: "application/pdf", data: "JVBE" };
  const { json, dropped } = written({
    messages: [
      user(
        document("Plan (1)", pdf),
        document("Plan (1)", { type: "text", media_type: "text/plain", data: "é" }),
        document("a/b__c.pdf", pdf),
        { ...document(null, pdf), context: "why" },
      ),
    ],
  });
  const [message] = json["messages"] as { content: { document: object }[] }[];
  assert.deepEqual(
    message?.content.map((block) => block.document),
    [
      { format: "pdf", name: "Plan (1)", source: { bytes: "JVBE" } },
      { format: "txt", name: "Plan (1) (2)", source: { bytes: "w6k=" } },
      { format: "pdf", name: "a b c pdf", source: { bytes: "JVBE" } },
      { format: "pdf", name: "document", source: { bytes: "JVBE" }, context: "why" },
    ],
  );
  assert.deepEqual(dropped, ["document.title"]);
});

test("of more markers than four the last stay; other models than Claude and Nova get none", () => {
  const body = {
    system: [textBlock("a", MARKED), textBlock("b", MARKED)],
    messages: [user(textBlock("c", MARKED), textBlock("d", MARKED), textBlock("e", MARKED))],
    tools: [{ name: "T", input_schema: {}, ...MARKED }],
  };
  const claude = written(body);
  assert.deepEqual(claude.dropped, ["cache_control"]);
  assert.deepEqual(claude.json["system"], [{ text: "a" }, { text: "b" }, POINT]);
  assert.deepEqual(claude.json["messages"], [
    { role: "user", content: [{ text: "c" }, POINT, { text: "d" }, POINT, { text: "e" }, POINT] },
  ]);
  const points = (model: string) => {
    const { json, dropped } = written(body, { model });
    assert.deepEqual(dropped, ["cache_control"]);
    return JSON.stringify(json).split("cachePoint").length - 1;
  };
  assert.equal(points("us.amazon.nova-pro-v1:0"), 4);
  assert.equal(points("deepseek.v3-v1:0"), 0);
});

test("calls of earlier turns are declared where the request declares no tools", () => {
  const messages = [
    user(textBlock("a")),
    assistant({ type: "tool_use", id: "1", name: "Read", input: {} }),
    user({ type: "tool_result", tool_use_id: "1", is_error: true }),
  ];
  const { json } = written({ messages });
  assert.deepEqual(json["toolConfig"], {
    tools: [{ toolSpec: { name: "Read", inputSchema: { json: { type: "object" } } } }],
  });
  const [, , result] = json["messages"] as { content: unknown }[];
  assert.deepEqual(result?.content, [
    { toolResult: { toolUseId: "1", content: [{ text: "(no output)" }], status: "error" } },
  ]);
});

test("calls are forbidden by declaring none; with earlier ones that is a loss", () => {
  const tools = [{ name: "T", input_schema: {} }];
  const none = { type: "none" };
  const fresh = written({ messages: [user(textBlock("a"))], tools, tool_choice: none });
  assert.equal(fresh.json["toolConfig"], undefined);
  assert.deepEqual(fresh.dropped, []);
  const messages = [assistant({ type: "tool_use", id: "1", name: "T", input: {} })];
  assert.deepEqual(written({ messages, tools, tool_choice: none }).dropped, ["tool_choice"]);
});

test("roles are merged, blank texts left out, a system turn told as one", () => {
  const { json, dropped } = written({
    messages: [
      user(textBlock("a")),
      { role: "assistant", content: "" },
      { role: "system", content: "Be brief." },
      { role: "user", content: " \n" },
      { role: "user", content: "b" },
      assistant(textBlock("c")),
    ],
  });
  assert.deepEqual(json["messages"], [
    {
      role: "user",
      content: [{ text: "a" }, { text: "<system>\nBe brief.\n</system>" }, { text: "b" }],
    },
    { role: "assistant", content: [{ text: "c" }] },
  ]);
  assert.deepEqual(dropped, ["messages.role"]);
});

/** Requests that lose something: the field, what makes it lose, and where. */
const LOSING: readonly (readonly [string, Record<string, unknown>, Partial<EgressContext>?])[] = [
  ["cache_control", { system: [textBlock("a", MARKED)] }, { model: "qwen" }],
  [
    "cache_control.ttl",
    { system: [{ type: "text", text: "a", cache_control: { type: "ephemeral", ttl: "1h" } }] },
    { model: "amazon.nova-pro-v1:0" },
  ],
  [
    "thinking.signature",
    { messages: [assistant({ type: "thinking", thinking: "a", signature: "" })] },
  ],
  [
    "thinking.thinking",
    { messages: [assistant({ type: "thinking", thinking: "a", signature: "b" })] },
    { model: "qwen" },
  ],
  [
    "redacted_thinking",
    { messages: [assistant({ type: "redacted_thinking", data: "b" })] },
    { model: "qwen" },
  ],
  ["thinking", { thinking: { type: "enabled", budget_tokens: 1024 } }, { model: "qwen" }],
  ["output_config.effort", { output_config: { effort: "low" } }, { model: "qwen" }],
  ["text.citations", { messages: [assistant(textBlock("a", { citations: [{}] }))] }],
  [
    "document.title",
    {
      messages: [user({ type: "document", title: "a.b", source: { type: "text", data: "b" } })],
    },
  ],
  ["messages.role", { messages: [{ role: "system", content: "a" }] }],
  ["anthropic-beta", {}, { betas: ["claude-code-20250219", "effort-2025-11-24"] }],
  ["metadata.user_id", { metadata: { user_id: "u" } }],
  ["context_management", { context_management: {} }],
  ["service_tier", { service_tier: "auto" }],
  ["speed", { speed: "fast" }],
  [
    "image",
    {
      messages: [
        user({ type: "image", source: { type: "base64", media_type: "image/png", data: "" } }),
      ],
    },
    { quirks: new Set(["no-images"]) },
  ],
  ["image.source", { messages: [user({ type: "image", source: { type: "url", url: "u" } })] }],
  [
    "document",
    { messages: [user({ type: "document", source: { type: "text", data: "b" } })] },
    { quirks: new Set(["no-documents"]) },
  ],
  [
    "document.source",
    { messages: [user({ type: "document", source: { type: "file", file_id: "f" } })] },
  ],
  [
    "document.citations",
    {
      messages: [
        user({
          type: "document",
          source: { type: "text", data: "b" },
          citations: { enabled: true },
        }),
      ],
    },
  ],
  ["messages.content", { messages: [assistant({ type: "server_tool_use" })] }],
  ["tools", { tools: [{ type: "web_search_20260209", name: "web_search" }] }],
  [
    "tool_choice",
    { tools: [{ name: "T", input_schema: {} }], tool_choice: { type: "any" } },
    { quirks: new Set(["no-tool-choice-required"]) },
  ],
  [
    "tool_choice.disable_parallel_tool_use",
    {
      tools: [{ name: "T", input_schema: {} }],
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
    },
  ],
  [
    "output_config.format",
    { output_config: { format: { type: "json_schema", schema: {} } } },
    { quirks: new Set(["no-json-schema"]) },
  ],
  ["stop_sequences", { stop_sequences: ["a"] }, { quirks: new Set(["no-stop"]) }],
  ["temperature", { temperature: 1 }, { quirks: new Set(["no-temperature"]) }],
  ["top_p", { top_p: 1 }, { quirks: new Set(["no-temperature"]) }],
  ["top_k", { top_k: 1 }, { model: "qwen" }],
  ["inference_geo", { inference_geo: "us" }],
  ["container", { container: "c" }],
  ["mcp_servers", { mcp_servers: [{}] }],
  ["novel", { novel: 1 }],
];

test("every loss of the table has a request that meets it", () => {
  assert.deepEqual(
    LOSING.map(([field]) => (field === "novel" ? "(any other field)" : field)).toSorted(),
    bedrockConverse.losses
      .map(({ field }) => field)
      .filter((field) => !NESTED_LOSSES.some((loss) => loss.field === field))
      .toSorted(),
  );
});

for (const [field, body, more] of LOSING) {
  const weight = bedrockConverse.losses.find((loss) => loss.field === field)?.weight ?? "content";
  test(`${field} is ${weight === "hint" ? "left out and told" : "refused, or left out and told"}`, () => {
    assert.deepEqual(written(body, more).dropped, [field]);
    const result = bedrockConverse.request(
      canonical(body),
      contextOf({ ...more, onUnsupported: "refuse" }),
    );
    assert.equal(isUnsupported(result), weight === "content");
    if (!isUnsupported(result)) return;
    assert.equal(result.unsupported, field);
    assert.match(result.message, /Converse: leave it out, or set on_unsupported: drop/);
    assert.ok(result.message.includes(field));
  });
}

// Round trip: what both sides can express comes back as it went, read by a reader made for this test.

type Json = Record<string, unknown>;

function read(json: Json): unknown {
  const blocksOf = (list: unknown): Json[] => {
    const blocks: Json[] = [];
    for (const block of (list ?? []) as Json[]) {
      const last = blocks.at(-1);
      if (!("cachePoint" in block)) blocks.push(readBlock(block));
      else if (last !== undefined) last["cache_control"] = { type: "ephemeral" };
    }
    return blocks;
  };
  const mediaOf = (formats: Json, format: unknown) =>
    Object.keys(formats).find((type) => formats[type] === format);
  const readBlock = (block: Json): Json => {
    const [kind, value] = Object.entries(block)[0] as [string, Json];
    switch (kind) {
      case "text":
        return { type: "text", text: value };
      case "image":
        return {
          type: "image",
          source: {
            type: "base64",
            media_type: `image/${String(value["format"])}`,
            data: (value["source"] as Json)["bytes"],
          },
        };
      case "document": {
        const { bytes } = value["source"] as Json;
        const type = mediaOf({ "application/pdf": "pdf", "text/csv": "csv" }, value["format"]);
        const source =
          type === undefined
            ? { type: "text", data: Buffer.from(String(bytes), "base64").toString() }
            : { type: "base64", media_type: type, data: bytes };
        return { type: "document", title: value["name"], context: value["context"], source };
      }
      case "toolUse":
        return {
          type: "tool_use",
          id: value["toolUseId"],
          name: value["name"],
          input: value["input"],
        };
      case "toolResult":
        return {
          type: "tool_result",
          tool_use_id: value["toolUseId"],
          is_error: value["status"] === "error",
          content: blocksOf(value["content"]),
        };
      case "toolSpec": {
        const { name, description, strict } = value;
        return { name, description, strict, input_schema: (value["inputSchema"] as Json)["json"] };
      }
      default: {
        if ("redactedContent" in value)
          return { type: "redacted_thinking", data: value["redactedContent"] };
        const { text, signature } = value["reasoningText"] as Json;
        return { type: "thinking", thinking: text, signature };
      }
    }
  };
  const inference = json["inferenceConfig"] as Json;
  const tools = (json["toolConfig"] ?? {}) as Json;
  const choice = Object.entries((tools["toolChoice"] ?? {}) as Json)[0];
  const fields = (json["additionalModelRequestFields"] ?? {}) as Json;
  const format = ((json["outputConfig"] ?? {}) as Json)["textFormat"] as Json | undefined;
  const schema = format && ((format["structure"] as Json)["jsonSchema"] as Json)["schema"];
  return canonical({
    system: blocksOf(json["system"]),
    messages: (json["messages"] as Json[]).map(({ role, content }) => ({
      role,
      content: blocksOf(content),
    })),
    tools: blocksOf(tools["tools"]),
    tool_choice: choice && { type: choice[0], ...(choice[1] as object) },
    thinking: fields["thinking"],
    output_config: {
      ...(fields["output_config"] as object | undefined),
      ...(schema === undefined
        ? {}
        : { format: { type: "json_schema", schema: JSON.parse(schema as string) as unknown } }),
    },
    stop_sequences: inference["stopSequences"],
    temperature: inference["temperature"],
    top_p: inference["topP"],
    top_k: fields["top_k"],
  });
}

const word = fc.stringMatching(/^[a-zA-Z0-9]{1,8}$/);
const words = fc.string({ unit: "binary", maxLength: 10 }).map((text) => `x${text}`);
const base64 = fc
  .uint8Array({ maxLength: 9 })
  .map((bytes) => Buffer.from(bytes).toString("base64"));
const objects = fc.dictionary(word, fc.oneof(words, fc.integer(), fc.boolean()), {
  maxKeys: 3,
  noNullPrototype: true,
});
const textOf = fc.record({ type: fc.constant("text"), text: words });
const image = fc.record({
  type: fc.constant("image"),
  source: fc.record({
    type: fc.constant("base64"),
    media_type: fc.constantFrom("image/png", "image/jpeg", "image/gif", "image/webp"),
    data: base64,
  }),
});
const document = fc.record({
  type: fc.constant("document"),
  title: fc.uuid(),
  context: fc.option(words),
  source: fc.oneof(
    fc.record({ type: fc.constant("text"), data: words }),
    fc.record({
      type: fc.constant("base64"),
      media_type: fc.constantFrom("application/pdf", "text/csv"),
      data: base64,
    }),
  ),
});
const result = fc.record({
  type: fc.constant("tool_result"),
  tool_use_id: word,
  is_error: fc.boolean(),
  content: fc.array(fc.oneof(textOf, image, document), { minLength: 1, maxLength: 3 }),
});
const call = fc.record({ type: fc.constant("tool_use"), id: word, name: word, input: objects });
const thought = fc.oneof(
  fc.record({ type: fc.constant("thinking"), thinking: words, signature: word }),
  fc.record({ type: fc.constant("redacted_thinking"), data: word }),
);
const turns = (marked: fc.Arbitrary<boolean>) => {
  const mark = (block: fc.Arbitrary<object>) =>
    fc
      .tuple(block, marked)
      .map(([value, isMarked]) => (isMarked ? { ...value, ...MARKED } : value));
  const list = (block: fc.Arbitrary<object>) => fc.array(block, { minLength: 1, maxLength: 3 });
  return fc
    .array(
      fc.tuple(
        list(fc.oneof(mark(textOf), mark(image), mark(document), mark(result))),
        list(fc.oneof(mark(textOf), mark(call), thought)),
      ),
      { maxLength: 3 },
    )
    .map((pairs) => pairs.flatMap(([asked, said]) => [user(...asked), assistant(...said)]));
};
const requests = fc.record({
  system: fc.array(textOf, { maxLength: 2 }),
  messages: turns(fc.boolean()),
  tools: fc.array(
    fc.record({
      name: word,
      description: fc.option(words),
      strict: fc.boolean(),
      input_schema: objects,
    }),
    { minLength: 1, maxLength: 2 },
  ),
  tool_choice: fc.option(
    fc.oneof(
      fc.record({ type: fc.constantFrom("auto", "any") }),
      fc.record({ type: fc.constant("tool"), name: word }),
    ),
  ),
  thinking: fc.option(
    fc.oneof(
      fc.record({ type: fc.constantFrom("adaptive", "disabled") }),
      fc.record({ type: fc.constant("enabled"), budget_tokens: fc.nat() }),
    ),
  ),
  output_config: fc.record(
    {
      effort: word,
      format: fc.record({ type: fc.constant("json_schema"), schema: objects }),
    },
    { requiredKeys: [] },
  ),
  stop_sequences: fc.array(words, { maxLength: 2 }),
  temperature: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
  top_p: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
  top_k: fc.option(fc.nat()),
});

/** Marks beyond the fourth from the end are lost by rule. */
function withFourMarks(request: CanonicalRequest): CanonicalRequest {
  const blocks = request.turns.flatMap((turn) => turn.blocks);
  const marked = blocks.filter((block) => "cached" in block && block.cached);
  const lost = new Set(marked.slice(0, -4));
  return {
    ...request,
    turns: request.turns.map((turn) => ({
      ...turn,
      blocks: turn.blocks.map((block) => (lost.has(block) ? { ...block, cached: false } : block)),
    })),
  };
}

/** A thinking budget is given up where calls are under way without the thinking that led to them. */
function withoutLoopThinking(request: CanonicalRequest): CanonicalRequest {
  if (request.thinking?.mode !== "enabled" || !lacksLoopThinking(request.turns)) return request;
  return { ...request, thinking: { mode: "disabled" } };
}

test("ids that Bedrock does not take are hashed alike in call and result", () => {
  for (const id of [`toolu_${"x".repeat(80)}`, "functions.read:0"]) {
    const call = { type: "tool_use", id, name: "read", input: {} };
    const messages = [
      user(textBlock("a")),
      assistant(call),
      user({ type: "tool_result", tool_use_id: id, content: "b" }),
    ];
    const sent = JSON.stringify(written({ messages }).json["messages"]);
    const ids = [...sent.matchAll(/"toolUseId":"([^"]*)"/g)].map(([, found]) => found);
    assert.equal(ids.length, 2);
    assert.equal(ids[0], ids[1]);
    assert.match(ids[0] ?? "", /^call_[0-9a-f]{32}$/);
  }
});

test("canonical requests go to Converse and come back the same", () => {
  fc.assert(
    fc.property(requests, (body) => {
      const request = canonical(body);
      const result = bedrockConverse.request(request, contextOf({ onUnsupported: "refuse" }));
      assert.ok(!isUnsupported(result));
      const sent = JSON.parse(JSON.stringify(result.json)) as Json;
      assert.deepEqual(read(sent), withoutLoopThinking(withFourMarks(request)));
      const lost = new Set(["cache_control", "thinking"]);
      assert.ok(result.dropped.every((field) => lost.has(field)));
    }),
    { seed: 20261123, numRuns: 400 },
  );
});
