import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { eventFrame, exceptionFrame, invokeFrame } from "../../../tests/harness/event-stream.ts";
import { createStreamUsageReader } from "../anthropic/usage.ts";
import { invokeAnswer } from "./answer.ts";

const SEED = 20261123;

function answered(chunks: readonly Buffer[], streamed = true) {
  const translator = invokeAnswer({ streamed });
  const out = chunks.map((chunk) => translator.feed(chunk));
  out.push(translator.end());
  const bytes = Buffer.concat(out.filter((part) => part !== null));
  return { bytes, isWhole: translator.isWhole(), reading: translator.reading() };
}

/** As Bedrock wraps them: the very bytes of the events, odd spacing and numbers included. */
const EVENTS = [
  '{"type":"message_start","message":{"id":"msg_bdrk_1","type":"message","role":"assistant","model":"claude-opus-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":17,"cache_creation_input_tokens":5,"cache_read_input_tokens":3,"output_tokens":1}}}',
  '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
  '{"type": "content_block_delta", "index": 0, "delta": {"text": "Hallo \\u4e16\u754c", "type": "text_delta"}}',
  '{"type":"content_block_stop","index":0}',
  '{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":12},"x":1.0e0}',
  '{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":17,"outputTokenCount":12,"invocationLatency":811,"firstByteLatency":402}}',
];
const NAMES = [
  "message_start",
  "content_block_start",
  "content_block_delta",
  "content_block_stop",
  "message_delta",
  "message_stop",
];
const STREAM = Buffer.concat(EVENTS.map(invokeFrame));
const EXPECTED = EVENTS.map((event, index) => `event: ${NAMES[index]}\ndata: ${event}\n\n`).join(
  "",
);

test("a transcript of InvokeModelWithResponseStream leaves as server-sent events, byte for byte", () => {
  const { bytes, isWhole, reading } = answered([STREAM]);
  assert.equal(bytes.toString("utf8"), EXPECTED);
  assert.equal(isWhole, true);
  assert.equal(reading.final, true);
  assert.equal(reading.started, true);
  assert.equal(reading.stopReason, "end_turn");
  assert.equal(reading.isAnswer, true);
  assert.deepEqual(reading.billed?.usage, {
    input_tokens: 17,
    output_tokens: 12,
    thinking_tokens: 0,
    cache_read_input_tokens: 3,
    cache_write_5m_input_tokens: 5,
    cache_write_1h_input_tokens: 0,
    web_search_requests: 0,
  });
  const direct = createStreamUsageReader();
  direct.feed(Buffer.from(EXPECTED));
  assert.equal(reading.contentBytes, direct.contentBytes);
});

test("any cut gives the same bytes; only the whole is whole", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 12 }), (cuts) => {
      const borders = [0, ...cuts, STREAM.length].toSorted((left, right) => left - right);
      const chunks = borders
        .slice(1)
        .map((border, index) => STREAM.subarray(borders[index], border));
      const { bytes, isWhole } = answered(chunks);
      assert.equal(bytes.toString("utf8"), EXPECTED);
      assert.equal(isWhole, true);
    }),
    { seed: SEED, numRuns: 200 },
  );
  for (let end = 0; end < STREAM.length; end += 7) {
    const { bytes, isWhole } = answered([STREAM.subarray(0, end)]);
    assert.equal(isWhole, false);
    assert.ok(EXPECTED.startsWith(bytes.toString("utf8")));
  }
});

test("an event in several lines stays one event", () => {
  const { bytes } = answered([invokeFrame('{"type":"ping",\r\n"a":1,\n"b":2}')]);
  assert.equal(
    bytes.toString(),
    'event: ping\ndata: {"type":"ping",\ndata: "a":1,\ndata: "b":2}\n\n',
  );
});

test("events of new types pass; frames beside the chunks do not", () => {
  const { bytes, reading } = answered([
    eventFrame("initial-response", {}),
    invokeFrame({ type: "novel_event", a: 1 }),
  ]);
  assert.equal(bytes.toString(), 'event: novel_event\ndata: {"type":"novel_event","a":1}\n\n');
  assert.equal(reading.error, null);
});

