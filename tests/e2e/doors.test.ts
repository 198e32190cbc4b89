/** Every door with its real wire format: what is said arrives, and costs what the upstream's bill says. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { nanoOf, type WireUsage } from "../harness/bill.ts";
import { dialectNano } from "../harness/dialects/bill.ts";
import type { DialectFormat } from "../harness/dialects/dialect.ts";
import { COUNTED_TOKENS, dialectError, type DialectRequest } from "../harness/dialects/upstream.ts";
import type { ErrorEnvelope, RawAnswer } from "../harness/raw-request.ts";
import { text, toolCalls, usage, withThinking, type MessageAnswer } from "../harness/scripts.ts";
import { messageIn } from "./doors-answer.ts";
import {
  askGateway,
  DOOR_MODEL,
  DOORS,
  startDoorDesk,
  type DoorCase,
  type DoorDesk,
} from "./doors-desk.ts";

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const QUESTION = {
  model: DOOR_MODEL,
  max_tokens: 2000,
  system: "Be brief.",
  messages: [{ role: "user", content: "What is in the two files?" }],
};
const TOOLS = [
  {
    name: "Read",
    description: "Reads a file",
    input_schema: { type: "object", properties: { path: { type: "string" } }, required: ["path"] },
  },
];
const CALLS = toolCalls([
  ["toolu_first", "Read", { path: "ü/one.txt", depth: 2 }],
  ["toolu_second", "Read", { path: "two.png" }],
]);
const WORDS =
  "Both files are here — “one” and ‘two’, 😀 included, in more than one piece of the stream.";
/** Doors whose answers carry signatures that have to come back. */
const SIGNING = new Set<DialectFormat>([
  "openai-responses",
  "gemini",
  "bedrock-converse",
  "bedrock-invoke",
  "vertex-anthropic",
  "anthropic-messages",
]);
/** Doors that tell a failed tool from one that worked by a flag. */
const FLAGLESS = new Set<DialectFormat>(["openai-chat", "openai-responses"]);
/** Doors that count for nothing; the others' counts are estimates. */
const COUNTING = new Set(["responses", "gemini", "vertex", "foundry"]);
/** A field that a door of another dialect cannot carry. */
const LOST: Partial<Record<DialectFormat, { readonly field: string; readonly asks: object }>> = {
  "openai-chat": { field: "top_k", asks: { top_k: 5 } },
  "openai-responses": { field: "stop_sequences", asks: { stop_sequences: ["END"] } },
  gemini: {
    field: "tool_choice.disable_parallel_tool_use",
    asks: { tools: TOOLS, tool_choice: { type: "auto", disable_parallel_tool_use: true } },
  },
  "bedrock-converse": {
    field: "tool_choice.disable_parallel_tool_use",
    asks: { tools: TOOLS, tool_choice: { type: "auto", disable_parallel_tool_use: true } },
  },
};

let desk: DoorDesk;
before(async () => {
  desk = await startDoorDesk();
});
after(() => desk?.dispose());

for (const door of DOORS) {
  describe(door.id, () => {
    for (const stream of [false, true]) {
      test(`a text, ${stream ? "streamed" : "whole"}`, () => assertText(door, stream));
      test(`two calls and their results, ${stream ? "streamed" : "whole"}`, () =>
        assertToolRound(door, stream));
      test(`usage of every class, ${stream ? "streamed" : "whole"}`, () =>
        assertUsage(door, stream));
      test(`thinking comes back, ${stream ? "streamed" : "whole"}`, () =>
        assertThinking(door, stream));
    }
    test("a stream cut anywhere into chunks", () => assertChunked(door));
    test("the end by max_tokens", () => assertMaxTokens(door));
    test("errors in the words of the Messages API", () => assertErrors(door));
    test("a count", () => assertCount(door));
    const lost = LOST[door.format];
    if (lost !== undefined)
      test(`${lost.field} is named, or refused where nothing may be lost`, () =>
        assertLoss(door, lost));
  });
}

