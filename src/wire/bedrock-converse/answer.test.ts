import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  eventFrame,
  eventStreamFrame,
  exceptionFrame,
} from "../../../tests/harness/event-stream.ts";
import { billedOnce, type Reading } from "../answer.ts";
import { isObject } from "../anthropic/value.ts";
import { bedrockConverse } from "./egress.ts";

const SEED = 20261123;
const CONTEXT = { id: "msg_1", model: "claude-opus-5", quirks: new Set<never>() };

interface Outcome {
  readonly text: string;
  readonly isWhole: boolean;
  readonly reading: Reading;
}

function answered(chunks: readonly Buffer[], streamed = true): Outcome {
  const translator = bedrockConverse.answer({ ...CONTEXT, streamed });
  const out = chunks.map((chunk) => translator.feed(chunk));
  out.push(translator.end());
  const bytes = Buffer.concat(out.filter((part) => part !== null));
  return {
    text: bytes.toString("utf8"),
    isWhole: translator.isWhole(),
    reading: translator.reading(),
  };
}

/** The events of a stream, each checked for its name. */
function eventsIn(text: string): Record<string, unknown>[] {
  return text
    .split("\n\n")
    .slice(0, -1)
    .map((event) => {
      const found = /^event: (\w+)\ndata: (.*)$/.exec(event);
      assert.ok(found, event);
      const data = JSON.parse(found[2] ?? "") as Record<string, unknown>;
      assert.equal(data["type"], found[1]);
      return data;
    });
}

/** The message that a client builds of a stream's events. */
function messageOf(text: string): { content: Record<string, unknown>[]; stop: unknown } {
  const content: Record<string, unknown>[] = [];
  let open = -1;
  let stop: unknown = null;
  for (const event of eventsIn(text)) {
    const block = content[Number(event["index"])];
    switch (event["type"]) {
      case "content_block_start":
        assert.equal(open, -1, "blocks do not overlap");
        assert.equal(event["index"], content.length);
        open = content.length;
        content.push({ ...(event["content_block"] as object) });
        if (content[open]?.["type"] === "tool_use") content[open]!["input"] = "";
        break;
      case "content_block_delta": {
        assert.equal(event["index"], open);
        const delta = event["delta"] as Record<string, string>;
        const [field, value] = Object.entries(delta).find(([name]) => name !== "type")!;
        const target = field === "partial_json" ? "input" : field;
        block![target] = field === "signature" ? value : `${String(block![target])}${value}`;
        break;
      }
      case "content_block_stop":
        assert.equal(event["index"], open);
        if (block!["type"] === "tool_use")
          block!["input"] = JSON.parse(String(block!["input"]) || "{}");
        open = -1;
        break;
      case "message_delta":
        stop = (event["delta"] as Record<string, unknown>)["stop_reason"];
        break;
      default:
        break;
    }
  }
  return { content, stop };
}

const delta = (contentBlockIndex: number, value: object) =>
  eventFrame("contentBlockDelta", { contentBlockIndex, delta: value, p: "abcdefghij" });
const stop = (contentBlockIndex: number) => eventFrame("contentBlockStop", { contentBlockIndex });
const start = (contentBlockIndex: number, toolUseId: string, name: string) =>
  eventFrame("contentBlockStart", { contentBlockIndex, start: { toolUse: { toolUseId, name } } });
const messageStart = eventFrame("messageStart", { role: "assistant", p: "abcdefghijklmno" });
const messageStop = (stopReason: string, more: object = {}) =>
  eventFrame("messageStop", { stopReason, ...more });
const metadata = (usage: unknown) => eventFrame("metadata", { usage, metrics: { latencyMs: 551 } });

const USAGE = { inputTokens: 12, outputTokens: 34, totalTokens: 46 };