test("an exception frame is an error event, and nothing follows it", () => {
  const { bytes, isWhole, reading } = answered([
    invokeFrame(EVENTS[0] ?? ""),
    exceptionFrame("modelStreamErrorException", {
      message: "x",
      originalStatusCode: 503,
      originalMessage: "busy",
    }),
    invokeFrame(EVENTS[5] ?? ""),
  ]);
  const error = { type: "overloaded_error", message: "busy" };
  const event = `event: error\ndata: ${JSON.stringify({ type: "error", error })}\n\n`;
  assert.equal(bytes.toString(), `event: message_start\ndata: ${EVENTS[0]}\n\n${event}`);
  assert.equal(isWhole, false);
  assert.deepEqual(reading.error, error);
  assert.equal(reading.started, true);
  assert.equal(reading.final, false);
});

test("a refusal of the context's length is told as one", () => {
  const { reading } = answered([
    exceptionFrame("validationException", { message: "Input is too long for requested model." }),
  ]);
  assert.equal(reading.error?.cause, "context_length");
  assert.equal(reading.isAnswer, false);
});

test("Anthropic's own error event passes and is read", () => {
  const error = { type: "overloaded_error", message: "Overloaded" };
  const { reading } = answered([invokeFrame({ type: "error", error })]);
  assert.deepEqual(reading.error, error);
});

const BROKEN: readonly (readonly [string, Buffer])[] = [
  ["no JSON in the frame", eventFrame("chunk", 1)],
  ["no bytes", eventFrame("chunk", { bytes: 7 })],
  ["no JSON in the bytes", invokeFrame("{")],
  ["no type", invokeFrame("{}")],
  ["a type that would end its line", invokeFrame({ type: "a\nevent: b" })],
  ["an empty chunk", eventFrame("chunk", { bytes: "" })],
  ["a broken frame", Buffer.alloc(16)],
];
for (const [name, frame] of BROKEN) {
  test(`a stream with ${name} is broken`, () => {
    const { bytes, isWhole, reading } = answered([frame, STREAM]);
    assert.equal(isWhole, false);
    assert.equal(reading.error?.type, "api_error");
    assert.match(bytes.toString(), /^event: error\ndata: \{"type":"error".*\}\n\n$/);
  });
}

test("whole answers pass as they are and are read", () => {
  const message = Buffer.from(
    '{ "type":"message","content":[], "stop_reason":"end_turn","usage":{"input_tokens":4,"output_tokens":2}}',
  );
  const { bytes, isWhole, reading } = answered(
    [message.subarray(0, 9), message.subarray(9)],
    false,
  );
  assert.deepEqual(bytes, message);
  assert.equal(isWhole, true);
  assert.equal(reading.billed?.usage.output_tokens, 2);
  assert.equal(reading.contentBytes, message.length);
  for (const [body, type] of [
    ['{"message":"no"}', "api_error"],
    ['{"type":"error","error":{"type":"overloaded_error","message":"x"}}', "overloaded_error"],
    ["<html>", undefined],
  ] as const) {
    const other = answered([Buffer.from(body)], false);
    assert.equal(other.isWhole, false);
    assert.equal(other.reading.error?.type, type);
    assert.equal(other.reading.isAnswer, false);
  }
});

test("hostile frames never throw, and what leaves is whole events", () => {
  const hostile = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }).map((json) => invokeFrame(JSON.stringify(json))),
    fc.constantFrom(...EVENTS).map(invokeFrame),
    fc.string({ unit: "binary" }).map((text) => invokeFrame(text)),
    fc.jsonValue({ maxDepth: 2 }).map((json) => eventFrame("chunk", json)),
    fc.jsonValue({ maxDepth: 2 }).map((json) => exceptionFrame("internalServerException", json)),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 8 }), (chunks) => {
      const { bytes, isWhole, reading } = answered(chunks);
      assert.match(bytes.toString("utf8"), /^(?:event: [\w.-]+\n(?:data: .*\n)+\n)*$/);
      assert.ok(!(isWhole && reading.error !== null && reading.error.type === "api_error"));
    }),
    { seed: SEED, numRuns: 400 },
  );
});