test("where the door's own count fails, an estimate is told as one", async () => {
  const { max_tokens: _, ...body } = QUESTION;
  for (const id of ["responses", "gemini"]) {
    desk.upstream(id).failCounts(503);
    const got = await askGateway(desk.gateway, id, body, "/v1/messages/count_tokens");
    desk.upstream(id).failCounts(null);
    assert.deepEqual([got.status, got.headers["tollgate-estimated"]], [200, "input_tokens"]);
  }
});

test("a max_tokens that the model or its dialect does not take is changed, and told", async () => {
  const byFormat = (wanted: DialectFormat): DoorCase => {
    const door = DOORS.find(({ format }) => format === wanted);
    assert.ok(door !== undefined);
    return door;
  };
  const responses = byFormat("openai-responses");
  const least = await ask(responses, { max_tokens: 5 }, text(WORDS));
  const sent = [lastRequest(responses).maxTokens, least.headers["tollgate-clamped"]];
  assert.deepEqual(sent, [16, "16"]);
  const gemini = byFormat("gemini");
  const got = await ask(gemini, { max_tokens: 128_000 }, text(WORDS));
  assert.deepEqual(
    [lastRequest(gemini).maxTokens, got.headers["tollgate-clamped"]],
    [65_536, "65536"],
  );
});

test("the service account was asked for one token, and its signature was true", () => {
  assert.equal(desk.google.given(), 1);
});

async function ask(door: DoorCase, body: object, answer: MessageAnswer): Promise<RawAnswer> {
  const got = await desk.ask(door.id, { ...QUESTION, ...body }, answer);
  assert.deepEqual(desk.upstream(door.id).refused, [], "nothing that the real API would refuse");
  return got;
}

function lastRequest(door: DoorCase): DialectRequest {
  const request = desk.upstream(door.id).requests.at(-1);
  assert.ok(request !== undefined);
  return request;
}

/** The row says what the upstream's bill says, to the nano-dollar. */
async function assertBilled(door: DoorCase, answer: RawAnswer): Promise<void> {
  const row = await desk.rowOf(answer);
  const line = desk.upstream(door.id).bill.lines.at(-1);
  assert.ok(line !== undefined);
  assert.deepEqual(
    [row.outcome, row.status, row.estimated],
    ["ok", 200, false],
    JSON.stringify(row),
  );
  assert.equal(nanoOf(row.cost_usd), dialectNano(line), JSON.stringify([row, line]));
  assert.equal(line.state, "complete");
}

async function assertText(door: DoorCase, stream: boolean): Promise<void> {
  const got = await ask(door, { stream }, text(WORDS, { input_tokens: 31, output_tokens: 17 }));
  const message = messageIn(got);
  assert.deepEqual(message.content, [{ type: "text", text: WORDS }]);
  assert.equal(message.stopReason, "end_turn");
  const seen = lastRequest(door);
  assert.deepEqual([seen.model, seen.stream, seen.maxTokens], [door.model, stream, 2000]);
  assert.deepEqual([seen.texts, seen.system.trim()], [["What is in the two files?"], "Be brief."]);
  await assertBilled(door, got);
}

