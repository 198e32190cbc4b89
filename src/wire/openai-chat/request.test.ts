import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readCanonical } from "../canonical/read.ts";
import { isUnsupported, type EgressContext, type Quirk } from "../egress.ts";
import { openaiChat } from "./egress.ts";

type Json = Readonly<Record<string, unknown>>;

const HELLO = [{ role: "user", content: "hello" }];
const TOOL = { name: "read", description: "reads", input_schema: { type: "object" } };

function translated(
  body: Json,
  quirks: readonly Quirk[] = [],
  onUnsupported: EgressContext["onUnsupported"] = "refuse",
) {
  const canonical = readCanonical({ model: "claude", messages: HELLO, ...body });
  assert.ok(!("field" in canonical), JSON.stringify(canonical));
  const context = { model: "m", maxTokens: 100, quirks: new Set(quirks), onUnsupported };
  return openaiChat.request(canonical, context);
}

/** The body as the upstream gets it: what JSON leaves out is not there. */
function sent(body: Json, quirks: readonly Quirk[] = [], mode: "refuse" | "drop" = "drop") {
  const result = translated(body, quirks, mode);
  assert.ok(!isUnsupported(result), JSON.stringify(result));
  return {
    json: JSON.parse(JSON.stringify(result.json)) as Json,
    dropped: result.dropped,
  };
}

function messages(body: Json, quirks: readonly Quirk[] = []): unknown {
  return sent(body, quirks).json["messages"];
}

/** A loss of content: named where it may be dropped, refused with a sentence where it may not. */
function assertLost(body: Json, field: string, quirks: readonly Quirk[] = []): Json {
  const refused = translated(body, quirks, "refuse");
  assert.ok(isUnsupported(refused), `${field} was not refused`);
  assert.equal(refused.unsupported, field);
  assert.match(refused.message, /on_unsupported: drop/);
  const { json, dropped } = sent(body, quirks);
  assert.ok(dropped.includes(field), `${field} is not among ${dropped.join()}`);
  return json;
}

describe("the plain request", () => {
  it("is a body of chat completions", () => {
    const { json, dropped } = sent(
      { system: "be brief", stream: true, max_tokens: 5 },
      [],
      "refuse",
    );
    assert.deepEqual(json, {
      model: "m",
      messages: [
        { role: "developer", content: "be brief" },
        { role: "user", content: "hello" },
      ],
      max_completion_tokens: 100,
      stream: true,
      stream_options: { include_usage: true },
    });
    assert.deepEqual(dropped, []);
  });

  it("follows the quirks of the envelope", () => {
    const quirks = ["max-tokens-legacy", "no-stream-options", "system-role"] as const;
    const { json } = sent(
      {
        system: [
          { type: "text", text: "a" },
          { type: "text", text: "b" },
        ],
        stream: true,
      },
      quirks,
    );
    assert.deepEqual(json, {
      model: "m",
      messages: [
        { role: "system", content: "a\n\nb" },
        { role: "user", content: "hello" },
      ],
      max_tokens: 100,
      stream: true,
    });
  });

  it("leaves Claude Code's attribution out, whose hash would spoil the provider's cache", () => {
    const system = [
      { type: "text", text: "x-anthropic-billing-header: cc_version=2; cch=1a2b;" },
      { type: "text", text: "be brief" },
    ];
    const { json, dropped } = sent({ system }, [], "refuse");
    assert.deepEqual((json["messages"] as Json[])[0], { role: "developer", content: "be brief" });
    assert.deepEqual(dropped, ["system.attribution"]);
  });

  it("names the user by a hash of 64 characters, under the field that the server knows", () => {
    const body = { metadata: { user_id: "someone@example.test" } };
    const id = sent(body, [], "refuse").json["safety_identifier"];
    assert.match(String(id), /^[0-9a-f]{64}$/);
    assert.equal(sent(body, ["system-role"]).json["user"], id);
    const none = sent(body, ["no-user"], "refuse");
    assert.equal("user" in none.json || "safety_identifier" in none.json, false);
    assert.deepEqual(none.dropped, ["metadata.user_id"]);
  });

  it("drops hints without a question, and refuses what it does not know", () => {
    const hints = { context_management: {}, service_tier: "auto", speed: "fast" };
    assert.deepEqual(sent(hints, [], "refuse").dropped, Object.keys(hints));
    for (const field of ["inference_geo", "container", "mcp_servers", "a_novelty", "constructor"])
      assertLost({ [field]: "x" }, field);
  });

  it("marks what it leaves out of the history", () => {
    const thought = [
      { type: "thinking", thinking: "hm", signature: "s" },
      { type: "redacted_thinking", data: "d" },
      { type: "text", text: "hi", cache_control: { type: "ephemeral" }, citations: [{}] },
    ];
    const turns = [...HELLO, { role: "assistant", content: thought }, ...HELLO];
    const { json, dropped } = sent({ messages: turns }, [], "refuse");
    assert.deepEqual((json["messages"] as Json[])[1], { role: "assistant", content: "hi" });
    assert.deepEqual(dropped.toSorted(), [
      "cache_control",
      "redacted_thinking",
      "text.citations",
      "thinking.signature",
      "thinking.thinking",
    ]);
  });
});

