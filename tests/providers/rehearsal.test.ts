import assert from "node:assert/strict";
import { after, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { createRehearsalClient } from "../../src/providers/rehearsal/client.ts";
import type { UpstreamRequest } from "../../src/providers/upstream.ts";
import type { Told } from "./raw-server.ts";
import { REQUEST, start, textOf } from "./raw-server.ts";
import { serveUpstream } from "./upstream-server.ts";

const server = await serveUpstream(createRehearsalClient({ paced: false }));
after(() => server.close());
const anthropic = new Anthropic({ baseURL: server.origin, apiKey: "vk_test", maxRetries: 0 });

const HELLO = {
  model: "claude-opus-5-5",
  max_tokens: 1000,
  messages: [{ role: "user" as const, content: "say hello" }],
};
const BASH = {
  name: "Bash",
  input_schema: { type: "object" as const, properties: { command: { type: "string" } } },
};

test("a plain call gets a friendly text, labelled as a rehearsal", async () => {
  const { data, response } = await anthropic.messages.create(HELLO).withResponse();
  assert.equal(response.headers.get("x-tollgate-rehearsal"), "1");
  assert.match(response.headers.get("request-id") ?? "", /^req_\w{24}$/);
  assert.match(data.id, /^msg_\w{24}$/);
  assert.equal(data.model, "claude-opus-5-5");
  assert.equal(data.stop_reason, "end_turn");
  const [block] = data.content;
  assert.match(block?.type === "text" ? block.text : "", /rehearsal/i);
  assert.ok(data.usage.input_tokens > 0 && data.usage.output_tokens > 0);
});

test("streamed and not, an answer is the same but for its ids", async () => {
  const params = {
    ...HELLO,
    tools: [BASH],
    thinking: { type: "adaptive" as const, display: "summarized" as const },
  };
  const whole = await anthropic.messages.create(params);
  const stream = anthropic.messages.stream(params);
  const types: string[] = [];
  stream.on("streamEvent", ({ type }) => types.push(type));
  const streamed = await stream.finalMessage();
  // The SDK's stream helper adds a field of its own.
  const { parsed_output: _, ...received } = streamed;
  const plain = (message: object): unknown =>
    JSON.parse(JSON.stringify(message).replaceAll(/"(id|signature)":"\w+"/g, '"$1":"…"'));
  assert.deepEqual(plain(received), plain(whole));
  assert.deepEqual(
    whole.content.map(({ type }) => type),
    ["thinking", "text", "tool_use"],
  );
  assert.equal(whole.stop_reason, "tool_use");
  assert.equal(types[0], "message_start");
  assert.deepEqual(types.slice(-2), ["message_delta", "message_stop"]);
  assert.equal(types.filter((type) => type === "content_block_stop").length, 3);
});

test("omitted thinking is a signature alone, and is charged all the same", async () => {
  const params = { ...HELLO, tools: [BASH] };
  const asked = { type: "adaptive" as const, display: "omitted" as const };
  const message = await anthropic.messages.stream({ ...params, thinking: asked }).finalMessage();
  const [thinking] = message.content;
  assert.ok(thinking?.type === "thinking");
  assert.equal(thinking.thinking, "");
  assert.match(thinking.signature, /^\w{64}$/);
  const tokens = message.usage.output_tokens_details?.thinking_tokens ?? 0;
  assert.ok(tokens > 0 && tokens < message.usage.output_tokens);
  const without = await anthropic.messages.create(params);
  assert.equal(without.usage.output_tokens, message.usage.output_tokens - tokens);
});

for (const maxTokens of [1, 5, 17, 30]) {
  test(`max_tokens ${maxTokens} cuts the answer there`, async () => {
    const message = await anthropic.messages.create({ ...HELLO, max_tokens: maxTokens });
    assert.equal(message.stop_reason, "max_tokens");
    assert.equal(message.usage.output_tokens, maxTokens);
    const [block] = message.content;
    assert.ok(block?.type === "text" && block.text.length <= maxTokens * 4);
  });
}

test("a tool call that does not fit is left out", async () => {
  const message = await anthropic.messages.create({ ...HELLO, tools: [BASH], max_tokens: 15 });
  assert.equal(message.stop_reason, "max_tokens");
  assert.ok(message.content.every(({ type }) => type === "text"));
});

test("the cache is written once and read after that, 5 minutes and an hour apart", async () => {
  const system = [
    {
      type: "text" as const,
      text: "one hour ".repeat(900),
      cache_control: { type: "ephemeral" as const, ttl: "1h" as const },
    },
    {
      type: "text" as const,
      text: "five minutes ".repeat(900),
      cache_control: { type: "ephemeral" as const },
    },
  ];
  const first = (await anthropic.messages.create({ ...HELLO, system })).usage;
  const second = (await anthropic.messages.stream({ ...HELLO, system }).finalMessage()).usage;
  const created = first.cache_creation;
  assert.ok((created?.ephemeral_1h_input_tokens ?? 0) > 2000);
  assert.ok((created?.ephemeral_5m_input_tokens ?? 0) > 2000);
  assert.equal(second.cache_read_input_tokens, first.cache_creation_input_tokens);
  assert.equal(second.cache_creation_input_tokens, 0);
  assert.equal(second.input_tokens, first.input_tokens);
  const counted = await anthropic.messages.countTokens({
    model: HELLO.model,
    messages: HELLO.messages,
    system,
  });
  assert.equal(counted.input_tokens, second.input_tokens + (second.cache_read_input_tokens ?? 0));
});

test("models are listed", async () => {
  const page = await anthropic.models.list({ limit: 1000 });
  assert.ok(page.data.length > 0);
  for (const { id, display_name } of page.data) {
    assert.match(id, /^claude-/);
    assert.match(display_name, /rehearsal/);
  }
});

const client = createRehearsalClient({ paced: false });
const LOCAL: UpstreamRequest = { ...REQUEST, origin: "http://rehearsal.invalid" };

function ask(body: unknown, overrides: Partial<UpstreamRequest> = {}): Promise<Told> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return start(client, { ...LOCAL, body: [Buffer.from(text)], ...overrides }).over;
}