const TRANSCRIPT = [
  messageStart,
  delta(0, { reasoningContent: { text: "I think" } }),
  delta(0, { reasoningContent: { text: " so" } }),
  delta(0, { reasoningContent: { signature: "c2ln" } }),
  stop(0),
  delta(1, { text: "Hallo 世" }),
  delta(1, { text: "界" }),
  stop(1),
  start(2, "tooluse_a", "Read"),
  delta(2, { toolUse: { input: '{"path":' } }),
  delta(2, { toolUse: { input: '"/a"}' } }),
  stop(2),
  start(3, "tooluse_b", "Ls"),
  stop(3),
  messageStop("tool_use"),
  metadata({
    ...USAGE,
    cacheReadInputTokens: 7,
    cacheWriteInputTokens: 9,
    cacheDetails: [
      { ttl: "1h", inputTokens: 4 },
      { ttl: "5m", inputTokens: 5 },
    ],
  }),
];

test("a transcript of ConverseStream's frames becomes the events of a message", () => {
  const { text, isWhole, reading } = answered(TRANSCRIPT);
  assert.deepEqual(messageOf(text), {
    content: [
      { type: "thinking", thinking: "I think so", signature: "c2ln" },
      { type: "text", text: "Hallo 世界" },
      { type: "tool_use", id: "tooluse_a", name: "Read", input: { path: "/a" } },
      { type: "tool_use", id: "tooluse_b", name: "Ls", input: {} },
    ],
    stop: "tool_use",
  });
  const events = eventsIn(text);
  assert.equal(events[0]?.["type"], "message_start");
  assert.deepEqual(events.at(-1), { type: "message_stop" });
  assert.deepEqual(events.at(-2)?.["usage"], {
    input_tokens: 12,
    cache_creation_input_tokens: 9,
    cache_read_input_tokens: 7,
    cache_creation: { ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 4 },
    output_tokens: 34,
  });
  assert.equal(isWhole, true);
  assert.equal(reading.final, true);
  assert.equal(reading.stopReason, "tool_use");
  assert.equal(reading.error, null);
  assert.ok(reading.contentBytes >= Buffer.byteLength('I think soHallo 世界{"path":"/a"}'));
  assert.deepEqual(
    reading.billed,
    billedOnce(
      {
        input_tokens: 12,
        output_tokens: 34,
        thinking_tokens: 0,
        cache_read_input_tokens: 7,
        cache_write_5m_input_tokens: 5,
        cache_write_1h_input_tokens: 4,
        web_search_requests: 0,
      },
      false,
    ),
  );
});

test("the same answer whole: ConverseResponse becomes a message", () => {
  const body = {
    output: {
      message: {
        role: "assistant",
        content: [
          { reasoningContent: { reasoningText: { text: "I think", signature: "c2ln" } } },
          { reasoningContent: { reasoningText: { text: "again", signature: "bw==" } } },
          { reasoningContent: { redactedContent: "AAEC" } },
          { text: "Hallo" },
          { toolUse: { toolUseId: "tooluse_a", name: "Read", input: { path: "/a" } } },
        ],
      },
    },
    stopReason: "tool_use",
    usage: USAGE,
    metrics: { latencyMs: 1 },
  };
  const { text, isWhole, reading } = answered([Buffer.from(JSON.stringify(body))], false);
  assert.deepEqual(JSON.parse(text), {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-opus-5",
    content: [
      { type: "thinking", thinking: "I think", signature: "c2ln" },
      { type: "thinking", thinking: "again", signature: "bw==" },
      { type: "redacted_thinking", data: "AAEC" },
      { type: "text", text: "Hallo" },
      { type: "tool_use", id: "tooluse_a", name: "Read", input: { path: "/a" } },
    ],
    stop_reason: "tool_use",
    stop_sequence: null,
    usage: {
      input_tokens: 12,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
      output_tokens: 34,
    },
  });
  assert.equal(isWhole, true);
  assert.equal(reading.isAnswer, true);
  assert.equal(reading.billed?.usage.input_tokens, 12);
});