describe("sampling", () => {
  it("carries temperature, top_p, top_k and stops", () => {
    const body = { temperature: 0.5, top_p: 0.9, top_k: 5, stop_sequences: ["a", "b"] };
    const { json, dropped } = sent(body, [], "refuse");
    assert.deepEqual([json["temperature"], json["top_p"], json["top_k"]], [0.5, 0.9, 5]);
    assert.deepEqual(json["stop"], ["a", "b"]);
    assert.deepEqual(dropped, []);
  });

  it("loses what the server takes not, but not a default", () => {
    assert.equal(
      "temperature" in assertLost({ temperature: 0 }, "temperature", ["no-temperature"]),
      false,
    );
    assert.equal("top_p" in assertLost({ top_p: 0.5 }, "top_p", ["no-temperature"]), false);
    assert.equal("top_k" in assertLost({ top_k: 1 }, "top_k", ["no-top-k"]), false);
    const defaults = sent({ temperature: 1, top_p: 1 }, ["no-temperature"], "refuse");
    assert.deepEqual(defaults.dropped, []);
    assert.equal("temperature" in defaults.json, false);
  });

  it("cuts stops to what the server takes", () => {
    const five = ["1", "2", "3", "4", "5"];
    const body = { stop_sequences: five };
    assert.deepEqual(assertLost(body, "stop_sequences", ["four-stops"])["stop"], five.slice(0, 4));
    assert.equal("stop" in assertLost(body, "stop_sequences", ["no-stop"]), false);
    assert.deepEqual(sent({ stop_sequences: ["1"] }, ["four-stops"], "refuse").json["stop"], ["1"]);
  });
});

describe("thinking", () => {
  const cases: readonly [Json, readonly Quirk[], Json][] = [
    [{ output_config: { effort: "low" } }, [], { reasoning_effort: "low" }],
    [{ output_config: { effort: "max" } }, [], { reasoning_effort: "high" }],
    [{ output_config: { effort: "max" } }, ["effort-above-high"], { reasoning_effort: "max" }],
    [{ output_config: { effort: "novel" } }, ["effort-above-high"], { reasoning_effort: "high" }],
    [{ thinking: { type: "adaptive" } }, [], {}],
    [{ thinking: { type: "disabled" } }, [], { reasoning_effort: "low" }],
    [{ thinking: { type: "enabled", budget_tokens: 1024 } }, [], { reasoning_effort: "low" }],
    [{ thinking: { type: "enabled", budget_tokens: 4096 } }, [], { reasoning_effort: "medium" }],
    [{ thinking: { type: "enabled", budget_tokens: 99_999 } }, [], { reasoning_effort: "high" }],
    [
      { thinking: { type: "adaptive" }, output_config: { effort: "high" } },
      ["no-reasoning-effort"],
      {},
    ],
    [{ thinking: { type: "adaptive" } }, ["thinking-switch"], { thinking: { type: "enabled" } }],
    [{ thinking: { type: "disabled" } }, ["thinking-switch"], { thinking: { type: "disabled" } }],
    [
      { thinking: { type: "enabled", budget_tokens: 9 }, tools: [TOOL] },
      ["effort-none-with-tools"],
      { reasoning_effort: "none" },
    ],
    [{ output_config: { effort: "low" } }, ["effort-none-with-tools"], { reasoning_effort: "low" }],
  ];
  for (const [body, quirks, expected] of cases)
    it(`${JSON.stringify(body)} with ${quirks.join() || "no quirk"}`, () => {
      const { json } = sent(body, quirks, "refuse");
      const { reasoning_effort: effort, thinking } = json;
      assert.deepEqual(
        JSON.parse(JSON.stringify({ reasoning_effort: effort, thinking })),
        expected,
      );
    });

  it("goes back where the provider wants it, even empty beside calls", () => {
    const call = { type: "tool_use", id: "t", name: "read", input: {} };
    const result = { type: "tool_result", tool_use_id: "t", content: "ok" };
    const turns = (blocks: unknown[]) => [
      ...HELLO,
      { role: "assistant", content: blocks },
      { role: "user", content: [result] },
    ];
    const thinking = { type: "thinking", thinking: "hm", signature: "" };
    const reasoning = (blocks: unknown[], quirks: readonly Quirk[]) =>
      (messages({ messages: turns(blocks) }, quirks) as Json[])[1]?.["reasoning_content"];
    assert.equal(reasoning([thinking, call], ["reasoning-returned"]), "hm");
    assert.equal(reasoning([call], ["reasoning-returned"]), "");
    assert.equal(reasoning([{ type: "text", text: "x" }], ["reasoning-returned"]), undefined);
    assert.equal(reasoning([thinking, call], ["reasoning-content"]), undefined);
  });
});