interface Envelope {
  readonly type: string;
  readonly error: { readonly type: string; readonly message: string };
  readonly request_id: string;
}

function envelopeOf(told: Told): Envelope {
  return JSON.parse(textOf(told)) as Envelope;
}

const FAULTS: readonly (readonly [string, unknown, RegExp])[] = [
  ["no JSON", '{"model":', /not valid JSON/],
  ["no object", "[]", /not a JSON object/],
  ["no model", { ...HELLO, model: undefined }, /^model: Field required/],
  ["no max_tokens", { ...HELLO, max_tokens: undefined }, /^max_tokens: Field required/],
  ["a fraction of a token", { ...HELLO, max_tokens: 1.5 }, /^max_tokens: .*integer/],
  ["no messages", { ...HELLO, messages: [] }, /^messages: at least one/],
  [
    "an unknown role",
    { ...HELLO, messages: [{ role: "tool", content: "" }] },
    /^messages\.0\.role/,
  ],
  ["no content", { ...HELLO, messages: [{ role: "user" }] }, /^messages\.0\.content/],
  ["tools that are no list", { ...HELLO, tools: {} }, /^tools: .*list/],
  ["stream that is no boolean", { ...HELLO, stream: "yes" }, /^stream: .*boolean/],
  [
    "a thinking budget over max_tokens",
    { ...HELLO, thinking: { type: "enabled", budget_tokens: 2000 } },
    /^max_tokens: must be greater than/,
  ],
];
for (const [name, body, message] of FAULTS) {
  test(`a request with ${name} gets the error envelope`, async () => {
    const told = await ask(body);
    assert.equal(told.status, 400);
    assert.equal(told.headers["x-tollgate-rehearsal"], "1");
    const envelope = envelopeOf(told);
    assert.equal(envelope.type, "error");
    assert.equal(envelope.error.type, "invalid_request_error");
    assert.match(envelope.error.message, message);
    assert.equal(envelope.request_id, told.headers["request-id"]);
  });
}

test("an unknown path gets 404 in the error envelope", async () => {
  const told = await ask(HELLO, { path: "/v1/complete" });
  assert.equal(told.status, 404);
  assert.equal(envelopeOf(told).error.type, "not_found_error");
});

test("a stream has pings, one event a chunk, and characters are never cut", async () => {
  const schema = {
    type: "object",
    required: ["title"],
    properties: { title: { const: "🙂é".repeat(40) } },
  };
  const told = await ask({
    ...HELLO,
    stream: true,
    output_config: { format: { type: "json_schema", schema } },
  });
  assert.match(told.headers["content-type"] ?? "", /^text\/event-stream/);
  assert.ok(told.chunks.length > 5);
  for (const chunk of told.chunks) assert.match(chunk.toString(), /^event: \w+\ndata: \{.*\}\n\n$/);
  assert.match(textOf(told), /event: ping/);
  assert.doesNotMatch(textOf(told), /\ufffd|\\ud[89a-f]/i);
});

test("pause stops, resume goes on, cancel is silent, close ends what is open", async () => {
  const body = [Buffer.from(JSON.stringify({ ...HELLO, stream: true }))];
  const paced = createRehearsalClient();
  const [first, second, third] = [1, 2, 3].map(() => start(paced, { ...LOCAL, body }));
  assert.ok(first && second && third);
  await Promise.all([first.head, second.head]);
  first.exchange.pause();
  second.exchange.cancel();
  const [paused, cancelled] = [first.told.chunks.length, second.told.chunks.length];
  await third.over;
  assert.equal(first.told.chunks.length, paused);
  assert.equal(second.told.chunks.length, cancelled);
  assert.equal(second.told.order.at(-1) === "end", false);
  first.exchange.resume();
  await first.over;
  assert.equal(first.told.order.at(-1), "end");
  assert.equal(first.told.chunks.length, third.told.chunks.length);
  const open = start(paced, { ...LOCAL, body });
  await open.head;
  await paced.close();
  assert.deepEqual([(await open.over).failure?.kind, open.told.failure?.sent], ["reset", true]);
  const late = start(paced, { ...LOCAL, body });
  assert.deepEqual([(await late.over).failure?.kind, late.told.failure?.sent], ["refused", false]);
});
