import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Reading } from "../answer.ts";
import { readCanonical } from "../canonical/read.ts";
import { createServerEventReader } from "../server-events.ts";
import { geminiAnswer } from "./answer.ts";
import { geminiRequest } from "./request.ts";

type Json = Record<string, unknown>;

interface Translated {
  readonly out: string;
  readonly isWhole: boolean;
  readonly reading: Reading;
}

function translate(body: string | readonly Buffer[], streamed = true): Translated {
  const context = { streamed, id: "msg_01", model: "shown", quirks: new Set<never>() };
  const translator = geminiAnswer(context);
  const pieces: (Buffer | null)[] = [];
  for (const chunk of typeof body === "string" ? [Buffer.from(body)] : body)
    pieces.push(translator.feed(chunk));
  pieces.push(translator.end());
  const out = Buffer.concat(pieces.filter((piece) => piece !== null)).toString();
  return { out, isWhole: translator.isWhole(), reading: translator.reading() };
}

/** As `streamGenerateContent?alt=sse` sends it. */
function sse(...responses: readonly unknown[]): string {
  return responses.map((response) => `data: ${JSON.stringify(response)}\r\n\r\n`).join("");
}

function chunk(parts: readonly unknown[], more: Json = {}, usage?: Json): Json {
  const candidate = { content: { role: "model", parts }, index: 0, ...more };
  return { candidates: [candidate], ...(usage === undefined ? {} : { usageMetadata: usage }) };
}

/** The message that a client builds of a stream's events. */
function messageOf(out: string): Json & { content: Json[] } {
  let message: Json = {};
  const content: Json[] = [];
  const inputs: string[] = [];
  const reader = createServerEventReader((_name, data) => {
    const event = JSON.parse(data) as Json;
    const index = event["index"] as number;
    const delta = event["delta"] as Json;
    if (event["type"] === "message_start") message = event["message"] as Json;
    if (event["type"] === "content_block_start") {
      assert.equal(index, content.length);
      content.push({ ...(event["content_block"] as Json) });
    }
    if (event["type"] === "message_delta")
      message = { ...message, ...delta, usage: event["usage"] };
    if (event["type"] !== "content_block_delta") return;
    const block = content[index]!;
    if (delta["type"] === "signature_delta") block["signature"] = delta["signature"];
    const [name, more] = Object.entries(delta).find(([key]) => key !== "type") as [string, string];
    if (name === "partial_json") inputs[index] = (inputs[index] ?? "") + more;
    else if (name !== "signature") block[name] = (block[name] as string) + more;
  });
  reader.feed(Buffer.from(out));
  reader.end();
  for (const [index, block] of content.entries())
    if (block["type"] === "tool_use") block["input"] = JSON.parse(inputs[index] ?? "{}");
  return { ...message, content };
}

const COUNTED = { promptTokenCount: 100, totalTokenCount: 100 };
const SIGNATURE = "CiQBjz1rX0ilumvPg6k0sMMU+/A=";

const TOOL_STREAM = sse(
  chunk([{ text: "Let me see.", thought: true }], {}, COUNTED),
  chunk([{ text: "I read " }], {}, COUNTED),
  chunk([{ text: "it – ü." }], {}, COUNTED),
  chunk(
    [
      {
        functionCall: { id: "call1", name: "Read", args: { path: "ä.ts", n: 1 } },
        thoughtSignature: SIGNATURE,
      },
      { functionCall: { name: "Bash", args: { command: "ls" } } },
    ],
    { finishReason: "STOP" },
    {
      promptTokenCount: 100,
      cachedContentTokenCount: 60,
      candidatesTokenCount: 20,
      thoughtsTokenCount: 7,
      totalTokenCount: 127,
    },
  ),
);