describe("tools", () => {
  it("carries tools, the choice and their strictness", () => {
    const tools = [{ ...TOOL, strict: true }];
    const choice = { type: "tool", name: "read", disable_parallel_tool_use: true };
    const { json, dropped } = sent({ tools, tool_choice: choice }, [], "refuse");
    assert.deepEqual(json["tools"], [
      {
        type: "function",
        function: {
          name: "read",
          description: "reads",
          parameters: { type: "object" },
          strict: true,
        },
      },
    ]);
    assert.deepEqual(json["tool_choice"], { type: "function", function: { name: "read" } });
    assert.equal(json["parallel_tool_calls"], false);
    assert.deepEqual(dropped, []);
  });

  it("keeps strictness only where the dialect's own would accept the schema", () => {
    const schema = { type: "object", properties: { a: {} }, additionalProperties: false };
    const strictness = (more: Json, quirks: readonly Quirk[] = []) => {
      const tools = [{ name: "t", strict: true, input_schema: { ...schema, ...more } }];
      const { json, dropped } = sent({ tools }, quirks, "refuse");
      return [(json["tools"] as { function: Json }[])[0]?.function["strict"], dropped];
    };
    assert.deepEqual(strictness({ required: ["a"] }), [true, []]);
    assert.deepEqual(strictness({}), [undefined, ["tools.strict"]]);
    const plain = strictness({ required: ["a"] }, ["plain-schemas"]);
    assert.deepEqual(plain, [undefined, ["tools.strict", "tools.input_schema"]]);
  });

  it("forces a tool as the server spells it", () => {
    const body = { tools: [TOOL], tool_choice: { type: "any" } };
    assert.equal(sent(body, [], "refuse").json["tool_choice"], "required");
    assert.equal(sent(body, ["tool-choice-any"], "refuse").json["tool_choice"], "any");
    const free = assertLost(body, "tool_choice", ["no-tool-choice-required"]);
    assert.equal("tool_choice" in free, false);
    const auto = { tools: [TOOL], tool_choice: { type: "auto", disable_parallel_tool_use: true } };
    const field = "tool_choice.disable_parallel_tool_use";
    assert.equal(
      "parallel_tool_calls" in assertLost(auto, field, ["no-parallel-tool-calls"]),
      false,
    );
  });

  it("refuses Anthropic's own tools and the blocks of their results", () => {
    const json = assertLost(
      { tools: [{ type: "web_search_20260209", name: "web_search" }] },
      "tools",
    );
    assert.equal("tools" in json, false);
    const found = [{ type: "text", text: "a" }, { type: "search_result" }];
    const kept = assertLost({ messages: [{ role: "user", content: found }] }, "messages.content");
    assert.deepEqual(kept["messages"], [{ role: "user", content: "a" }]);
    const misplaced = [
      { role: "user", content: [{ type: "tool_use", id: "a", name: "b", input: {} }] },
    ];
    assertLost({ messages: [...misplaced, ...HELLO] }, "messages.content");
  });

  it("pares schemas down to the subset, but no property that is called like a keyword", () => {
    const schema = {
      $schema: "x",
      type: "object",
      additionalProperties: false,
      properties: { format: { type: "string", format: "uri" }, kind: { const: "a" } },
      required: ["format"],
    };
    const tools = [{ name: "t", input_schema: schema }];
    const { json, dropped } = sent({ tools }, ["plain-schemas"], "refuse");
    const [tool] = json["tools"] as { function: Json }[];
    assert.deepEqual(tool?.function["parameters"], {
      type: "object",
      properties: { format: { type: "string" }, kind: { enum: ["a"] } },
      required: ["format"],
    });
    assert.deepEqual(dropped, ["tools.input_schema"]);
    assert.deepEqual(
      (sent({ tools }).json["tools"] as { function: Json }[])[0]?.function["parameters"],
      schema,
    );
  });

  it("gives calls ids that the server takes, the same in call and result", () => {
    const ids = (quirks: readonly Quirk[], id: string) => {
      const turns = [
        ...HELLO,
        { role: "assistant", content: [{ type: "tool_use", id, name: "read", input: {} }] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: id }] },
      ];
      const [, call = {}, result] = messages({ messages: turns }, quirks) as Json[];
      const [told] = call["tool_calls"] as Json[];
      assert.equal(told?.["id"], result?.["tool_call_id"]);
      return String(told?.["id"]);
    };
    assert.match(ids(["short-tool-ids"], "toolu_01abc"), /^[a-z0-9]{9}$/);
    assert.notEqual(ids(["short-tool-ids"], "toolu_01abc"), ids(["short-tool-ids"], "toolu_01abd"));
    assert.equal(ids(["short-tool-ids"], "AbCd12345"), "AbCd12345");
    assert.equal(ids([], "toolu_01abc"), "toolu_01abc");
    assert.ok(ids([], "x".repeat(64)).length <= 40);
  });
});

