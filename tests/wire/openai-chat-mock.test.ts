/** A second opinion on chat completions: a mock that others made, between the translator's two halves. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { LLMock } from "@copilotkit/aimock";
import { readCanonical } from "../../src/wire/canonical/read.ts";
import { isUnsupported } from "../../src/wire/egress.ts";
import { openaiChat } from "../../src/wire/openai-chat/egress.ts";

const CONTEXT = {
  model: "gpt-5",
  maxTokens: 100,
  quirks: new Set<never>(),
  onUnsupported: "refuse",
} as const;
const QUESTION = {
  system: "be brief",
  tools: [{ name: "read", description: "reads", input_schema: { type: "object" } }],
  tool_choice: { type: "auto" },
};

describe("against aimock", () => {
  const mock = new LLMock({ port: 0 });
  before(async () => {
    mock.onMessage("greet", { content: "Hi there, how are you today?", reasoning: "A greeting." });
    mock.onMessage("look", {
      content: "Let me look.",
      toolCalls: [
        { name: "read", arguments: '{"path":"a/rather/long/path.ts"}' },
        { name: "list", arguments: "{}" },
      ],
    });
    const error = { message: "slow down", type: "requests", code: "rate_limit_exceeded" };
    mock.onMessage("hurry", { error, status: 429 });
    await mock.start();
  });
  after(() => mock.stop());

  async function ask(text: string, stream: boolean) {
    const messages = [{ role: "user", content: text }];
    const canonical = readCanonical({ ...QUESTION, model: "claude", stream, messages });
    assert.ok(!("field" in canonical));
    const body = openaiChat.request(canonical, CONTEXT);
    assert.ok(!isUnsupported(body));
    const response = await fetch(`${mock.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer none" },
      body: JSON.stringify(body.json),
    });
    return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
  }

  async function answer(text: string, stream: boolean) {
    const { status, bytes } = await ask(text, stream);
    assert.equal(status, 200);
    const to = { streamed: stream, id: "msg_1", model: "claude", quirks: CONTEXT.quirks };
    const translator = openaiChat.answer(to);
    const pieces = [translator.feed(bytes), translator.end()];
    const { final, billed } = translator.reading();
    assert.deepEqual([translator.isWhole(), final], [true, true]);
    assert.ok((billed?.usage.output_tokens ?? 0) > 0);
    return pieces.map((piece) => piece?.toString() ?? "").join("");
  }

  it("whole answers keep text, reasoning and calls", async () => {
    const greeting = JSON.parse(await answer("greet", false)) as { content: unknown };
    assert.deepEqual(greeting.content, [
      { type: "thinking", thinking: "A greeting.", signature: "" },
      { type: "text", text: "Hi there, how are you today?" },
    ]);
    const calls = JSON.parse(await answer("look", false)) as {
      content: { type: string; name?: string; input?: unknown }[];
      stop_reason: string;
    };
    assert.equal(calls.stop_reason, "tool_use");
    assert.deepEqual(
      calls.content.map(({ name, input }) => [name, input]),
      [
        [undefined, undefined],
        ["read", { path: "a/rather/long/path.ts" }],
        ["list", {}],
      ],
    );
  });

  it("streams keep the same", async () => {
    const joined = (events: string, field: string) =>
      events
        .split("\n")
        .filter((line) => line.includes(`"${field}":`) && line.includes("_delta"))
        .map(
          (line) => (JSON.parse(line.slice(6)) as { delta: Record<string, string> }).delta[field],
        )
        .join("");
    const greeting = await answer("greet", true);
    assert.equal(joined(greeting, "text"), "Hi there, how are you today?");
    assert.equal(joined(greeting, "thinking"), "A greeting.");
    const calls = await answer("look", true);
    assert.equal(joined(calls, "partial_json"), '{"path":"a/rather/long/path.ts"}{}');
    assert.match(calls, /"name":"read"[^]*"name":"list"[^]*"tool_use"[^]*message_stop/);
  });

  it("errors are told in the words of the Messages API", async () => {
    const { status, bytes } = await ask("hurry", true);
    const fault = openaiChat.fault(status, bytes);
    assert.deepEqual(fault, { type: "rate_limit_error", message: "slow down" });
  });
});