describe("a stream of the Gemini API's real wire format", () => {
  test("becomes blocks, a stop reason and usage", () => {
    const { out, isWhole, reading } = translate(TOOL_STREAM);
    const message = messageOf(out);
    assert.deepEqual(message.content, [
      { type: "thinking", thinking: "Let me see.", signature: "" },
      { type: "text", text: "I read it – ü." },
      { type: "thinking", thinking: "", signature: `tollgate-gemini:n=${SIGNATURE}` },
      { type: "tool_use", id: "call1", name: "Read", input: { path: "ä.ts", n: 1 } },
      { type: "tool_use", id: "toolu_01_1", name: "Bash", input: { command: "ls" } },
    ]);
    assert.equal(message["stop_reason"], "tool_use");
    assert.equal(message["id"], "msg_01");
    assert.equal(message["model"], "shown");
    assert.equal(isWhole, true);
    assert.equal(reading.final, true);
    assert.deepEqual(reading.billed?.usage, {
      input_tokens: 40,
      output_tokens: 27,
      thinking_tokens: 7,
      cache_read_input_tokens: 60,
      cache_write_5m_input_tokens: 0,
      cache_write_1h_input_tokens: 0,
      web_search_requests: 0,
    });
    const usage = message["usage"] as Json;
    assert.equal(usage["input_tokens"], 40);
    assert.equal(usage["output_tokens"], 27);
  });

  test("says nothing of the input before Vertex counts it", () => {
    const translator = geminiAnswer({
      streamed: true,
      id: "msg_1",
      model: "m",
      quirks: new Set(),
    });
    translator.feed(
      Buffer.from(sse({ ...chunk([{ text: "a" }]), usageMetadata: { trafficType: "ON_DEMAND" } })),
    );
    assert.equal(translator.reading().started, false);
    translator.feed(Buffer.from(sse(chunk([{ text: "b" }], {}, COUNTED))));
    assert.equal(translator.reading().started, true);
    assert.equal(translator.reading().final, false);
    assert.equal(translator.isWhole(), false);
  });

  test("gives the same output however it is cut", () => {
    const bytes = Buffer.from(TOOL_STREAM);
    const { out: whole } = translate(TOOL_STREAM);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 40 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const pieces = at.slice(1).map((end, i) => bytes.subarray(at[i], end));
        assert.equal(translate(pieces).out, whole);
      }),
    );
    const single = [...bytes].map((byte) => Buffer.from([byte]));
    assert.equal(translate(single).out, whole);
  });

  test("is not whole without a finishReason, and has no closing events", () => {
    const { out, isWhole, reading } = translate(sse(chunk([{ text: "half" }], {}, COUNTED)));
    assert.equal(isWhole, false);
    assert.equal(reading.final, false);
    assert.equal(reading.error, null);
    assert.equal(out.includes("message_stop"), false);
  });

  test("figures that came before the end are not its last word", () => {
    const { isWhole, reading } = translate(
      sse(chunk([{ text: "a" }], {}, COUNTED), chunk([], { finishReason: "STOP" })),
    );
    assert.equal(isWhole, true);
    assert.equal(reading.started, true);
    assert.equal(reading.final, false);
  });

  test("an answer that costs nothing is not believed", () => {
    const { reading } = translate(sse(chunk([{ text: "a" }], { finishReason: "STOP" }, COUNTED)));
    assert.equal(reading.final, true);
    assert.equal(reading.billed, null);
  });

  test("an event without end is given up in time", () => {
    const piece = Buffer.alloc(8 * 1024 * 1024, "a");
    for (const streamed of [true, false]) {
      const start = Buffer.from("data: ");
      const { isWhole, reading } = translate([start, piece, piece, piece, piece, piece], streamed);
      assert.equal(isWhole, false);
      assert.match(reading.error?.message ?? "", /too large/);
    }
  });

  test("ids that repeat or cannot be ids are made anew", () => {
    const call = (id: string) => ({ functionCall: { id, name: "a", args: {} } });
    const { out } = translate(
      sse(chunk([call("x"), call("x"), call("a b")], { finishReason: "STOP" })),
    );
    const ids = messageOf(out).content.map(({ id }) => id);
    assert.deepEqual(ids, ["x", "toolu_01_1", "toolu_01_2"]);
  });
});