describe("tool results", () => {
  const image = {
    type: "image",
    source: { type: "base64", media_type: "image/png", data: "AA==" },
  };
  const turn = (content: unknown, more: Json = {}) => ({
    messages: [
      { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content, ...more }] },
    ],
  });

  it("are messages of their own, before whatever else the user says", () => {
    const content = [
      { type: "text", text: "by the way" },
      { type: "tool_result", tool_use_id: "t", content: "one" },
      { type: "tool_result", tool_use_id: "u", content: [], is_error: false },
    ];
    assert.deepEqual(messages({ messages: [{ role: "user", content }] }), [
      { role: "tool", tool_call_id: "t", content: "one" },
      { role: "tool", tool_call_id: "u", content: "" },
      { role: "user", content: "by the way" },
    ]);
  });

  it("say in words that the tool failed", () => {
    const texts = [{ type: "text", text: "a" }];
    const [result] = messages(turn(texts, { is_error: true })) as Json[];
    assert.deepEqual(result?.["content"], [
      { type: "text", text: "[The tool failed.]" },
      { type: "text", text: "a" },
    ]);
    const [joined] = messages(turn(texts, { is_error: true }), ["tool-results-text"]) as Json[];
    assert.equal(joined?.["content"], "[The tool failed.]\n\na");
  });

  it("hand their images to the user's message that follows", () => {
    assert.deepEqual(messages(turn([image])), [
      { role: "tool", tool_call_id: "t", content: "[Its files are in the user's next message.]" },
      {
        role: "user",
        content: [
          { type: "text", text: "[Files of the tool result t:]" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
        ],
      },
    ]);
    const [only, ...rest] = assertLost(turn([image]), "image", ["no-images"])["messages"] as Json[];
    assert.match(String(only?.["content"]), /cannot read/);
    assert.deepEqual(rest, []);
  });
});

describe("images and documents", () => {
  const user = (block: Json) => ({ messages: [{ role: "user", content: [block] }] });
  const url = { type: "image", source: { type: "url", url: "https://a.test/b.png" } };
  const pdf = {
    type: "document",
    source: { type: "base64", media_type: "application/pdf", data: "JVBE" },
  };

  it("are carried where the server reads them", () => {
    assert.deepEqual(messages(user(url)), [
      {
        role: "user",
        content: [{ type: "image_url", image_url: { url: "https://a.test/b.png" } }],
      },
    ]);
    const file = { filename: "Plan.pdf", file_data: "data:application/pdf;base64,JVBE" };
    assert.deepEqual(messages(user({ ...pdf, title: "Plan", context: "of May" })), [
      {
        role: "user",
        content: [
          { type: "text", text: "of May" },
          { type: "file", file },
        ],
      },
    ]);
    const text = { type: "document", title: "T", source: { type: "text", data: "body" } };
    assert.deepEqual(messages(user(text), ["no-documents"]), [
      { role: "user", content: "T\n\nbody" },
    ]);
    const coded = {
      type: "document",
      source: { type: "base64", media_type: "text/plain", data: "aGk=" },
    };
    assert.deepEqual(messages(user(coded)), [{ role: "user", content: "hi" }]);
  });

  it("are refused, or become a note, where it does not", () => {
    const note = (json: Json) => String((json["messages"] as Json[])[0]?.["content"]);
    assert.match(note(assertLost(user(url), "image", ["no-images"])), /An image stood here/);
    assert.match(
      note(assertLost(user(url), "image.source", ["no-image-urls"])),
      /not be passed on/,
    );
    const uploaded = { type: "image", source: { type: "file", file_id: "f" } };
    assertLost(user(uploaded), "image.source");
    assert.match(
      note(assertLost(user(pdf), "document", ["no-documents"])),
      /A document stood here/,
    );
    assertLost(
      user({ ...pdf, source: { type: "url", url: "https://a.test/b.pdf" } }),
      "document.source",
    );
    assertLost(user({ ...pdf, citations: { enabled: true } }), "document.citations");
  });
});

