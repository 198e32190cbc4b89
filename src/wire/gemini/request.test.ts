import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readCanonical } from "../canonical/read.ts";
import type { EgressContext, Quirk } from "../egress.ts";
import { gemini } from "./egress.ts";

type Json = Record<string, unknown>;

const CONTEXT: EgressContext = {
  model: "gemini-3.1-pro-preview",
  maxTokens: 4096,
  quirks: new Set(),
  onUnsupported: "drop",
};

function ask(body: Json, context: Partial<EgressContext> = {}) {
  const messages = [{ role: "user", content: "hi" }];
  const canonical = readCanonical({ model: "claude", max_tokens: 9, messages, ...body });
  assert.ok(!("field" in canonical), JSON.stringify(canonical));
  return gemini.request(canonical, { ...CONTEXT, ...context });
}

function carried(body: Json, context: Partial<EgressContext> = {}) {
  const asked = ask(body, context);
  assert.ok("json" in asked, JSON.stringify(asked));
  return asked;
}

function configOf(body: Json, context: Partial<EgressContext> = {}): Json {
  return carried(body, context).json["generationConfig"] as Json;
}

function quirks(...names: Quirk[]): { readonly quirks: ReadonlySet<Quirk> } {
  return { quirks: new Set(names) };
}

const TOOL = { name: "Read", description: "Reads.", input_schema: { type: "object" } };
const CALL = { type: "tool_use", id: "c1", name: "Read", input: { path: "a" } };
const PNG = { type: "image", source: { type: "base64", media_type: "image/png", data: "AA==" } };

describe("a request of Claude Code's shape", () => {
  test("becomes one of generateContent", () => {
    const { json, dropped } = carried(
      {
        system: [
          { type: "text", text: "attribution" },
          { type: "text", text: "You are.", cache_control: { type: "ephemeral" } },
        ],
        messages: [
          { role: "user", content: "read a" },
          { role: "assistant", content: [{ type: "text", text: "so" }, CALL] },
          { role: "system", content: "Be brief." },
          {
            role: "user",
            content: [
              {
                type: "tool_result",
                tool_use_id: "c1",
                content: [{ type: "text", text: "A" }, PNG],
              },
              { type: "text", text: "go on" },
            ],
          },
        ],
        tools: [TOOL],
        tool_choice: { type: "auto" },
        stop_sequences: ["END"],
        temperature: 0.5,
        top_p: 0.9,
        top_k: 40,
        metadata: { user_id: "u" },
        stream: true,
      },
      { onUnsupported: "refuse" },
    );
    assert.deepEqual(json, {
      systemInstruction: { parts: [{ text: "attribution" }, { text: "You are." }] },
      contents: [
        { role: "user", parts: [{ text: "read a" }] },
        {
          role: "model",
          parts: [
            { text: "so" },
            {
              functionCall: { id: "c1", name: "Read", args: { path: "a" } },
              thoughtSignature: "skip_thought_signature_validator",
            },
          ],
        },
        {
          role: "user",
          parts: [
            {
              functionResponse: {
                id: "c1",
                name: "Read",
                response: { output: "A" },
                parts: [{ inlineData: { mimeType: "image/png", data: "AA==" } }],
              },
            },
            { text: "<system>\nBe brief.\n</system>" },
            { text: "go on" },
          ],
        },
      ],
      tools: [
        {
          functionDeclarations: [
            { name: "Read", description: "Reads.", parametersJsonSchema: { type: "object" } },
          ],
        },
      ],
      toolConfig: { functionCallingConfig: { mode: "AUTO" } },
      generationConfig: {
        maxOutputTokens: 4096,
        temperature: 0.5,
        topP: 0.9,
        topK: 40,
        stopSequences: ["END"],
      },
    });
    assert.deepEqual(dropped.toSorted(), [
      "cache_control",
      "messages.role",
      "metadata.user_id",
      "stop_sequences.matched",
    ]);
  });

  test("pictures in results stand beside them where a model cannot nest them", () => {
    const result = { type: "tool_result", tool_use_id: "c1", is_error: true, content: [PNG] };
    const { json } = carried(
      {
        messages: [
          { role: "assistant", content: [CALL] },
          { role: "user", content: [result] },
        ],
      },
      { model: "gemini-2.5-flash" },
    );
    assert.deepEqual(json["contents"], [
      { role: "model", parts: [{ functionCall: { id: "c1", name: "Read", args: { path: "a" } } }] },
      {
        role: "user",
        parts: [
          { functionResponse: { id: "c1", name: "Read", response: { error: "" } } },
          { inlineData: { mimeType: "image/png", data: "AA==" } },
        ],
      },
    ]);
  });

  test("documents and URLs", () => {
    const { json } = carried({
      messages: [
        {
          role: "user",
          content: [
            { type: "image", source: { type: "url", url: "https://example.com/a.webp?x=1" } },
            {
              type: "document",
              title: "T",
              source: { type: "base64", media_type: "application/pdf", data: "AA==" },
            },
            { type: "document", source: { type: "text", media_type: "text/plain", data: "ü" } },
          ],
        },
      ],
    });
    assert.deepEqual((json["contents"] as { parts: unknown }[])[0]?.parts, [
      { fileData: { mimeType: "image/webp", fileUri: "https://example.com/a.webp?x=1" } },
      { text: "Document: T" },
      { inlineData: { mimeType: "application/pdf", data: "AA==" } },
      { inlineData: { mimeType: "text/plain", data: "w7w=" } },
    ]);
  });
});

