import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_USAGE } from "../../core/usage.ts";
import type { Usage } from "../../core/usage.ts";
import { createStreamUsageReader, readErrorEnvelope, readJsonUsage } from "./usage.ts";
import type { StreamUsageReader } from "./usage.ts";

type Json = Readonly<Record<string, unknown>>;

function event(name: string, data: Json): string {
  return `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`;
}

function start(usage: unknown): string {
  return event("message_start", {
    message: { type: "message", model: "claude-x", stop_reason: null, usage },
  });
}

function delta(usage: unknown, stopReason: string | null = "end_turn"): string {
  return event("message_delta", { delta: { stop_reason: stopReason }, usage });
}

const STOP = event("message_stop", {});
const CONTENT = event("content_block_delta", {
  index: 0,
  delta: { type: "text_delta", text: 'é "usage"' },
});

function read(...events: string[]): StreamUsageReader {
  const reader = createStreamUsageReader();
  for (const text of events) reader.feed(Buffer.from(text));
  return reader;
}

function usage(counts: Partial<Usage>): Usage {
  return { ...NO_USAGE, ...counts };
}

const START = {
  input_tokens: 100,
  cache_creation_input_tokens: 2000,
  cache_read_input_tokens: 30_000,
  cache_creation: { ephemeral_5m_input_tokens: 500, ephemeral_1h_input_tokens: 1500 },
  output_tokens: 1,
  service_tier: "standard",
  inference_geo: "us",
};

test("a stream is read step by step", () => {
  const reader = read();
  assert.deepEqual(
    [reader.started, reader.final, reader.billed(), reader.model],
    [false, false, null, null],
  );
  reader.feed(Buffer.from(start(START)));
  assert.deepEqual([reader.started, reader.final, reader.model], [true, false, "claude-x"]);
  assert.deepEqual(
    reader.billed()?.usage,
    usage({
      input_tokens: 100,
      output_tokens: 1,
      cache_read_input_tokens: 30_000,
      cache_write_5m_input_tokens: 500,
      cache_write_1h_input_tokens: 1500,
    }),
  );
  reader.feed(Buffer.from(CONTENT));
  assert.equal(reader.contentBytes, Buffer.byteLength(CONTENT.split("\ndata: ")[1] ?? "") - 2);
  const closing = {
    output_tokens: 250,
    input_tokens: null,
    cache_read_input_tokens: 30_001,
    output_tokens_details: { thinking_tokens: 40 },
    server_tool_use: { web_search_requests: 2 },
    speed: "fast",
  };
  reader.feed(Buffer.from(delta(closing)));
  reader.feed(Buffer.from(STOP));
  assert.deepEqual([reader.final, reader.stopReason, reader.errorEvent], [true, "end_turn", null]);
  const whole = usage({
    input_tokens: 100,
    output_tokens: 250,
    thinking_tokens: 40,
    cache_read_input_tokens: 30_001,
    cache_write_5m_input_tokens: 500,
    cache_write_1h_input_tokens: 1500,
    web_search_requests: 2,
  });
  assert.deepEqual(reader.billed(), {
    usage: whole,
    passes: [{ model: null, usage: whole, free: false }],
    speed: "fast",
    inferenceGeo: "us",
    serviceTier: "standard",
  });
});

test("the reading is the same at every cut of the stream", () => {
  const bytes = Buffer.from(
    [start(START), CONTENT, event("ping", {}), CONTENT, delta({ output_tokens: 9 }), STOP]
      .join("")
      .replaceAll("\n", "\r\n"),
  );
  const whole = createStreamUsageReader();
  whole.feed(bytes);
  assert.ok(whole.final);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const reader = createStreamUsageReader();
    reader.feed(bytes.subarray(0, cut));
    reader.feed(bytes.subarray(cut));
    assert.deepEqual(reader.billed(), whole.billed(), `cut at ${cut}`);
    assert.equal(reader.contentBytes, whole.contentBytes, `cut at ${cut}`);
    assert.equal(reader.final, true, `cut at ${cut}`);
  }
});

test("a stream is final with the stop reason, or with the stop", () => {
  assert.equal(read(start(START), delta({ output_tokens: 5 }, null)).final, false);
  assert.equal(read(start(START), delta({ output_tokens: 5 }, null), STOP).final, true);
  assert.equal(read(start(START), delta({ output_tokens: 5 })).final, true);
  assert.equal(read(start(START), delta(undefined), STOP).final, false);
  assert.equal(read(start(START), delta(null), STOP).final, false);
  assert.equal(read(start(START), STOP).final, false);
});

const UNREADABLE: readonly unknown[] = [-1, 1.5, 1e13, "5", true, {}, Number.MAX_VALUE];

for (const odd of UNREADABLE) {
  test(`a count of ${JSON.stringify(odd)} makes a usage unreadable, wherever it stands`, () => {
    assert.equal(read(start({ ...START, input_tokens: odd })).billed(), null);
    assert.equal(read(start(START), delta({ output_tokens: odd })).final, false);
    for (const field of [
      "output_tokens",
      "cache_read_input_tokens",
      "cache_creation_input_tokens",
    ]) {
      const body = { type: "message", usage: { ...START, [field]: odd } };
      assert.equal(readJsonUsage(Buffer.from(JSON.stringify(body))), null, field);
    }
    const nested = { ...START, iterations: [{ ...START, type: "message", output_tokens: odd }] };
    assert.equal(
      readJsonUsage(Buffer.from(JSON.stringify({ type: "message", usage: nested }))),
      null,
    );
  });
}