describe("the order of messages", () => {
  const turns = [
    { role: "user", content: "a" },
    { role: "system", content: "now in French" },
    {
      role: "user",
      content: [
        { type: "text", text: "b" },
        { type: "text", text: "c" },
      ],
    },
    {
      role: "assistant",
      content: [{ type: "tool_use", id: "AbCd12345", name: "read", input: {} }],
    },
    {
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "AbCd12345", content: "r" },
        { type: "text", text: "d" },
      ],
    },
  ];

  it("keeps a system message in mid-conversation where it stands", () => {
    const roles = (messages({ messages: turns }) as Json[]).map((message) => message["role"]);
    assert.deepEqual(roles, ["user", "developer", "user", "assistant", "tool", "user"]);
  });

  it("alternates where the server insists", () => {
    const told = messages({ messages: turns, system: "s" }, [
      "strict-alternation",
      "system-role",
      "no-images",
    ]);
    const call = { id: "AbCd12345", type: "function", function: { name: "read", arguments: "{}" } };
    assert.deepEqual(told, [
      { role: "system", content: "s" },
      { role: "user", content: "a\n\nnow in French\n\nb\n\nc" },
      { role: "assistant", content: null, tool_calls: [call] },
      { role: "tool", tool_call_id: "AbCd12345", content: "r" },
      { role: "assistant", content: "I have the results." },
      { role: "user", content: "d" },
    ]);
  });

  it("merges the assistant's neighbours with their calls", () => {
    const call = (id: string) => ({ type: "tool_use", id, name: "read", input: {} });
    const neighbours = [
      ...HELLO,
      { role: "assistant", content: [{ type: "text", text: "x" }, call("a")] },
      { role: "assistant", content: [{ type: "text", text: "y" }, call("b")] },
      ...HELLO,
    ];
    const [, merged = {}] = messages({ messages: neighbours }, ["strict-alternation"]) as Json[];
    assert.equal(merged["content"], "x\n\ny");
    assert.deepEqual(
      (merged["tool_calls"] as Json[]).map(({ id }) => id),
      ["a", "b"],
    );
  });

  it("keeps calls together, and their results, however the client has split them", () => {
    const call = (id: string) => ({
      role: "assistant",
      content: [{ type: "tool_use", id, name: "read", input: {} }],
    });
    const result = (id: string) => ({
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: id, content: "x" },
        { type: "text", text: id },
      ],
    });
    const split = [...HELLO, call("a"), call("b"), result("a"), result("b")];
    const roles = (messages({ messages: split }) as Json[]).map(({ role }) => role);
    assert.deepEqual(roles, ["user", "assistant", "tool", "tool", "user"]);
  });

  it("refuses to pass a prefill off as a turn", () => {
    const prefill = [...HELLO, { role: "assistant", content: "{" }];
    const json = assertLost({ messages: prefill }, "messages.prefill");
    assert.deepEqual((json["messages"] as Json[])[1], { role: "assistant", content: "{" });
  });
});

describe("structured output", () => {
  const open = { type: "object", properties: { a: { type: "string" } } };
  const closed = { ...open, required: ["a"], additionalProperties: false };
  const body = (schema: Json) => ({ output_config: { format: { type: "json_schema", schema } } });

  it("is a response format, strict where the schema may be", () => {
    const named = (schema: Json) =>
      (sent(body(schema), [], "refuse").json["response_format"] as Json)["json_schema"];
    assert.deepEqual(named(closed), { name: "answer", schema: closed, strict: true });
    assert.deepEqual(named(open), { name: "answer", schema: open });
  });

  it("is an instruction where the server knows JSON alone", () => {
    const json = assertLost(body(closed), "output_config.format", ["no-json-schema"]);
    assert.deepEqual(json["response_format"], { type: "json_object" });
    const [instruction] = json["messages"] as Json[];
    assert.ok(String(instruction?.["content"]).endsWith(JSON.stringify(closed)));
  });
});

it("the table of losses has each field once and a sentence for it", () => {
  const fields = openaiChat.losses.map(({ field }) => field);
  assert.equal(new Set(fields).size, fields.length);
  for (const { note } of openaiChat.losses) assert.match(note, /^[A-Z].*\.$/);
});