describe("tools", () => {
  for (const [choice, config] of [
    [{ type: "any" }, { mode: "ANY" }],
    [{ type: "none" }, { mode: "NONE" }],
    [
      { type: "tool", name: "Read" },
      { mode: "ANY", allowedFunctionNames: ["Read"] },
    ],
  ] as const)
    test(`tool_choice ${choice.type}`, () => {
      const { json } = carried({ tools: [TOOL], tool_choice: choice });
      assert.deepEqual(json["toolConfig"], { functionCallingConfig: config });
    });

  test("plain schemas, and no parameters where there are none", () => {
    const input_schema = { type: "object", properties: { a: { type: "string", format: "uri" } } };
    const { json, dropped } = carried(
      { tools: [TOOL, { name: "B", input_schema }] },
      quirks("plain-schemas"),
    );
    assert.deepEqual(json["tools"], [
      {
        functionDeclarations: [
          { name: "Read", description: "Reads." },
          { name: "B", parameters: { type: "OBJECT", properties: { a: { type: "STRING" } } } },
        ],
      },
    ]);
    assert.deepEqual(dropped, ["tools.input_schema"]);
  });
});

describe("thinking by the model's name", () => {
  const enabled = (budget_tokens: number) => ({ type: "enabled", budget_tokens });
  const adaptive = { type: "adaptive" };
  const disabled = { type: "disabled" };
  const shown = { includeThoughts: true };
  for (const [model, body, config] of [
    ["gemini-3.1-pro-preview", { thinking: adaptive }, shown],
    [
      "gemini-3.8-flash",
      { thinking: adaptive, output_config: { effort: "medium" } },
      { thinkingLevel: "MEDIUM", ...shown },
    ],
    [
      "gemini-3-pro-preview",
      { thinking: adaptive, output_config: { effort: "medium" } },
      { thinkingLevel: "HIGH", ...shown },
    ],
    ["publishers/google/models/gemini-3-flash", { thinking: disabled }, { thinkingLevel: "LOW" }],
    ["gemini-flash-latest", { thinking: enabled(1024) }, { thinkingLevel: "LOW", ...shown }],
    ["gemini-3.1-pro-preview", { thinking: enabled(32_000) }, { thinkingLevel: "HIGH", ...shown }],
    ["gemini-2.5-pro", { thinking: adaptive }, { thinkingBudget: -1, ...shown }],
    ["gemini-2.5-pro", { thinking: enabled(50_000) }, { thinkingBudget: 32_768, ...shown }],
    ["gemini-2.5-pro", { thinking: disabled }, { thinkingBudget: 128 }],
    ["models/gemini-2.5-flash", { thinking: disabled }, { thinkingBudget: 0 }],
    ["gemini-2.5-flash", {}, undefined],
    ["gemini-2.0-flash", { thinking: adaptive }, undefined],
    ["gemma-3-27b-it", { thinking: adaptive }, undefined],
  ] as const)
    test(`${model}: ${JSON.stringify(body)}`, () => {
      assert.deepEqual(configOf(body, { model })["thinkingConfig"], config);
    });
});

