/** Answers in the wire format of OpenAI's `POST /v1/responses`, streamed and whole. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isObject } from "../anthropic/value.ts";
import { readCanonical } from "../canonical/read.ts";
import { isUnsupported } from "../egress.ts";
import type { AnswerTranslator } from "../answer.ts";
import { EVENT_MAX_CHARACTERS } from "../server-events.ts";
import { openaiResponses } from "./egress.ts";

type Json = Readonly<Record<string, unknown>>;

const QUIRKS: ReadonlySet<never> = new Set();
const CONTEXT = { id: "msg_1", model: "fleet-model", quirks: QUIRKS };

const USAGE = {
  input_tokens: 18_014,
  input_tokens_details: { cached_tokens: 17_000, cache_write_tokens: 1000 },
  output_tokens: 93,
  output_tokens_details: { reasoning_tokens: 64 },
  total_tokens: 18_107,
};

const REASONING = {
  id: "rs_68",
  type: "reasoning",
  encrypted_content: "gAAAAAB-opaque_==",
  summary: [
    { type: "summary_text", text: "**Looking**" },
    { type: "summary_text", text: "It is é." },
  ],
};
const MESSAGE = {
  id: "msg_68",
  type: "message",
  status: "completed",
  role: "assistant",
  phase: "commentary",
  content: [{ type: "output_text", annotations: [], logprobs: [], text: "Reading “a”." }],
};
const CALL = {
  id: "fc_1",
  type: "function_call",
  status: "completed",
  arguments: '{"path":"a.txt"}',
  call_id: "call_A1",
  name: "Read",
};
const SECOND_CALL = { ...CALL, id: "fc_2", call_id: "call_B2", arguments: '{"path":"b.txt"}' };
const OUTPUT = [REASONING, MESSAGE, CALL, SECOND_CALL];

function response(fields: Json): Json {
  return {
    id: "resp_1",
    object: "response",
    status: "in_progress",
    model: "gpt-5.6-sol",
    ...fields,
  };
}

function completed(output: readonly Json[], usage: unknown = USAGE): Json {
  const fields = { status: "completed", output, usage, error: null, service_tier: "default" };
  return { type: "response.completed", response: response(fields) };
}

function lettersOf(text: string): readonly string[] {
  return text.match(/./gsu) ?? [];
}

/** The events of one item as the door sends them. */
function itemEvents(item: Json, at: number): Json[] {
  const place = { item_id: item["id"], output_index: at };
  const added = { type: "response.output_item.added", output_index: at };
  const done = { type: "response.output_item.done", output_index: at, item };
  if (item["type"] === "function_call") {
    const pieces = String(item["arguments"]).match(/.{1,7}/gsu) ?? [];
    return [
      { ...added, item: { ...item, arguments: "", status: "in_progress" } },
      ...pieces.map((delta) => ({
        type: "response.function_call_arguments.delta",
        ...place,
        delta,
      })),
      { type: "response.function_call_arguments.done", ...place, arguments: item["arguments"] },
      done,
    ];
  }
  if (item["type"] === "reasoning") {
    const summary = item["summary"] as readonly { readonly text: string }[];
    const parts = summary.flatMap(({ text }, part) => [
      { type: "response.reasoning_summary_part.added", ...place, summary_index: part },
      ...lettersOf(text).map((delta) => ({
        type: "response.reasoning_summary_text.delta",
        ...place,
        summary_index: part,
        delta,
        obfuscation: "x8Kd",
      })),
      { type: "response.reasoning_summary_text.done", ...place, summary_index: part, text },
    ]);
    return [
      { ...added, item: { ...item, summary: [], encrypted_content: "part" } },
      ...parts,
      done,
    ];
  }
  const content = item["content"] as readonly { readonly type: string; readonly text: string }[];
  const deltas = content.flatMap(({ text }, part) => [
    { type: "response.content_part.added", ...place, content_index: part },
    ...lettersOf(text).map((delta) => ({
      type: "response.output_text.delta",
      ...place,
      content_index: part,
      delta,
      logprobs: [],
    })),
    { type: "response.output_text.done", ...place, content_index: part, text },
  ]);
  return [{ ...added, item: { ...item, content: [] } }, ...deltas, done];
}