test("neighbouring reasoning blocks stay apart, redactions in pieces become one", () => {
  const { text } = answered([
    messageStart,
    delta(0, { reasoningContent: { text: "one" } }),
    delta(0, { reasoningContent: { signature: "cw" } }),
    delta(0, { reasoningContent: { signature: "==" } }),
    // Its end is not told: the next number tells it.
    delta(1, { reasoningContent: { signature: "b25seQ==" } }),
    stop(1),
    delta(2, { reasoningContent: { redactedContent: Buffer.from("ab").toString("base64") } }),
    delta(2, { reasoningContent: { redactedContent: Buffer.from("c").toString("base64") } }),
    stop(2),
    messageStop("end_turn"),
    metadata(USAGE),
  ]);
  assert.deepEqual(messageOf(text).content, [
    { type: "thinking", thinking: "one", signature: "cw==" },
    { type: "thinking", thinking: "", signature: "b25seQ==" },
    { type: "redacted_thinking", data: Buffer.from("abc").toString("base64") },
  ]);
});

for (const [reason, expected] of [
  ["end_turn", "end_turn"],
  ["tool_use", "tool_use"],
  ["max_tokens", "max_tokens"],
  ["stop_sequence", "stop_sequence"],
  ["guardrail_intervened", "refusal"],
  ["content_filtered", "refusal"],
  ["model_context_window_exceeded", "model_context_window_exceeded"],
  ["malformed_model_output", "end_turn"],
  ["toString", "end_turn"],
] as const) {
  test(`the stop reason ${reason} becomes ${expected}`, () => {
    const { text, reading } = answered([
      messageStart,
      delta(0, { text: "a" }),
      messageStop(reason),
      metadata(USAGE),
    ]);
    assert.equal(messageOf(text).stop, expected);
    assert.equal(reading.stopReason, expected);
  });
}

test("the sequence that ended an answer is told where Claude tells it", () => {
  for (const fields of [{ stop_sequence: "END" }, { delta: { stop_sequence: "END" } }]) {
    const { text } = answered([
      messageStart,
      messageStop("stop_sequence", { additionalModelResponseFields: fields }),
      metadata(USAGE),
    ]);
    const ending = eventsIn(text).find((event) => event["type"] === "message_delta");
    assert.deepEqual(ending?.["delta"], { stop_reason: "stop_sequence", stop_sequence: "END" });
  }
});

test("an exception in mid-stream is an error event, and nothing follows it", () => {
  const { text, isWhole, reading } = answered([
    messageStart,
    delta(0, { text: "a" }),
    exceptionFrame("throttlingException", { message: "Too many tokens, please wait." }),
    delta(0, { text: "b" }),
    messageStop("end_turn"),
    metadata(USAGE),
  ]);
  const error = { type: "rate_limit_error", message: "Too many tokens, please wait." };
  assert.deepEqual(eventsIn(text).at(-1), { type: "error", error });
  assert.equal(isWhole, false);
  assert.deepEqual(reading.error, error);
  assert.equal(reading.final, false);
  assert.equal(reading.billed, null);
  assert.ok(!text.includes('"b"'));
});

test("a failure at the model tells the model's status", () => {
  const { reading } = answered([
    exceptionFrame("modelStreamErrorException", {
      message: "The system encountered an unexpected error",
      originalStatusCode: 529,
      originalMessage: "Overloaded",
    }),
  ]);
  assert.deepEqual(reading.error, { type: "overloaded_error", message: "Overloaded" });
  assert.equal(reading.isAnswer, false);
});

test("kinds of events that are new are passed over", () => {
  const fresh = eventStreamFrame(
    { ":message-type": "event", ":event-type": "initial-response" },
    "",
  );
  const { text, isWhole } = answered([fresh, ...TRANSCRIPT]);
  assert.equal(text, answered(TRANSCRIPT).text);
  assert.equal(isWhole, true);
});