test("what is no answer has no usage", () => {
  for (const body of [
    "",
    "nonsense",
    "[]",
    "null",
    '{"type":"message"}',
    '{"type":"error","usage":{"input_tokens":1}}',
  ]) {
    assert.equal(readJsonUsage(Buffer.from(body)), null, body);
  }
  assert.equal(read(start(undefined)).started, false);
  assert.equal(read(start({ output_tokens: 5 })).started, false);
  assert.equal(
    read(
      "event: message_start\ndata: {oops\n\n",
      delta({ input_tokens: 1, output_tokens: 5 }),
    ).billed(),
    null,
  );
});

function jsonUsage(raw: Json, stopReason = "end_turn") {
  return readJsonUsage(
    Buffer.from(JSON.stringify({ type: "message", stop_reason: stopReason, usage: raw })),
  );
}

const SPLITS: readonly (readonly [
  total: number | null,
  in5m: number | null,
  in1h: number | null,
  as5m: number,
  as1h: number,
])[] = [
  [null, null, null, 0, 0],
  [100, null, null, 100, 0],
  [100, 0, 0, 100, 0],
  [100, 40, 60, 40, 60],
  [100, 0, 60, 0, 100],
  [100, 40, 0, 100, 0],
  [100, 30, 60, 40, 60],
  [0, 40, 60, 40, 60],
];

for (const [total, in5m, in1h, as5m, as1h] of SPLITS) {
  test(`${total} written, told as ${in5m} and ${in1h}: ${as5m} for 5 minutes, ${as1h} for an hour`, () => {
    const split = { ephemeral_5m_input_tokens: in5m, ephemeral_1h_input_tokens: in1h };
    const billed = jsonUsage({
      input_tokens: 1,
      output_tokens: 1,
      cache_creation_input_tokens: total,
      cache_creation: in5m === null ? null : split,
    });
    assert.equal(billed?.usage.cache_write_5m_input_tokens, as5m);
    assert.equal(billed?.usage.cache_write_1h_input_tokens, as1h);
  });
}

test("a refusal before any output is free, after some output it is not", () => {
  assert.deepEqual(
    jsonUsage({ input_tokens: 9, output_tokens: 0 }, "refusal")?.passes.map((pass) => pass.free),
    [true],
  );
  assert.deepEqual(
    jsonUsage({ input_tokens: 9, output_tokens: 1 }, "refusal")?.passes.map((pass) => pass.free),
    [false],
  );
  assert.deepEqual(
    jsonUsage({ input_tokens: 9, output_tokens: 0 }, "max_tokens")?.passes.map((pass) => pass.free),
    [false],
  );
  const streamed = read(
    start({ input_tokens: 9, output_tokens: 0 }),
    delta({ output_tokens: 0 }, "refusal"),
    STOP,
  );
  assert.deepEqual(
    streamed.billed()?.passes.map((pass) => pass.free),
    [true],
  );
});

test("iterations are passes, each at its own model; the top-level counts are ignored", () => {
  const billed = jsonUsage({
    input_tokens: 999,
    output_tokens: 999,
    output_tokens_details: { thinking_tokens: 12 },
    server_tool_use: { web_search_requests: 3 },
    iterations: [
      { type: "compaction", input_tokens: 50, output_tokens: 5 },
      { type: "advisor_message", model: "claude-adviser", input_tokens: 60, output_tokens: 6 },
      {
        type: "message",
        model: null,
        input_tokens: 70,
        output_tokens: 7,
        cache_read_input_tokens: 8,
      },
    ],
  });
  assert.deepEqual(billed?.passes, [
    { model: null, usage: usage({ input_tokens: 50, output_tokens: 5 }), free: false },
    { model: "claude-adviser", usage: usage({ input_tokens: 60, output_tokens: 6 }), free: false },
    {
      model: null,
      usage: usage({
        input_tokens: 70,
        output_tokens: 7,
        cache_read_input_tokens: 8,
        web_search_requests: 3,
      }),
      free: false,
    },
  ]);
  assert.deepEqual(
    billed.usage,
    usage({
      input_tokens: 180,
      output_tokens: 18,
      thinking_tokens: 12,
      cache_read_input_tokens: 8,
      web_search_requests: 3,
    }),
  );
});

test("a model that declined before any output is free, the one that answered is not", () => {
  const free = (iterations: readonly Json[], stopReason?: string) =>
    jsonUsage({ input_tokens: 1, output_tokens: 1, iterations }, stopReason)?.passes.map(
      (pass) => pass.free,
    );
  const declined = { type: "message", model: "a", input_tokens: 9, output_tokens: 0 };
  const served = { type: "fallback_message", model: "b", input_tokens: 9, output_tokens: 4 };
  assert.deepEqual(free([declined, served]), [true, false]);
  assert.deepEqual(free([{ ...declined, output_tokens: 2 }, served]), [false, false]);
  assert.deepEqual(free([declined, declined], "refusal"), [true, true]);
  assert.deepEqual(free([{ ...served, output_tokens: 0 }], "max_tokens"), [false]);
  assert.deepEqual(
    free([{ ...declined, type: "advisor_message", stop_reason: "refusal" }, served]),
    [true, false],
  );
});

test("errors are told from answers", () => {
  const envelope =
    '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}';
  assert.deepEqual(readErrorEnvelope(Buffer.from(envelope)), {
    type: "overloaded_error",
    message: "Overloaded",
  });
  for (const body of [
    "",
    "<html>",
    '{"error":{"type":"x"}}',
    '{"type":"error"}',
    '{"type":"error","error":{"type":5}}',
  ]) {
    assert.equal(readErrorEnvelope(Buffer.from(body)), null, body);
  }
  assert.deepEqual(read(start(START), `event: error\ndata: ${envelope}\n\n`).errorEvent, {
    type: "overloaded_error",
    message: "Overloaded",
  });
  assert.equal(read("event: error\ndata: {\n\n").errorEvent?.type, "api_error");
});