function transcript(output: readonly Json[], closing: Json = completed(output)): Json[] {
  return [
    { type: "response.created", response: response({ output: [] }) },
    { type: "response.in_progress", response: response({ output: [] }) },
    ...output.flatMap((item, at) => itemEvents(item, at)),
    closing,
  ];
}

function wire(events: readonly Json[]): Buffer {
  const lines = events.map((event, sequence) => {
    const data = JSON.stringify({ ...event, sequence_number: sequence });
    return `event: ${String(event["type"])}\ndata: ${data}\n\n`;
  });
  return Buffer.from(lines.join(""));
}

interface Seen {
  readonly answer: AnswerTranslator;
  readonly text: string;
  readonly events: readonly Json[];
}

function run(streamed: boolean, chunks: readonly Buffer[]): Seen {
  const answer = openaiResponses.answer({ ...CONTEXT, streamed });
  const out = [...chunks.map((chunk) => answer.feed(chunk)), answer.end()];
  const text = Buffer.concat(out.filter((bytes) => bytes !== null)).toString();
  const events = text
    .split("\n\n")
    .filter((event) => event.startsWith("event:"))
    .map((event) => JSON.parse(event.slice(event.indexOf("data: ") + 6)) as Json);
  return { answer, text, events };
}

function stream(events: readonly Json[]): Seen {
  return run(true, [wire(events)]);
}

function whole(body: Json): Seen {
  return run(false, [Buffer.from(JSON.stringify(body))]);
}

/** The message that a client puts together from a stream. */
function assembled(events: readonly Json[]): Json[] {
  const blocks: Record<string, unknown>[] = [];
  const inputs: string[] = [];
  for (const event of events) {
    const index = Number(event["index"]);
    if (event["type"] === "content_block_start") {
      assert.equal(index, blocks.length);
      blocks.push({ ...(event["content_block"] as Json) });
      inputs.push("");
    }
    if (event["type"] !== "content_block_delta") continue;
    const block = blocks[index];
    assert.ok(block);
    const delta = event["delta"] as Readonly<Record<string, string>>;
    if (delta["type"] === "text_delta")
      block["text"] = String(block["text"]) + String(delta["text"]);
    if (delta["type"] === "thinking_delta") {
      block["thinking"] = String(block["thinking"]) + String(delta["thinking"]);
    }
    if (delta["type"] === "signature_delta") block["signature"] = delta["signature"];
    if (delta["type"] === "input_json_delta") inputs[index] += delta["partial_json"] ?? "";
  }
  return blocks.map((block, index) => {
    const input = inputs[index] ?? "";
    if (block["type"] !== "tool_use") return block;
    return { ...block, input: JSON.parse(input === "" ? "{}" : input) as unknown };
  });
}

const CONTENT = [
  {
    type: "thinking",
    thinking: "**Looking**\n\nIt is é.",
    signature: "openai-responses.1.cnNfNjg.gAAAAAB-opaque_==",
  },
  { type: "text", text: "Reading “a”." },
  { type: "tool_use", id: "call_A1", name: "Read", input: { path: "a.txt" } },
  { type: "tool_use", id: "call_B2", name: "Read", input: { path: "b.txt" } },
];
const WIRE_USAGE = {
  input_tokens: 14,
  cache_creation_input_tokens: 1000,
  cache_read_input_tokens: 17_000,
  cache_creation: { ephemeral_5m_input_tokens: 1000, ephemeral_1h_input_tokens: 0 },
  output_tokens: 93,
  output_tokens_details: { thinking_tokens: 64 },
};
const BILLED = {
  input_tokens: 14,
  output_tokens: 93,
  thinking_tokens: 64,
  cache_read_input_tokens: 17_000,
  cache_write_5m_input_tokens: 1000,
  cache_write_1h_input_tokens: 0,
  web_search_requests: 0,
};

