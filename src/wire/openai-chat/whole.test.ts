import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openaiChat } from "./egress.ts";

type Json = Readonly<Record<string, unknown>>;

/** Feeds an answer in two pieces, the first of `cut` bytes. */
function told(body: string, streamed: boolean, cut = 0) {
  const translator = openaiChat.answer({ streamed, id: "m", model: "c", quirks: new Set() });
  const bytes = Buffer.from(body);
  const pieces = [
    translator.feed(bytes.subarray(0, cut)),
    translator.feed(bytes.subarray(cut)),
    translator.end(),
  ];
  const out = pieces.map((piece) => piece?.toString() ?? "").join("");
  return { out, whole: translator.isWhole(), reading: translator.reading() };
}

describe("whole answers", () => {
  const message = {
    role: "assistant",
    content: "hi",
    reasoning_content: "hm",
    refusal: null,
    tool_calls: [
      { id: "a", type: "function", function: { name: "one", arguments: '{"x":1}' } },
      { id: "b", type: "function", function: { name: "two", arguments: "{broken" } },
    ],
  };
  const body = JSON.stringify({
    id: "chatcmpl-1",
    choices: [{ index: 0, message, finish_reason: "tool_calls" }],
    usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
  });
  const content = [
    { type: "thinking", thinking: "hm", signature: "" },
    { type: "text", text: "hi" },
    { type: "tool_use", id: "a", name: "one", input: { x: 1 } },
    { type: "tool_use", id: "b", name: "two", input: { unparsed_arguments: "{broken" } },
  ];

  it("become one message", () => {
    const { out, whole, reading } = told(body, false, 30);
    const { content: shown, stop_reason: stop, usage } = JSON.parse(out) as Json;
    assert.deepEqual([shown, stop, whole], [content, "tool_use", true]);
    assert.deepEqual((usage as Json)["input_tokens"], 100);
    assert.deepEqual([reading.started, reading.final, reading.isAnswer], [true, true, true]);
    assert.equal(reading.billed?.usage.output_tokens, 20);
    assert.equal(reading.contentBytes, Buffer.byteLength(body));
  });

  it("are told as a stream where one was asked for", () => {
    const { out, whole, reading } = told(body, true, 30);
    assert.match(out, /message_start[^]*"hm"[^]*"hi"[^]*"one"[^]*"two"[^]*message_stop/);
    assert.deepEqual([whole, reading.final, reading.isAnswer], [true, true, true]);
  });

  it("say nothing before their end", () => {
    for (const streamed of [true, false]) {
      const translator = openaiChat.answer({ streamed, id: "m", model: "c", quirks: new Set() });
      assert.equal(translator.feed(Buffer.from(` \n${body.slice(0, -1)}`)), null);
      const { started, final, billed, isAnswer } = translator.reading();
      assert.deepEqual([started, final, billed, isAnswer], [false, false, null, false]);
      assert.equal(translator.isWhole(), false);
    }
  });

  const faults: readonly [string, string][] = [
    ['{"error":{"message":"no","code":"insufficient_quota"}}', "billing_error"],
    ['[{"error":{"code":429,"message":"slow"}}]', "rate_limit_error"],
    ['{"error":"out of memory"}', "api_error"],
    ["{}", "api_error"],
    ['{"choices":[]}', "api_error"],
    [body.slice(0, -1), "api_error"],
    ["<html><body>Bad gateway</body></html>", "api_error"],
    ["", "api_error"],
    ["ok", "api_error"],
  ];
  for (const [answer, type] of faults)
    it(`${JSON.stringify(answer.slice(0, 40))} under a 200 is a fault`, () => {
      for (const streamed of [true, false]) {
        const { reading, whole, out } = told(answer, streamed);
        assert.equal(reading.error?.type, type);
        assert.deepEqual([whole, reading.final, reading.isAnswer], [false, false, false]);
        assert.equal(out.includes("message_stop"), false);
        if (streamed) assert.equal(reading.contentBytes, 0);
      }
    });

  it("without a finish reason are not whole", () => {
    const { whole, reading } = told(body.replace('"tool_calls"}', "null}"), false);
    assert.deepEqual([whole, reading.final], [false, false]);
  });
});