test("an answer without metadata is whole and its usage unknown", () => {
  const { text, isWhole, reading } = answered([
    messageStart,
    delta(0, { text: "a" }),
    stop(0),
    messageStop("end_turn"),
  ]);
  assert.equal(messageOf(text).stop, "end_turn");
  assert.equal(isWhole, true);
  assert.equal(reading.billed, null);
  assert.equal(reading.final, false);
});

test("figures that are odd are none, and output that cost nothing is not believed", () => {
  for (const usage of [
    undefined,
    [],
    { inputTokens: 1 },
    { ...USAGE, inputTokens: -1 },
    { ...USAGE, outputTokens: 1.5 },
    { ...USAGE, cacheReadInputTokens: "7" },
    { ...USAGE, cacheDetails: {} },
    { ...USAGE, cacheDetails: [null] },
    { ...USAGE, outputTokens: 0 },
    { ...USAGE, outputTokens: 1e300 },
  ]) {
    const { reading } = answered([
      messageStart,
      delta(0, { text: "a" }),
      messageStop("end_turn"),
      metadata(usage),
    ]);
    assert.equal(reading.billed, null, JSON.stringify(usage));
    assert.equal(reading.final, false);
  }
});

test("a stream that is cut anywhere is not whole", () => {
  const whole = Buffer.concat(TRANSCRIPT);
  // The last frame alone may be missing.
  const end = whole.length - (TRANSCRIPT.at(-1)?.length ?? 0);
  for (let cut = 0; cut < whole.length; cut++) {
    const { isWhole, text } = answered([whole.subarray(0, cut)]);
    assert.equal(isWhole, cut === end, `at ${cut}`);
    assert.equal(text.includes("message_stop"), cut === end);
  }
});

test("a corrupt frame ends the answer with an error, once", () => {
  const bytes = Buffer.concat(TRANSCRIPT);
  bytes.writeUInt8(bytes.readUInt8(400) ^ 4, 400);
  const { text, isWhole, reading } = answered([bytes, Buffer.concat(TRANSCRIPT)]);
  assert.equal(isWhole, false);
  assert.equal(reading.error?.type, "api_error");
  assert.equal(eventsIn(text).filter((event) => event["type"] === "error").length, 1);
  assert.equal(eventsIn(text).at(-1)?.["type"], "error");
});

test("whole answers that are none are not whole; an error under 200 is told", () => {
  for (const body of [
    "",
    "[]",
    "{}",
    '{"output":{}}',
    "<html>",
    '{"output":{"message":{"content":3}}}',
  ]) {
    const { text, isWhole, reading } = answered([Buffer.from(body)], false);
    assert.deepEqual([text, isWhole, reading.error, reading.isAnswer], ["", false, null, false]);
  }
  const { isWhole, reading } = answered([Buffer.from('{"message":"no"}')], false);
  assert.equal(isWhole, false);
  assert.deepEqual(reading.error, { type: "api_error", message: "no" });
});

const text = fc.string({ unit: "binary", minLength: 1, maxLength: 12 });
const base64 = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .map((bytes) => Buffer.from(bytes).toString("base64"));
const block = fc.oneof(
  fc.record({ type: fc.constant("text"), text }),
  fc.record({ type: fc.constant("thinking"), thinking: text, signature: base64 }),
  fc.record({ type: fc.constant("redacted_thinking"), data: base64 }),
  fc.record({
    type: fc.constant("tool_use"),
    id: fc.stringMatching(/^[a-z]{1,5}$/),
    name: fc.stringMatching(/^[a-z]{1,5}$/),
    input: fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean())),
  }),
);

