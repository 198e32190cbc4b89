import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Reading } from "../answer.ts";
import type { Quirk } from "../egress.ts";
import { createServerEventReader } from "../server-events.ts";
import { openaiChat } from "./egress.ts";

type Json = Readonly<Record<string, unknown>>;

const chunk = (delta: Json, more: Json = {}) =>
  JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: null, ...more }],
  });
const finish = (reason: string, more: Json = {}) => chunk({}, { finish_reason: reason, ...more });
const usage = (figures: Json) => JSON.stringify({ id: "chatcmpl-1", choices: [], usage: figures });
const call = (index: number, json: string, more: Json = {}) =>
  chunk({ tool_calls: [{ index, ...more, function: { arguments: json } }] });
const named = (index: number, id: string, name: string, json = "") =>
  chunk({ tool_calls: [{ index, id, type: "function", function: { name, arguments: json } }] });
const sse = (...data: readonly string[]) => data.map((line) => `data: ${line}\n\n`).join("");
const FIGURES = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };

interface Told {
  readonly events: readonly Json[];
  readonly content: readonly Json[];
  readonly stop: unknown;
  readonly usage: unknown;
  readonly bytes: string;
  readonly whole: boolean;
  readonly reading: Reading;
}

/** Feeds an answer in pieces of the given lengths, the last one for all the rest. */
function told(
  body: string,
  quirks: readonly Quirk[] = [],
  of: { readonly cuts?: readonly number[]; readonly streamed?: boolean } = {},
): Told {
  const { cuts = [], streamed = true } = of;
  const set = new Set(quirks);
  const translator = openaiChat.answer({ streamed, id: "msg_1", model: "claude", quirks: set });
  const bytes = Buffer.from(body);
  const out: Buffer[] = [];
  let from = 0;
  for (const length of [...cuts, bytes.length]) {
    const piece = translator.feed(bytes.subarray(from, from + length));
    from += length;
    if (piece !== null) out.push(piece);
  }
  const last = translator.end();
  if (last !== null) out.push(last);
  const text = Buffer.concat(out).toString();
  const state = { whole: translator.isWhole(), reading: translator.reading() };
  return { ...(streamed ? readStream(text) : readMessage(text)), ...state, bytes: text };
}

function readMessage(text: string) {
  const message = text === "" ? {} : (JSON.parse(text) as Json);
  const content = (message["content"] ?? []) as readonly Json[];
  return { events: [], content, stop: message["stop_reason"], usage: message["usage"] };
}

/** Reads events as a strict client: one open block at a time, in the order of indexes. */
function readStream(text: string) {
  const events: Json[] = [];
  const reader = createServerEventReader((name, data) => {
    const event = JSON.parse(data) as Json;
    assert.equal(event["type"], name);
    events.push(event);
  });
  reader.feed(Buffer.from(text));
  reader.end();
  const content: Record<string, unknown>[] = [];
  let open: number | null = null;
  let stop: unknown = null;
  let total: unknown = null;
  for (const event of events) {
    const index = event["index"] as number;
    if (event["type"] === "content_block_start") {
      assert.equal(open, null, "two blocks are open");
      assert.equal(index, content.length);
      open = index;
      content.push({ ...(event["content_block"] as Json), ...(isCall(event) ? { json: "" } : {}) });
    } else if (event["type"] === "content_block_delta") {
      assert.equal(index, open);
      append(content[index] ?? {}, event["delta"] as Json);
    } else if (event["type"] === "content_block_stop") {
      assert.equal(index, open);
      open = null;
    } else if (event["type"] === "message_delta") {
      stop = (event["delta"] as Json)["stop_reason"];
      total = event["usage"];
    }
  }
  for (const block of content) {
    if (typeof block["json"] !== "string") continue;
    block["input"] = JSON.parse(block["json"]);
    delete block["json"];
  }
  return { events, content, stop, usage: total };
}

function isCall(event: Json): boolean {
  return (event["content_block"] as Json)["type"] === "tool_use";
}

function append(block: Record<string, unknown>, delta: Json): void {
  const pairs = { text: "text", thinking: "thinking", partial_json: "json" } as const;
  for (const [from, to] of Object.entries(pairs))
    if (typeof delta[from] === "string") block[to] = `${block[to] as string}${delta[from]}`;
}