describe("structured output", () => {
  const schema = { type: "object", properties: { a: { type: "string" } } };
  const output_config = { format: { type: "json_schema", schema } };
  test("is a JSON schema", () => {
    const config = configOf({ output_config });
    assert.equal(config["responseMimeType"], "application/json");
    assert.deepEqual(config["responseJsonSchema"], schema);
  });
  test("is a plain schema where the upstream has no other", () => {
    assert.deepEqual(configOf({ output_config }, quirks("plain-schemas"))["responseSchema"], {
      type: "OBJECT",
      properties: { a: { type: "STRING" } },
    });
  });
  test("beside tools needs Gemini 3", () => {
    const body = { output_config, tools: [TOOL] };
    assert.ok("unsupported" in ask(body, { model: "gemini-2.5-pro", onUnsupported: "refuse" }));
    assert.ok("json" in ask(body, { onUnsupported: "refuse" }));
  });
});

describe("what cannot be carried", () => {
  const user = (...content: unknown[]) => ({ messages: [{ role: "user", content }] });
  const file = { type: "file", file_id: "f" };
  const cases: readonly (readonly [Json, string, Partial<EgressContext>?])[] = [
    [{ stop_sequences: ["1", "2", "3", "4", "5", "6"] }, "stop_sequences"],
    [{ tools: [{ type: "web_search_20260209", name: "web_search" }] }, "tools.type"],
    [
      { tools: [TOOL], tool_choice: { type: "auto", disable_parallel_tool_use: true } },
      "tool_choice.disable_parallel_tool_use",
    ],
    [user(PNG), "image", quirks("no-images")],
    [
      user({ type: "image", source: { type: "url", url: "u" } }),
      "image.source.url",
      quirks("no-image-urls"),
    ],
    [user({ type: "image", source: file }), "image.source.file"],
    [user({ type: "document", source: file }), "document.source.file"],
    [
      user({ type: "document", source: { type: "text", data: "a" }, citations: { enabled: true } }),
      "document.citations",
    ],
    [
      user({ type: "document", source: { type: "text", data: "a" } }),
      "document",
      quirks("no-documents"),
    ],
    [user({ type: "search_result" }), "messages.content"],
    [{ container: "c" }, "container"],
    [{ brand_new: 1 }, "brand_new"],
    [{ "for no header\r\n": 1 }, "*"],
  ];
  for (const [body, field, context] of cases)
    test(`${field} is refused, or left out and told`, () => {
      const refused = ask(body, { ...context, onUnsupported: "refuse" });
      assert.ok("unsupported" in refused);
      assert.equal(refused.unsupported, field);
      assert.match(refused.message, /cannot be carried to gemini-3.1-pro-preview at Gemini/);
      const { dropped } = carried(body, context);
      assert.ok(dropped.includes(field), dropped.join());
    });

  test("hints are no reason to refuse", () => {
    const body = {
      context_management: {},
      service_tier: "auto",
      speed: "fast",
      thinking: { type: "enabled", budget_tokens: 9 },
      messages: [
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "t", signature: "of another" },
            { type: "redacted_thinking", data: "x" },
            { type: "text", text: "a", citations: [{}] },
          ],
        },
      ],
    };
    const { json, dropped } = carried(body, { onUnsupported: "refuse" });
    assert.deepEqual(dropped.toSorted(), [
      "context_management",
      "redacted_thinking",
      "service_tier",
      "speed",
      "text.citations",
      "thinking.budget_tokens",
      "thinking.signature",
    ]);
    assert.deepEqual(json["contents"], [
      { role: "model", parts: [{ text: "t", thought: true }, { text: "a" }] },
    ]);
  });

  test("each loss is listed once, with a sentence", () => {
    const fields = gemini.losses.map(({ field }) => field);
    assert.equal(new Set(fields).size, fields.length);
    for (const { note } of gemini.losses) assert.match(note, /^[A-Z].*\.$/);
  });
});