async function assertToolRound(door: DoorCase, stream: boolean): Promise<void> {
  const asks = { stream, tools: TOOLS, tool_choice: { type: "auto" } };
  const called = messageIn(await ask(door, asks, CALLS));
  assert.equal(called.stopReason, "tool_use");
  const calls = called.content.filter(({ type }) => type === "tool_use");
  assert.deepEqual(
    calls.map(({ name, input }) => [name, input]),
    [
      ["Read", { path: "ü/one.txt", depth: 2 }],
      ["Read", { path: "two.png" }],
    ],
  );
  assert.deepEqual(lastRequest(door).tools, ["Read"]);
  const [first, second] = calls.map(({ id }) => id);
  const image = { type: "image", source: { type: "base64", media_type: "image/png", data: PIXEL } };
  const results = [
    { type: "tool_result", tool_use_id: first, content: "boom: no such file", is_error: true },
    {
      type: "tool_result",
      tool_use_id: second,
      content: [{ type: "text", text: "a picture" }, image],
    },
    { type: "text", text: "Go on." },
  ];
  const messages = [
    ...QUESTION.messages,
    { role: "assistant", content: called.content },
    { role: "user", content: results },
  ];
  const got = await ask(door, { ...asks, messages }, text(WORDS));
  assert.deepEqual(messageIn(got).content, [{ type: "text", text: WORDS }]);
  const { toolResults, images, texts } = lastRequest(door);
  assert.deepEqual(
    toolResults.map(({ id }) => id),
    [first, second],
  );
  assert.match(toolResults[0]?.text ?? "", /boom: no such file/);
  assert.match(toolResults[1]?.text ?? "", /a picture/);
  const flags = toolResults.map(({ isError }) => isError);
  assert.deepEqual(flags, FLAGLESS.has(door.format) ? [false, false] : [true, false]);
  if (FLAGLESS.has(door.format)) assert.match(toolResults[0]?.text ?? "", /failed|^Error/);
  assert.equal(images + (toolResults[1]?.images ?? 0), 1);
  assert.equal(texts.at(-1), "Go on.");
  await assertBilled(door, got);
}

async function assertUsage(door: DoorCase, stream: boolean): Promise<void> {
  const counts = usage({
    input_tokens: 37,
    output_tokens: 411,
    cache_read_input_tokens: 9701,
    cache_creation_input_tokens: 150,
    cache_creation: { ephemeral_5m_input_tokens: 77, ephemeral_1h_input_tokens: 73 },
    output_tokens_details: { thinking_tokens: 300 },
  });
  const cached = {
    type: "text",
    text: "Be brief. ".repeat(900),
    cache_control: { type: "ephemeral", ttl: "1h" },
  };
  const got = await ask(door, { stream, system: [cached] }, { ...text(WORDS), usage: counts });
  assert.equal(messageIn(got).usage["output_tokens"], 411);
  const row = await desk.rowOf(got);
  assert.deepEqual(row.usage, usageSeen(door.format, counts));
  await assertBilled(door, got);
}

/** What a door can tell of the classes: one kind of writes, no writes, no thinking. */
function usageSeen(format: DialectFormat, counts: WireUsage): Record<string, number> {
  const written = counts.cache_creation_input_tokens ?? 0;
  const long = counts.cache_creation?.ephemeral_1h_input_tokens ?? 0;
  const isOpenai = format === "openai-chat" || format === "openai-responses";
  const isGemini = format === "gemini";
  const longSeen = isOpenai || isGemini ? 0 : long;
  return {
    input_tokens: counts.input_tokens + (isGemini ? written : 0),
    output_tokens: counts.output_tokens,
    thinking_tokens: format === "bedrock-converse" ? 0 : 300,
    cache_read_input_tokens: counts.cache_read_input_tokens ?? 0,
    cache_write_5m_input_tokens: isGemini ? 0 : written - longSeen,
    cache_write_1h_input_tokens: longSeen,
    web_search_requests: 0,
  };
}

async function assertThinking(door: DoorCase, stream: boolean): Promise<void> {
  const asks = { stream, tools: TOOLS, thinking: { type: "adaptive" } };
  const thought = withThinking(CALLS, "First the one file; then the other.");
  const first = messageIn(await ask(door, asks, thought));
  const thinking = first.content.filter(({ type }) => type === "thinking");
  assert.equal(
    thinking.map((block) => block.thinking).join(""),
    "First the one file; then the other.",
  );
  const results = first.content
    .filter(({ type }) => type === "tool_use")
    .map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: "fine" }));
  const messages = [
    ...QUESTION.messages,
    { role: "assistant", content: first.content },
    { role: "user", content: results },
  ];
  const got = await ask(door, { ...asks, messages }, text(WORDS));
  const { signatures, thinkingWanted } = lastRequest(door);
  assert.deepEqual(
    signatures,
    SIGNING.has(door.format) ? ["c2lnbmF0dXJlIG9mIHRoZSBzY3JpcHQ="] : [],
  );
  if (SIGNING.has(door.format)) assert.ok(thinkingWanted);
  else assert.match(String(got.headers["tollgate-dropped"]), /thinking/);
  await assertBilled(door, got);
}