describe("how an answer ends", () => {
  const cases: readonly (readonly [string, readonly unknown[], string | null])[] = [
    ["STOP", [{ text: "a" }], "end_turn"],
    ["STOP", [], "end_turn"],
    ["MAX_TOKENS", [{ text: "a" }], "max_tokens"],
    ["SAFETY", [], "refusal"],
    ["RECITATION", [{ text: "a" }], "refusal"],
    ["PROHIBITED_CONTENT", [], "refusal"],
    ["MALFORMED_FUNCTION_CALL", [], null],
    ["MALFORMED_FUNCTION_CALL", [{ text: "a" }], null],
    ["OTHER", [], null],
    ["OTHER", [{ text: "a" }], "end_turn"],
    ["FUNCTION_CALL", [{ functionCall: { name: "a" } }], "tool_use"],
  ];
  for (const [finishReason, parts, stopReason] of cases)
    test(`${finishReason} after ${parts.length} parts: ${stopReason ?? "an error"}`, () => {
      const usage = { promptTokenCount: 5, candidatesTokenCount: 3, totalTokenCount: 8 };
      for (const streamed of [true, false]) {
        const response = chunk(parts, { finishReason }, usage);
        const body = streamed ? sse(response) : JSON.stringify(response);
        const { out, isWhole, reading } = translate(body, streamed);
        assert.equal(reading.stopReason, stopReason);
        assert.equal(isWhole, stopReason !== null);
        assert.equal(reading.error?.type, stopReason === null ? "api_error" : undefined);
        assert.equal(reading.final, true);
        assert.equal(reading.billed?.usage.output_tokens, 3);
        if (!streamed) assert.equal(out === "", stopReason === null);
        else assert.equal(out.includes("event: error"), stopReason === null);
      }
    });

  test("a blocked prompt is a refusal that is billed", () => {
    const blocked = {
      promptFeedback: { blockReason: "PROHIBITED_CONTENT" },
      usageMetadata: { promptTokenCount: 12, totalTokenCount: 12 },
    };
    const { isWhole, reading } = translate(sse(blocked));
    assert.equal(isWhole, true);
    assert.equal(reading.stopReason, "refusal");
    assert.equal(reading.refusedBeforeOutput, false);
    assert.equal(reading.final, true);
    assert.equal(reading.billed?.usage.input_tokens, 12);
  });
});

describe("an answer in one piece", () => {
  test("becomes one message", () => {
    const response = chunk(
      [
        { text: "hm", thought: true },
        { text: "yes", thoughtSignature: SIGNATURE },
      ],
      { finishReason: "STOP" },
      { promptTokenCount: 4, candidatesTokenCount: 1, thoughtsTokenCount: 2, totalTokenCount: 7 },
    );
    const { out, isWhole } = translate(JSON.stringify(response, null, 2), false);
    const message = JSON.parse(out) as Json;
    assert.equal(isWhole, true);
    assert.deepEqual(message["content"], [
      { type: "thinking", thinking: "hm", signature: `tollgate-gemini:n=${SIGNATURE}` },
      { type: "text", text: "yes" },
    ]);
    assert.equal(message["stop_reason"], "end_turn");
  });

  test("that is none gives nothing", () => {
    for (const body of [
      "",
      "<html>",
      "[]",
      "null",
      "{",
      '{"candidates":[{"content":{"parts":[1]}}]}',
    ]) {
      const { out, isWhole, reading } = translate(body, false);
      assert.equal(out, "");
      assert.equal(isWhole, false);
      assert.equal(reading.error?.type, "api_error");
      assert.equal(reading.isAnswer, false);
    }
  });
});