test("a streamed answer with reasoning, text and two calls becomes a message, block by block", () => {
  const { answer, events } = stream(transcript(OUTPUT));
  assert.deepEqual(assembled(events), CONTENT);
  assert.equal(events[0]?.["type"], "message_start");
  const [delta, stop] = events.slice(-2);
  assert.deepEqual(delta, {
    type: "message_delta",
    delta: { stop_reason: "tool_use", stop_sequence: null },
    usage: WIRE_USAGE,
  });
  assert.equal(stop?.["type"], "message_stop");
  assert.ok(answer.isWhole());
  const reading = answer.reading();
  assert.deepEqual(reading.billed?.usage, BILLED);
  assert.equal(reading.billed?.serviceTier, "default");
  assert.ok(reading.started && reading.final && reading.isAnswer);
  assert.equal(reading.stopReason, "tool_use");
  assert.ok(reading.contentBytes >= 93);
});

test("a whole answer becomes the same message as its stream", () => {
  const body = completed(OUTPUT)["response"] as Json;
  const { answer, text } = whole(body);
  const message = JSON.parse(text) as Json;
  assert.deepEqual(message["content"], CONTENT);
  assert.equal(message["stop_reason"], "tool_use");
  assert.deepEqual(message["usage"], WIRE_USAGE);
  assert.equal(message["model"], "fleet-model");
  assert.ok(answer.isWhole());
  assert.deepEqual(answer.reading().billed?.usage, BILLED);
  assert.equal(answer.reading().contentBytes, Buffer.byteLength(JSON.stringify(body)));
});

test("a stream gives the same bytes however it is cut", () => {
  const bytes = wire(transcript(OUTPUT));
  const { text } = run(true, [bytes]);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 40 }), (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
      const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
      assert.equal(run(true, chunks).text, text);
    }),
    { numRuns: 100 },
  );
});

test("items that arrive interleaved are written one after the other, in their order", () => {
  const perItem = OUTPUT.map((item, at) => itemEvents(item, at));
  const orders = fc.array(fc.nat(OUTPUT.length - 1), { minLength: 60, maxLength: 60 });
  fc.assert(
    fc.property(orders, (order) => {
      const queues = perItem.map((events): Json[] => [...events]);
      const begun = queues.flatMap((queue) => queue.splice(0, 1));
      const mixed = order.flatMap((at): Json[] => queues[at]?.splice(0, 1) ?? []);
      const events: Json[] = [...begun, ...mixed, ...queues.flat(), completed(OUTPUT)];
      assert.deepEqual(assembled(stream(events).events), CONTENT);
    }),
    { numRuns: 100 },
  );
});

test("content that waits for an earlier item counts as content of a cut stream", () => {
  const [first = {}] = itemEvents(MESSAGE, 0);
  const { answer } = stream([first, ...itemEvents(CALL, 1)]);
  assert.ok(answer.reading().contentBytes >= CALL.arguments.length);
  assert.ok(!answer.isWhole());
  assert.equal(answer.reading().final, false);
});