const text = (value: string) => ({ type: "text", text: value });
const thinking = (value: string) => ({ type: "thinking", thinking: value, signature: "" });
const toolUse = (id: string, name: string, input: Json) => ({ type: "tool_use", id, name, input });

interface Transcript {
  readonly name: string;
  readonly body: string;
  readonly quirks?: readonly Quirk[];
  readonly content: readonly Json[];
  readonly stop: string;
  /** input, cache read, cache written, output, thinking; null: unknown. */
  readonly tokens: readonly number[] | null;
}

const TRANSCRIPTS: readonly Transcript[] = [
  {
    name: "OpenAI: text, usage on a chunk of its own",
    body: sse(
      chunk({ role: "assistant", content: "", refusal: null }),
      chunk({ content: "Hel" }),
      chunk({ content: "lo é" }),
      finish("stop"),
      usage({
        ...FIGURES,
        prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 10, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 5 },
      }),
      "[DONE]",
    ),
    content: [text("Hello é")],
    stop: "end_turn",
    tokens: [30, 60, 10, 20, 5],
  },
  {
    name: "OpenAI: parallel calls",
    body: sse(
      named(0, "call_a", "read"),
      call(0, '{"path":'),
      call(0, '"a"}'),
      named(1, "call_b", "list"),
      call(1, "{}"),
      finish("tool_calls"),
      usage(FIGURES),
      "[DONE]",
    ),
    content: [toolUse("call_a", "read", { path: "a" }), toolUse("call_b", "list", {})],
    stop: "tool_use",
    tokens: [100, 0, 0, 20, 0],
  },
  {
    name: "Azure: filter results first, usage null until the end",
    body: sse(
      JSON.stringify({ choices: [], prompt_filter_results: [{}], usage: null }),
      chunk({ content: "hi" }),
      finish("stop"),
      usage(FIGURES),
      "[DONE]",
    ),
    content: [text("hi")],
    stop: "end_turn",
    tokens: [100, 0, 0, 20, 0],
  },
  {
    name: "DeepSeek: reasoning, usage with hits on the last chunk",
    quirks: ["reasoning-content", "cache-hit-tokens"],
    body: sse(
      chunk({ role: "assistant", content: null, reasoning_content: "" }),
      chunk({ content: null, reasoning_content: "hm" }),
      chunk({ content: "so", reasoning_content: null }),
      JSON.stringify({
        choices: [{ index: 0, delta: { content: "" }, finish_reason: "stop" }],
        usage: { ...FIGURES, prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 36 },
      }),
      "[DONE]",
    ),
    content: [thinking("hm"), text("so")],
    stop: "end_turn",
    tokens: [36, 64, 0, 20, 0],
  },
  {
    name: "Groq: reasoning field, usage under x_groq alone, whole calls",
    quirks: ["reasoning-field", "usage-in-x-groq"],
    body: sse(
      JSON.stringify({
        x_groq: { id: "req_1" },
        choices: [{ index: 0, delta: { role: "assistant" } }],
      }),
      chunk({ reasoning: "hm", channel: "analysis" }),
      named(0, "fc_1", "read", "{}"),
      JSON.stringify({
        choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }],
        x_groq: { usage: { ...FIGURES, queue_time: 0.1 } },
      }),
      "[DONE]",
    ),
    content: [thinking("hm"), toolUse("fc_1", "read", {})],
    stop: "tool_use",
    tokens: [100, 0, 0, 20, 0],
  },
  {
    name: "Mistral: content as a list, calls whole, its own word for the limit",
    body: sse(
      chunk({ content: [{ type: "thinking", thinking: [{ type: "text", text: "hm" }] }] }),
      chunk({ content: [{ type: "text", text: "so" }] }),
      JSON.stringify({
        choices: [{ index: 0, delta: { content: "" }, finish_reason: "model_length" }],
        usage: FIGURES,
      }),
      "[DONE]",
    ),
    content: [thinking("hm"), text("so")],
    stop: "max_tokens",
    tokens: [100, 0, 0, 20, 0],
  },
  {
    name: "xAI: reasoning tokens beside the completion, running usage",
    quirks: ["reasoning-beside-completion"],
    body: sse(
      JSON.stringify({
        choices: [{ index: 0, delta: { content: "a" } }],
        usage: { prompt_tokens: 100, completion_tokens: 1, total_tokens: 101 },
      }),
      finish("stop"),
      usage({ ...FIGURES, total_tokens: 150, completion_tokens_details: { reasoning_tokens: 30 } }),
      "[DONE]",
    ),
    content: [text("a")],
    stop: "end_turn",
    tokens: [100, 0, 0, 50, 30],
  },
  {
    name: "OpenRouter: comments, reasoning twice, CRLF",
    quirks: ["reasoning-field"],
    body: `: OPENROUTER PROCESSING\n\n${sse(
      chunk({ reasoning: "hm", reasoning_content: "hm", reasoning_details: [{ text: "hm" }] }),
      chunk({ content: "so" }),
      finish("stop", { native_finish_reason: "completed" }),
      usage({
        ...FIGURES,
        cost: 0.95,
        prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 100 },
      }),
      "[DONE]",
    )}`.replaceAll("\n", "\r\n"),
    content: [thinking("hm"), text("so")],
    stop: "end_turn",
    tokens: [0, 0, 100, 20, 0],
  },
  {
    name: "Moonshot: usage in the choice, ids with dots, no [DONE]",
    body: sse(
      named(0, "functions.read:0", "read", '{"a":1}'),
      finish("tool_calls", { usage: { ...FIGURES, cached_tokens: 40 } }),
    ),
    content: [toolUse("functions_read_0", "read", { a: 1 })],
    stop: "tool_use",
    tokens: [60, 40, 0, 20, 0],
  },
  {
    name: "vLLM: no usage, the sequence that was met, usage chunk without choices",
    body: sse(
      chunk({ content: "a" }),
      finish("stop", { stop_reason: "END" }),
      JSON.stringify({ choices: null, usage: FIGURES }),
      "[DONE]",
    ),
    content: [text("a")],
    stop: "stop_sequence",
    tokens: [100, 0, 0, 20, 0],
  },
  {
    name: "interleaved pieces of two calls",
    body: sse(
      named(0, "a", "one", '{"x"'),
      named(1, "b", "two", '{"y"'),
      call(0, ":1"),
      call(1, ":2}"),
      call(0, "}"),
      finish("tool_calls"),
    ),
    content: [toolUse("a", "one", { x: 1 }), toolUse("b", "two", { y: 2 })],
    stop: "tool_use",
    tokens: null,
  },
  {
    name: "a call whose id comes late and whose name comes in parts",
    body: sse(
      chunk({ tool_calls: [{ index: 0, function: { name: "re" } }] }),
      chunk({ tool_calls: [{ index: 0, function: { name: "ad", arguments: "{" } }] }),
      call(0, '"p":1', { id: "late" }),
      call(0, "}"),
      finish("stop"),
    ),
    content: [toolUse("late", "read", { p: 1 })],
    stop: "tool_use",
    tokens: null,
  },
  {
    name: "ids and names repeated in every piece",
    body: sse(
      named(0, "a", "one", "{"),
      named(0, "a", "one", "}"),
      named(0, "a", "one"),
      finish("tool_calls"),
    ),
    content: [toolUse("a", "one", {})],
    stop: "tool_use",
    tokens: null,
  },
  {
    name: "several calls under one index, and without any",
    body: sse(
      named(0, "a", "one", "{}"),
      named(0, "b", "two", "{}"),
      chunk({ tool_calls: [{ id: "c", function: { name: "three", arguments: { deep: 1 } } }] }),
      chunk({ tool_calls: [{ function: { name: "four", arguments: "{}" } }] }),
      finish("tool_calls"),
    ),
    content: [
      toolUse("a", "one", {}),
      toolUse("b", "two", {}),
      toolUse("c", "three", { deep: 1 }),
      toolUse("call_msg_1_3", "four", {}),
    ],
    stop: "tool_use",
    tokens: null,
  },
  {
    name: "the same id twice, no name, text after a call",
    body: sse(
      named(0, "a", "one", "{}"),
      named(1, "a", "two", "{}"),
      chunk({ content: "and" }),
      call(2, "{}", { id: "x" }),
      finish("tool_calls"),
    ),
    content: [
      toolUse("a", "one", {}),
      toolUse("call_msg_1_1", "two", {}),
      text("and"),
      toolUse("x", "unnamed_tool", {}),
    ],
    stop: "tool_use",
    tokens: null,
  },
  {
    name: "the deprecated function_call",
    body: sse(
      chunk({ function_call: { name: "read", arguments: "" } }),
      chunk({ function_call: { arguments: "{}" } }),
      finish("function_call"),
    ),
    content: [toolUse("call_msg_1_0", "read", {})],
    stop: "tool_use",
    tokens: null,
  },
  {
    name: "a refusal in its own field",
    body: sse(chunk({ refusal: "I " }), chunk({ refusal: "won't" }), finish("stop"), "[DONE]"),
    content: [text("I won't")],
    stop: "refusal",
    tokens: null,
  },
  {
    name: "a content filter",
    body: sse(chunk({ content: "a" }), finish("content_filter"), "[DONE]"),
    content: [text("a")],
    stop: "refusal",
    tokens: null,
  },
  {
    name: "several choices nobody asked for",
    body: sse(
      chunk({ content: "a" }),
      chunk({ content: "b" }, { index: 1 }),
      finish("length"),
      finish("stop", { index: 1 }),
      usage(FIGURES),
      "[DONE]",
    ),
    content: [text("a")],
    stop: "max_tokens",
    tokens: [100, 0, 0, 20, 0],
  },
  {
    name: "nothing said",
    body: sse(chunk({ role: "assistant" }), finish("stop"), usage(FIGURES), "[DONE]"),
    content: [],
    stop: "end_turn",
    tokens: [100, 0, 0, 20, 0],
  },
];