async function assertChunked(door: DoorCase): Promise<void> {
  for (const chunks of [1, 7, "whole"] as const) {
    const answer = { ...withThinking(CALLS, "Hm — 😀."), delivery: { chunks } };
    const { content } = messageIn(await ask(door, { stream: true, tools: TOOLS }, answer));
    assert.deepEqual(
      content.map(({ type, name }) => name ?? type),
      ["thinking", "Read", "Read"],
      String(chunks),
    );
    assert.equal(content[0]?.thinking, "Hm — 😀.");
  }
}

async function assertMaxTokens(door: DoorCase): Promise<void> {
  for (const stream of [false, true]) {
    const answer = { ...text(WORDS, { output_tokens: 64 }), stopReason: "max_tokens" };
    const got = await ask(door, { stream, max_tokens: 64 }, answer);
    assert.equal(messageIn(got).stopReason, "max_tokens");
    await assertBilled(door, got);
  }
}

async function assertErrors(door: DoorCase): Promise<void> {
  const retry = { headers: { "retry-after": "7" } };
  for (const [status, type] of [
    [429, "rate_limit_error"],
    [400, "invalid_request_error"],
    [500, "api_error"],
  ] as const) {
    for (const stream of [false, true]) {
      const error = dialectError(door.format, status, {
        message: `the script says ${status}`,
        ...(status === 429 ? retry : {}),
      });
      const got = await desk.ask(door.id, { ...QUESTION, stream }, error);
      assert.equal(got.status, status, got.body.toString("utf8"));
      const envelope = got.json() as ErrorEnvelope;
      assert.deepEqual([envelope.type, envelope.error.type], ["error", type]);
      assert.match(envelope.error.message, new RegExp(`the script says ${status}`));
      if (status === 429) assert.equal(got.headers["retry-after"], "7");
      const row = await desk.rowOf(got);
      assert.deepEqual([row.outcome, row.status], ["upstream_error", status]);
      if (status < 500) assert.equal(row.cost_usd, "0");
    }
  }
}

async function assertCount(door: DoorCase): Promise<void> {
  const { max_tokens: _, ...body } = QUESTION;
  const upstream = desk.upstream(door.id);
  const billed = upstream.bill.lines.length;
  const got = await askGateway(desk.gateway, door.id, body, "/v1/messages/count_tokens");
  assert.equal(got.status, 200, got.body.toString("utf8"));
  assert.deepEqual(upstream.refused, []);
  assert.equal(upstream.bill.lines.length, billed, "a count is free");
  const { input_tokens: tokens } = got.json() as { input_tokens: number };
  const estimated = got.headers["tollgate-estimated"];
  if (COUNTING.has(door.id)) assert.deepEqual([tokens, estimated], [COUNTED_TOKENS, undefined]);
  else {
    assert.equal(estimated, "input_tokens");
    assert.ok(tokens >= 8 && tokens < 100, String(tokens));
  }
  const row = await desk.rowOf(got);
  assert.deepEqual([row.task_type, row.cost_usd, row.outcome], ["count", "0", "ok"]);
}

async function assertLoss(
  door: DoorCase,
  { field, asks }: { readonly field: string; readonly asks: object },
): Promise<void> {
  const got = await ask(door, asks, text(WORDS));
  messageIn(got);
  assert.ok(
    String(got.headers["tollgate-dropped"]).split(",").includes(field),
    JSON.stringify(got.headers),
  );
  const before = desk.upstream(door.id).requests.length;
  const refused = await desk.ask(`${door.id}-strict`, { ...QUESTION, ...asks });
  assert.equal(refused.status, 400, refused.body.toString("utf8"));
  const { error } = refused.json() as ErrorEnvelope;
  assert.equal(error.type, "invalid_request_error");
  assert.ok(error.message.includes(field), error.message);
  assert.equal(desk.upstream(door.id).requests.length, before);
}
