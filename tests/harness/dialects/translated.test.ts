/** Whatever a client may send, what the translators make of it passes the checks of the real APIs. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TRANSLATORS } from "../../../src/providers/doors.ts";
import { openai } from "../../../src/providers/rows/openai.ts";
import { readCanonical } from "../../../src/wire/canonical/read.ts";
import { isUnsupported, type Quirk } from "../../../src/wire/egress.ts";
import type { Json } from "./check.ts";
import { DIALECTS } from "./formats.ts";

type Translated = keyof typeof TRANSLATORS;

const DATA = "iVBORw0KGgo=";
const TOOL = {
  name: "Read",
  input_schema: { type: "object", properties: { p: { type: "string" } } },
};
const user = (content: unknown) => ({ role: "user", content });
const assistant = (content: unknown) => ({ role: "assistant", content });
const text = (words: string) => ({ type: "text", text: words });
const call = (id: string) => ({ type: "tool_use", id, name: "Read", input: {} });
const result = (id: string, content?: unknown) => ({
  type: "tool_result",
  tool_use_id: id,
  ...(content === undefined ? {} : { content }),
});
const source = (media_type: string) => ({ type: "base64", media_type, data: DATA });
const pdf = {
  type: "document",
  source: source("application/pdf"),
  title: "a/b:c.pdf",
  context: "x",
};
const image = { type: "image", source: source("image/png") };
const thinking = { type: "thinking", thinking: "hm", signature: "c2ln" };
const marked = (words: string) => ({ ...text(words), cache_control: { type: "ephemeral" } });
const called = (...results: readonly unknown[]) => ({
  tools: [TOOL],
  messages: [user("a"), assistant([call("t1"), call("t2")]), user(results)],
});
const LONG = `toolu_${"x".repeat(80)}`;
const CLOSED = {
  type: "object",
  properties: { a: { type: "string" } },
  required: ["a"],
  additionalProperties: false,
};
const formatted = (schema: object) => ({ format: { type: "json_schema", schema } });

const CASES: Readonly<Record<string, object>> = {
  "an empty text beside another": { messages: [user([text(""), text("x")])] },
  "a document and a picture": { messages: [user([pdf, image, text("x")])] },
  "a document alone": { messages: [user([pdf])] },
  "a system message in mid-conversation": {
    messages: [user("a"), { role: "system", content: "be" }, user("b")],
  },
  "turns of one role in a row": {
    messages: [user("a"), user("b"), assistant("c"), assistant("d"), user("e")],
  },
  "results in another order, after a text": called(
    text("so"),
    result("t2", "x"),
    result("t1", "y"),
  ),
  "results without content": called(result("t1"), { ...result("t2", []), is_error: true }),
  "blank results": called(result("t1", " "), result("t2", "")),
  "files in results": called(result("t1", [image, pdf]), result("t2", [text("x"), image])),
  "calls and results split over turns": {
    tools: [TOOL],
    messages: [
      user("a"),
      assistant([call("t1")]),
      assistant([call("t2")]),
      user([result("t1", "x"), text("one")]),
      user([result("t2", "y")]),
    ],
  },
  "a call with a long id": {
    tools: [TOOL],
    messages: [user("a"), assistant([call(LONG)]), user([result(LONG, "x")])],
  },
  "calls of tools that are not declared": { ...called(result("t1"), result("t2")), tools: [] },
  "another door's thinking": {
    tools: [TOOL],
    messages: [user("a"), assistant([thinking, call("t1")]), user([result("t1", "x")])],
  },
  "thinking alone": { messages: [user("a"), assistant([thinking]), user("b")] },
  "a turn begun for the model": { messages: [user("a"), assistant("So")] },
  "a forced tool": { tools: [TOOL], tool_choice: { type: "any" }, messages: [user("a")] },
  "no tool": { ...called(result("t1"), result("t2")), tool_choice: { type: "none" } },
  "a schema": { output_config: formatted(CLOSED), messages: [user("a")] },
  "an open schema beside tools": {
    tools: [TOOL],
    output_config: { effort: "max", ...formatted({ type: "object" }) },
    messages: [user("a")],
  },
  sampling: { temperature: 0.3, top_p: 0.9, top_k: 4, messages: [user("a")] },
  "a thinking budget": {
    thinking: { type: "enabled", budget_tokens: 1500 },
    messages: [user("a")],
  },
  "no thinking": { thinking: { type: "disabled" }, messages: [user("a")] },
  "a strict tool without a description": {
    tools: [{ ...TOOL, strict: true }],
    messages: [user("a")],
  },
  "a tool without parameters": {
    tools: [{ name: "now", description: "", input_schema: { type: "object" } }],
    messages: [user("a")],
  },
  "cache markers everywhere": {
    system: [marked("a"), marked("b"), marked("c")],
    tools: [{ ...TOOL, cache_control: { type: "ephemeral", ttl: "1h" } }],
    messages: [user([marked("a")]), assistant([marked("b")]), user([marked("c")])],
  },
  "a blank system prompt": { system: [text(" ")], messages: [user("a")] },
  "a long id of a user": { metadata: { user_id: "x".repeat(300) }, messages: [user("a")] },
};

const MODELS: readonly (readonly [format: Translated, model: string])[] = [
  ["openai-chat", "gpt-5.2"],
  ["openai-responses", "gpt-5.6-terra"],
  ["gemini", "gemini-3.1-pro-preview"],
  ["gemini", "gemini-2.5-flash-lite"],
  ["bedrock-converse", "global.anthropic.claude-opus-5-5"],
  ["bedrock-converse", "amazon.nova-pro-v1:0"],
];

for (const [format, model] of MODELS) {
  describe(`${format}, ${model}`, () => {
    const quirks = new Set<Quirk>(format.startsWith("openai") ? openai.quirks : []);
    for (const [name, body] of Object.entries(CASES))
      test(name, () => {
        const request = readCanonical({ model: "claude-opus-5-5", max_tokens: 2000, ...body });
        assert.ok(!("problem" in request), JSON.stringify(request));
        const context = { model, maxTokens: 2000, quirks, onUnsupported: "drop" } as const;
        const made = TRANSLATORS[format].request(request, context);
        assert.ok(!isUnsupported(made));
        const json = JSON.parse(JSON.stringify(made.json)) as Json;
        DIALECTS[format].check(json, { asks: "message", model, stream: false }, {});
      });
  });
}