function tokensOf({ billed }: Reading): readonly number[] | null {
  if (billed === null) return null;
  const { usage: u } = billed;
  return [
    u.input_tokens,
    u.cache_read_input_tokens,
    u.cache_write_5m_input_tokens,
    u.output_tokens,
    u.thinking_tokens,
  ];
}

describe("transcripts of streams", () => {
  for (const { name, body, quirks = [], content, stop, tokens } of TRANSCRIPTS)
    it(name, () => {
      const answer = told(body, quirks);
      assert.deepEqual(answer.content, content);
      assert.equal(answer.stop, stop);
      assert.equal(answer.whole, true);
      assert.deepEqual(tokensOf(answer.reading), tokens);
      assert.equal(answer.reading.final, tokens !== null);
      assert.equal(answer.reading.started, tokens !== null);
      assert.equal(answer.reading.stopReason, stop);
      assert.equal(answer.reading.refusedBeforeOutput, false);
      assert.equal(answer.events[0]?.["type"], "message_start");
      assert.equal(answer.events.at(-1)?.["type"], "message_stop");
    });

  it("give the same wherever they are cut", () => {
    const transcript = fc.constantFrom(...TRANSCRIPTS);
    const cuts = fc.array(fc.nat({ max: 90 }), { maxLength: 60 });
    fc.assert(
      fc.property(transcript, cuts, ({ body, quirks = [] }, lengths) => {
        const once = told(body, quirks);
        const cut = told(body, quirks, { cuts: lengths });
        assert.equal(cut.bytes, once.bytes);
        assert.deepEqual(cut.reading, once.reading);
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  it("give one byte after the other the same", () => {
    for (const { body, quirks = [] } of TRANSCRIPTS) {
      const cuts = Array.from({ length: Buffer.byteLength(body) }, () => 1);
      assert.equal(told(body, quirks, { cuts }).bytes, told(body, quirks).bytes);
    }
  });

  it("tell whole clients the same content", () => {
    for (const { body, quirks = [], content, stop } of TRANSCRIPTS) {
      const answer = told(body, quirks, { streamed: false });
      assert.deepEqual(answer.content, content);
      assert.equal(answer.stop, stop);
      assert.equal(answer.reading.contentBytes, Buffer.byteLength(body));
    }
  });
});

describe("a live stream", () => {
  it("passes each piece on at once, and waits with the end for usage", () => {
    const quirks = new Set<Quirk>();
    const translator = openaiChat.answer({ streamed: true, id: "msg_1", model: "c", quirks });
    const feed = (line: string) => translator.feed(Buffer.from(sse(line)))?.toString() ?? "";
    assert.equal(feed(chunk({ role: "assistant", content: "" })), "");
    assert.match(feed(chunk({ content: "now" })), /message_start[^]*"now"/);
    assert.equal(feed(named(0, "a", "one")), "");
    assert.match(feed(call(0, '{"x":')), /content_block_stop[^]*"name":"one"[^]*partial_json/);
    assert.match(feed(call(0, "1}")), /partial_json/);
    assert.match(feed(named(1, "b", "two", "{")), /content_block_stop[^]*"name":"two"/);
    assert.equal(feed(finish("tool_calls")), "");
    assert.equal(translator.reading().final, false);
    assert.equal(feed(usage(FIGURES)), "");
    assert.match(feed("[DONE]"), /"input_tokens":100[^]*message_stop/);
    assert.equal(translator.end(), null);
    assert.equal(translator.isWhole(), true);
  });

  it("counts as content at least what the client was shown", () => {
    const { reading } = told(sse(chunk({ content: "é" }), named(0, "a", "b", '{"c":1}')));
    assert.ok(reading.contentBytes >= 2 + 1 + 7, String(reading.contentBytes));
    assert.equal(reading.isAnswer, true);
  });
});

describe("answers that are not whole", () => {
  const errors: readonly [string, string, string][] = [
    [
      "OpenAI's error",
      JSON.stringify({ error: { message: "busy", code: "slow_down" } }),
      "overloaded_error",
    ],
    [
      "vLLM's error",
      JSON.stringify({ object: "error", message: "bad", code: 400 }),
      "invalid_request_error",
    ],
    [
      "OpenRouter's error",
      JSON.stringify({
        error: { code: 502, message: "Provider disconnected" },
        choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }],
      }),
      "api_error",
    ],
    [
      "an error in the choice",
      finish("error", { error: { code: 429, message: "x" } }),
      "rate_limit_error",
    ],
    ["DeepSeek's exhaustion", finish("insufficient_system_resource"), "overloaded_error"],
    ["malformed JSON", '{"choices":[', "api_error"],
    ["JSON that is no object", "[1]", "api_error"],
  ];
  for (const [name, line, type] of errors)
    it(`${name} is told, and ends what is told`, () => {
      const body = sse(
        chunk({ content: "a" }),
        line,
        chunk({ content: "b" }),
        finish("stop"),
        usage(FIGURES),
        "[DONE]",
      );
      const answer = told(body);
      assert.deepEqual(answer.content, [text("a")]);
      assert.equal(answer.reading.error?.type, type);
      assert.equal(answer.whole, false);
      assert.equal(answer.reading.final, false);
      assert.deepEqual(tokensOf(answer.reading), [100, 0, 0, 20, 0]);
      const last = answer.events.at(-1) ?? {};
      assert.deepEqual([last["type"], (last["error"] as Json)["type"]], ["error", type]);
      assert.equal(told(sse(line)).reading.contentBytes, 0);
    });

  it("a stream that is cut has no end", () => {
    for (const body of [
      sse(chunk({ content: "a" })),
      sse(chunk({ content: "a" }), usage(FIGURES)),
      sse(chunk({ content: "a" }), "[DONE]"),
      `${sse(chunk({ content: "a" }))}data: {"choices":[{"delta":`,
    ]) {
      const answer = told(body);
      assert.equal(answer.whole, false);
      assert.equal(answer.reading.final, false);
      assert.equal(answer.bytes.includes("message_stop"), false);
    }
  });

  it("a running usage that ends before the answer is not the last word", () => {
    const running = JSON.stringify({
      choices: [{ index: 0, delta: { content: "a" } }],
      usage: FIGURES,
    });
    const { reading, whole } = told(sse(running, finish("stop"), "[DONE]"));
    assert.deepEqual([whole, reading.started, reading.final], [true, true, false]);
  });

  it("usage that shrinks lowers no bill", () => {
    const less = { prompt_tokens: 3, completion_tokens: 2 };
    const { reading } = told(sse(finish("stop"), usage(FIGURES), usage(less), "[DONE]"));
    assert.deepEqual(tokensOf(reading), [100, 0, 0, 20, 0]);
  });

  it("an odd figure makes usage unknown for good", () => {
    const body = sse(
      finish("stop"),
      usage({ ...FIGURES, completion_tokens: -1 }),
      usage(FIGURES),
      "[DONE]",
    );
    const { reading, whole } = told(body);
    assert.deepEqual([reading.billed, reading.final, whole], [null, false, true]);
  });

  it("an event without end breaks the answer, not the gateway", () => {
    const translator = openaiChat.answer({
      streamed: true,
      id: "m",
      model: "c",
      quirks: new Set(),
    });
    const piece = Buffer.alloc(12 * 1024 * 1024, "a");
    translator.feed(Buffer.from("data: "));
    for (let fed = 0; fed < 3; fed += 1) translator.feed(piece);
    translator.end();
    assert.equal(translator.isWhole(), false);
    assert.equal(translator.reading().error?.type, "api_error");
  });
});