test("servers that send less than the door itself: no names, no deltas, no items", () => {
  const named = transcript(OUTPUT);
  const nameless = named.map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`).join("");
  const done = `${nameless}data: [DONE]\r\n\r\n`;
  const withoutDeltas = named.filter(({ type }) => !String(type).endsWith(".delta"));
  const withoutAdded = withoutDeltas.filter(({ type }) => !String(type).endsWith(".added"));
  for (const seen of [
    run(true, [Buffer.from(done)]),
    stream(withoutDeltas),
    stream(withoutAdded),
    stream([completed(OUTPUT)]),
  ]) {
    assert.deepEqual(assembled(seen.events), CONTENT);
    assert.ok(seen.answer.isWhole());
  }
});

test("events and items of unknown kinds pass without harm", () => {
  const odd = [
    { type: "response.web_search_call.searching", output_index: 0, item_id: "ws_1" },
    { type: "response.brand_new", output_index: 9, delta: {} },
    { type: "response.output_item.added", output_index: 4, item: { type: "program", id: "p_1" } },
    { type: "response.output_item.done", output_index: 4, item: { type: "program", id: "p_1" } },
    { type: "keepalive" },
  ];
  const events = transcript(OUTPUT);
  const seen = stream([...events.slice(0, -1), ...odd, ...events.slice(-1)]);
  assert.deepEqual(assembled(seen.events), CONTENT);
});

test("an item that ends twice is written once", () => {
  const twice = transcript(OUTPUT).flatMap((event) =>
    event["type"] === "response.output_item.done" ? [event, event] : [event],
  );
  assert.deepEqual(assembled(stream(twice).events), CONTENT);
});

test("the closing event's name tells the status where its response does not", () => {
  const { status: _status, ...bare } = completed([])["response"] as Json;
  const endings = ["completed", "incomplete", "failed"].map((name) => {
    const events = transcript([MESSAGE], { type: `response.${name}`, response: bare });
    return stream(events).answer.reading();
  });
  assert.deepEqual(
    endings.map(({ stopReason }) => stopReason),
    ["end_turn", "max_tokens", null],
  );
  assert.deepEqual(
    endings.map(({ error }) => error?.type),
    [undefined, undefined, "api_error"],
  );
});

test("reasoning without a summary travels as redacted thinking", () => {
  const item = { ...REASONING, summary: [] };
  const { events } = stream(transcript([item, MESSAGE]));
  const [block] = assembled(events);
  assert.deepEqual(block, {
    type: "redacted_thinking",
    data: "openai-responses.1.cnNfNjg.gAAAAAB-opaque_==",
  });
});

test("reasoning comes back on the next turn as the item that it was", () => {
  const shown = [REASONING, CALL];
  const second = { ...REASONING, id: "rs_2", encrypted_content: "other.dots.in.it" };
  for (const output of [shown, [REASONING, second, CALL], [{ ...REASONING, summary: [] }, CALL]]) {
    const answer = JSON.parse(whole(completed(output)["response"] as Json).text) as Json;
    const result = { type: "tool_result", tool_use_id: "call_A1", content: "text of a" };
    const request = readCanonical({
      model: "m",
      thinking: { type: "adaptive" },
      messages: [
        { role: "user", content: "go" },
        { role: "assistant", content: answer["content"] },
        { role: "user", content: [result] },
      ],
    });
    assert.ok(!("field" in request));
    const body = openaiResponses.request(request, {
      model: "gpt",
      maxTokens: 100,
      quirks: QUIRKS,
      onUnsupported: "refuse",
    });
    assert.ok(!isUnsupported(body));
    const items = (body.json["input"] as Json[]).slice(1, -1);
    const expected = output.map((item) => {
      if (!("summary" in item)) {
        const { id: _id, status: _status, ...call } = CALL;
        return call;
      }
      const text = item.summary.map((part) => part.text).join("\n\n");
      return { ...item, summary: text === "" ? [] : [{ type: "summary_text", text }] };
    });
    assert.deepEqual(items, expected);
    assert.deepEqual(body.dropped, []);
  }
});

const ENDINGS = [
  [{ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } }, "max_tokens"],
  [{ status: "incomplete", incomplete_details: { reason: "content_filter" } }, "refusal"],
  [{ status: "incomplete", incomplete_details: null }, "max_tokens"],
  [{ status: "completed", incomplete_details: null }, "end_turn"],
] as const;

for (const [fields, stopReason] of ENDINGS) {
  const name = `${fields.status} ${fields.incomplete_details?.reason ?? ""}`;
  test(`a response that ends ${name} stops with ${stopReason}, and bills`, () => {
    const body = response({ ...fields, output: [MESSAGE], usage: USAGE });
    const closing = { type: `response.${fields.status}`, response: body };
    for (const seen of [stream(transcript([MESSAGE], closing)), whole(body)]) {
      assert.equal(seen.answer.reading().stopReason, stopReason);
      assert.deepEqual(seen.answer.reading().billed?.usage, BILLED);
      assert.ok(seen.answer.isWhole());
    }
  });
}

test("a refusal is text that ends with refusal", () => {
  const refusal = {
    type: "response.refusal.delta",
    output_index: 0,
    content_index: 0,
    delta: "No.",
  };
  const item = { ...MESSAGE, content: [{ type: "refusal", refusal: "No." }] };
  const added = { type: "response.output_item.added", output_index: 0, item: MESSAGE };
  const done = { type: "response.output_item.done", output_index: 0, item };
  const { answer, events } = stream([added, refusal, done, completed([item])]);
  assert.deepEqual(assembled(events), [{ type: "text", text: "No." }]);
  assert.equal(answer.reading().stopReason, "refusal");
  assert.equal(whole(completed([item])["response"] as Json).answer.reading().stopReason, "refusal");
});

const FAILURE = { code: "server_error", message: "It broke." };

test("a failure before content shows in the reading alone, with its bill", () => {
  const failed = response({ status: "failed", output: [], error: FAILURE, usage: USAGE });
  const { answer, text } = stream([
    { type: "response.created", response: response({ output: [] }) },
    { type: "response.failed", response: failed },
  ]);
  assert.equal(text, "");
  assert.deepEqual(answer.reading().error, { type: "api_error", message: "It broke." });
  assert.deepEqual(answer.reading().billed?.usage, BILLED);
  assert.ok(answer.reading().final && !answer.isWhole() && !answer.reading().isAnswer);
  const body = whole(failed);
  assert.equal(body.text, "");
  assert.deepEqual(body.answer.reading().error, { type: "api_error", message: "It broke." });
  assert.deepEqual(body.answer.reading().billed?.usage, BILLED);
  assert.ok(!body.answer.isWhole());
});

const NESTED = {
  type: "error",
  error: { type: "tokens", code: "rate_limit_exceeded", message: "m" },
};
for (const [name, event] of [
  [
    "flat, as documented",
    { type: "error", code: "rate_limit_exceeded", message: "m", param: null },
  ],
  ["nested, as sent", NESTED],
  ["bare, as other servers send it", { error: { type: "rate_limit_error", message: "m" } }],
] as const) {
  test(`an error event (${name}) is the error of the stream`, () => {
    const early = run(true, [Buffer.from(`data: ${JSON.stringify(event)}\n\n`)]);
    assert.equal(early.text, "");
    assert.deepEqual(early.answer.reading().error, { type: "rate_limit_error", message: "m" });
  });
}

test("a failure after content is told to the client, once, and its bill is still read", () => {
  const events = transcript([MESSAGE]).slice(0, -1);
  const failed = response({ status: "failed", error: FAILURE, usage: USAGE });
  const seen = stream([...events, NESTED, { type: "response.failed", response: failed }]);
  const errors = seen.events.filter(({ type }) => type === "error");
  assert.deepEqual(errors, [{ type: "error", error: { type: "rate_limit_error", message: "m" } }]);
  assert.ok(
    seen.answer.reading().final && !seen.answer.isWhole() && seen.answer.reading().isAnswer,
  );
});

test("a data line that is no JSON object spoils the stream", () => {
  for (const line of ["data: {\n\n", "data: 7\n\n", "event: response.completed\ndata: nope\n\n"]) {
    const { answer, text } = run(true, [Buffer.from(line), wire([completed([])])]);
    assert.equal(text, "");
    assert.equal(answer.reading().error?.type, "api_error");
    assert.ok(!answer.isWhole());
  }
});

test("an endless line, or body, is an error and is not kept", () => {
  const endless = Buffer.alloc(EVENT_MAX_CHARACTERS + 1, "data: a");
  for (const streamed of [true, false]) {
    const { answer, text } = run(streamed, [endless, wire([completed([])])]);
    assert.equal(text, "");
    assert.equal(answer.reading().error?.type, "api_error");
    assert.ok(!answer.isWhole());
  }
});

test("a stream without its closing event is not whole", () => {
  const { answer, events } = stream(transcript(OUTPUT).slice(0, -1));
  assert.ok(!answer.isWhole());
  assert.equal(answer.reading().error, null);
  assert.equal(answer.reading().billed, null);
  assert.ok(!events.some(({ type }) => type === "message_stop"));
});

for (const [name, usage] of [
  ["missing", null],
  ["negative", { ...USAGE, output_tokens: -1 }],
  ["fractional", { ...USAGE, input_tokens: 18_014.5 }],
  ["enormous", { ...USAGE, input_tokens: 2e12 }],
  ["a text", { ...USAGE, input_tokens: "18014" }],
  ["with more cached than there is", { ...USAGE, input_tokens: 17_500 }],
  ["with more reasoning than output", { ...USAGE, output_tokens: 63 }],
  ["with odd details", { ...USAGE, input_tokens_details: [] }],
] as const) {
  test(`usage that is ${name} bills nothing by itself`, () => {
    const closing = completed([MESSAGE], usage);
    const body = closing["response"] as Json;
    for (const { answer } of [stream(transcript([MESSAGE], closing)), whole(body)]) {
      assert.equal(answer.reading().billed, null);
      assert.ok(!answer.reading().final && !answer.reading().started);
      assert.ok(answer.isWhole());
    }
  });
}

test("usage without details is all uncached", () => {
  const { answer } = stream([completed([MESSAGE], { input_tokens: 5, output_tokens: 2 })]);
  assert.equal(answer.reading().billed?.usage.input_tokens, 5);
  assert.equal(answer.reading().billed?.usage.output_tokens, 2);
});

const HOSTILE_BODIES = [
  "<html>502</html>",
  "",
  "null",
  "[]",
  '{"output":{}}',
  '{"error":{"code":"server_error","message":"x"}}',
  '{"output":[],"status":"in_progress"}',
];
for (const body of HOSTILE_BODIES) {
  test(`a body of status 200 that is no response is an error: ${body}`, () => {
    const { answer, text } = run(false, [Buffer.from(body)]);
    assert.equal(text, "");
    assert.equal(answer.reading().error?.type, "api_error");
    assert.ok(!answer.isWhole());
  });
}

/** Replaces a random part of a JSON value by anything. */
function spoiled(value: unknown, path: readonly number[], by: unknown): unknown {
  const [at, ...rest] = path;
  if (at === undefined) return by;
  if (Array.isArray(value) && value.length > 0) {
    const index = at % value.length;
    return value.map((entry: unknown, i) => (i === index ? spoiled(entry, rest, by) : entry));
  }
  if (!isObject(value)) return by;
  const names = Object.keys(value);
  const name = names[at % Math.max(names.length, 1)] ?? "x";
  return { ...value, [name]: spoiled(value[name], rest, by) };
}

test("no answer makes the translator throw, and no odd figure reaches a bill", () => {
  const path = fc.array(fc.nat(60), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(path, fc.jsonValue(), fc.boolean(), (where, by, streamed) => {
      const events = transcript(OUTPUT);
      const value = spoiled(streamed ? events : completed(OUTPUT)["response"], where, by);
      const bytes =
        streamed && Array.isArray(value)
          ? Buffer.from(value.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""))
          : Buffer.from(JSON.stringify(value));
      const { answer } = run(streamed, [bytes]);
      const usage = answer.reading().billed?.usage;
      assert.ok(
        Object.values(usage ?? {}).every((count) => Number.isSafeInteger(count) && count >= 0),
      );
    }),
    { numRuns: 400 },
  );
});