/** A block as ConverseStream sends it, in pieces of `size` characters. */
function framesOf(value: Record<string, unknown>, index: number, size: number): Buffer[] {
  const pieces = (whole: string) =>
    Array.from(whole.match(new RegExp(`[\\s\\S]{1,${size}}`, "gu")) ?? []);
  const frames: Buffer[] = [];
  switch (value["type"]) {
    case "text":
      frames.push(...pieces(String(value["text"])).map((piece) => delta(index, { text: piece })));
      break;
    case "thinking":
      for (const piece of pieces(String(value["thinking"])))
        frames.push(delta(index, { reasoningContent: { text: piece } }));
      frames.push(delta(index, { reasoningContent: { signature: value["signature"] } }));
      break;
    case "redacted_thinking":
      frames.push(delta(index, { reasoningContent: { redactedContent: value["data"] } }));
      break;
    default:
      frames.push(start(index, String(value["id"]), String(value["name"])));
      for (const piece of pieces(JSON.stringify(value["input"])))
        frames.push(delta(index, { toolUse: { input: piece } }));
  }
  frames.push(stop(index));
  return frames;
}

test("canonical content goes through ConverseStream and back, however it is cut", () => {
  fc.assert(
    fc.property(
      fc.array(block, { maxLength: 5 }),
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.nat(), { maxLength: 8 }),
      (content, size, cuts) => {
        const frames = content.flatMap((value, index) => framesOf(value, index, size));
        const whole = Buffer.concat([
          messageStart,
          ...frames,
          messageStop("end_turn"),
          metadata({ ...USAGE }),
        ]);
        const borders = [0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length];
        borders.sort((left, right) => left - right);
        const chunks = borders
          .slice(1)
          .map((border, index) => whole.subarray(borders[index], border));
        const outcome = answered(chunks);
        assert.equal(outcome.isWhole, true);
        // Surrogates that stand alone cannot be in JSON that is UTF-8.
        const expected = JSON.parse(Buffer.from(JSON.stringify(content)).toString()) as unknown[];
        assert.deepEqual(messageOf(outcome.text), { content: expected, stop: "end_turn" });
        assert.equal(outcome.text, answered([whole]).text);
      },
    ),
    { seed: SEED, numRuns: 200 },
  );
});

const hostileEvent = fc
  .tuple(
    fc.constantFrom(
      "messageStart",
      "contentBlockStart",
      "contentBlockDelta",
      "contentBlockStop",
      "messageStop",
      "metadata",
      "new",
    ),
    fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.record(
        {
          contentBlockIndex: fc.oneof(fc.nat(2), fc.jsonValue({ maxDepth: 0 })),
          start: fc.constantFrom<unknown>(
            { toolUse: { toolUseId: "a", name: "b" } },
            { toolUse: { name: 1 } },
            { toolUse: null },
            7,
          ),
          delta: fc.constantFrom<unknown>(
            { text: "a" },
            { text: 1 },
            { toolUse: { input: "{" } },
            { reasoningContent: { text: "r" } },
            { reasoningContent: { signature: "s" } },
            { reasoningContent: { redactedContent: "????" } },
            { reasoningContent: null },
            [],
          ),
          stopReason: fc.constantFrom<unknown>("end_turn", 1, null),
          usage: fc.constantFrom<unknown>(USAGE, { inputTokens: null }, null),
        },
        { requiredKeys: [] },
      ),
    ),
  )
  .map(([type, json]) => eventFrame(type, json));

test("hostile frames never throw, and what leaves is whole events", () => {
  const hostile = fc.array(
    fc.oneof(
      { weight: 20, arbitrary: hostileEvent },
      fc.constant(eventStreamFrame({ ":message-type": "event", ":event-type": "metadata" }, "{")),
      fc.constant(exceptionFrame("x", [])),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    ),
    { maxLength: 15 },
  );
  fc.assert(
    fc.property(hostile, fc.boolean(), (chunks, streamed) => {
      const { text: out, isWhole, reading } = answered(chunks, streamed);
      if (!streamed) return;
      const events = eventsIn(out);
      assert.ok(events.every(isObject));
      assert.equal(events.at(-1)?.["type"] === "message_stop", isWhole);
      assert.equal(
        events.some((event) => event["type"] === "error"),
        reading.error !== null,
      );
      assert.ok(events.filter((event) => event["type"] === "message_start").length <= 1);
    }),
    { seed: SEED, numRuns: 1500 },
  );
});