describe("errors inside a 200", () => {
  const error = { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" };
  for (const [name, body] of [
    ["an event", sse({ error })],
    ["an event with a list", sse([{ error }])],
    ["after content", sse(chunk([{ text: "a" }], {}, COUNTED), { error })],
  ] as const)
    test(name, () => {
      const { out, isWhole, reading } = translate(body);
      assert.deepEqual(reading.error, {
        type: "overloaded_error",
        message: "The model is overloaded.",
      });
      assert.equal(isWhole, false);
      assert.match(out, /event: error\ndata: {"type":"error"/);
      assert.equal(out.includes("message_stop"), false);
    });

  test("malformed data", () => {
    const { isWhole, reading } = translate(`${sse(chunk([{ text: "a" }]))}data: {"cand\n\n`);
    assert.equal(reading.error?.type, "api_error");
    assert.equal(isWhole, false);
  });
});

describe("thought signatures through the client", () => {
  /** The parts that Gemini gets back when a client sends its answer again as it is. */
  function resent(out: string): Json[] {
    const { content } = messageOf(out);
    const results = content
      .filter(({ type }) => type === "tool_use")
      .map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: "ok" }));
    const messages = [
      { role: "user", content: "go" },
      { role: "assistant", content },
      ...(results.length > 0 ? [{ role: "user", content: results }] : []),
    ];
    const canonical = readCanonical({ model: "m", messages });
    assert.ok(!("field" in canonical));
    const body = geminiRequest(canonical, {
      model: "gemini-3.1-pro-preview",
      maxTokens: 100,
      quirks: new Set(),
      onUnsupported: "refuse",
    });
    assert.ok("json" in body);
    return (body.json["contents"] as { parts: Json[] }[])[1]!.parts;
  }

  const call = (id: string, more: Json = {}) => ({
    functionCall: { id, name: "a", args: {} },
    ...more,
  });
  const text = (said: string, more: Json = {}) => ({ text: said, ...more });
  const signed = (thoughtSignature: string) => ({ thoughtSignature });
  const cases: readonly (readonly [string, readonly (readonly unknown[])[], readonly unknown[]])[] =
    [
      ["on a call", [[call("x", signed("AA=="))]], [call("x", signed("AA=="))]],
      [
        "on the first of parallel calls, after thoughts and a text",
        [[text("t", { thought: true })], [text("so")], [call("x", signed("AA==")), call("y")]],
        [text("t", { thought: true }), text("so"), call("x", signed("AA==")), call("y")],
      ],
      [
        "on calls each",
        [[call("x", signed("AA==")), call("y", signed("BB=="))]],
        [call("x", signed("AA==")), call("y", signed("BB=="))],
      ],
      [
        "on a thought and on a call",
        [[text("t", { thought: true, ...signed("TT==") })], [call("x", signed("AA=="))]],
        [text("t", { thought: true, ...signed("TT==") }), call("x", signed("AA=="))],
      ],
      [
        "on a text's last chunk, before a call",
        [[text("so ")], [text("it is")], [text("", signed("PP=="))], [call("x", signed("AA=="))]],
        [text("so it is", signed("PP==")), call("x", signed("AA=="))],
      ],
      [
        "on a text that comes at once",
        [[text("so", signed("NN=="))]],
        [text("so", signed("NN=="))],
      ],
      [
        "on a last text in pieces it is given up",
        [[text("so ")], [text("it is", signed("PP=="))]],
        [text("so it is")],
      ],
    ];
  for (const [name, chunks, parts] of cases)
    test(name, () => {
      const all = chunks.map((parts, i) =>
        chunk(parts, i === chunks.length - 1 ? { finishReason: "STOP" } : {}, COUNTED),
      );
      assert.deepEqual(resent(translate(sse(...all)).out), parts);
    });
});

describe("hostile bodies", () => {
  test("never throw, and are whole only with an end", () => {
    const key = fc.constantFrom(
      ..."candidates content parts text functionCall name args id thoughtSignature thought".split(
        " ",
      ),
      ..."finishReason usageMetadata promptTokenCount promptFeedback blockReason error".split(" "),
    );
    const value = fc.letrec<{ any: unknown }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 6 },
        fc.constantFrom<unknown>("STOP", "", 1, -1, 1.5, 1e13, null, true),
        fc.dictionary(key, tie("any"), { maxKeys: 4 }),
        fc.array(tie("any"), { maxLength: 2 }),
      ),
    })).any;
    const line = fc.oneof(
      value.map((data) => `data: ${JSON.stringify(data)}\n\n`),
      fc.string().map((data) => `data: ${data}\n\n`),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), fc.boolean(), (lines, streamed) => {
        const { isWhole, reading } = translate(lines.join(""), streamed);
        assert.equal(isWhole, reading.stopReason !== null);
        if (reading.error !== null) assert.equal(isWhole, false);
      }),
    );
  });
});
