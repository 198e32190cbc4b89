/** The judge must be right itself: the bill against published figures, the wire against the SDK. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { lineNano, nanoOf, usdText, type BillLine, type WireUsage } from "./bill.ts";
import { apiError, inTurn, text, toolCalls, usage, withThinking, type Fault } from "./scripts.ts";
import { startUpstream, type Upstream } from "./upstream.ts";
import { until } from "./gateway.ts";

const PARAMS: Anthropic.MessageCreateParamsNonStreaming = {
  model: "claude-opus-5-5",
  max_tokens: 100,
  messages: [{ role: "user", content: "Hi" }],
};

function charge(model: string, counts: Partial<WireUsage>): string {
  const line: BillLine = {
    requestId: "req",
    model,
    bodySha256: "",
    session: null,
    usage: usage(counts),
    state: "complete",
  };
  return usdText(lineNano(line, Date.UTC(2026, 10, 23)));
}

describe("the bill", () => {
  const rows: readonly (readonly [string, Partial<WireUsage>, string])[] = [
    ["claude-opus-5-5", { input_tokens: 1000, output_tokens: 25 }, "0.0045"],
    ["claude-haiku-5-5", { input_tokens: 1000, output_tokens: 25 }, "0.0001125"],
    ["claude-haiku-5-5", { cache_read_input_tokens: 100_000 }, "0.001"],
    ["claude-haiku-5-5", { cache_read_input_tokens: 100_001 }, "0.00500005"],
    [
      "claude-opus-5-5",
      { input_tokens: 1600, output_tokens: 4000, cache_read_input_tokens: 960_000 },
      "0.2784",
    ],
    [
      "claude-sonnet-5-5-20260801",
      { cache_creation_input_tokens: 13_950, cache_read_input_tokens: 89_550, output_tokens: 2500 },
      "0.06883",
    ],
    ["claude-opus-5-5", { input_tokens: 1, speed: "fast" }, "0.000008"],
    // 1 × 10,000 × 11/10 = 11,000 pico = 11 nano; 3 reads at haiku: 33,000 pico.
    ["claude-haiku-5-5", { cache_read_input_tokens: 1, inference_geo: "us" }, "0.000000011"],
    // 137,500 pico: half a nano rounds up.
    [
      "claude-haiku-5-5[1m]",
      { cache_creation_input_tokens: 1, inference_geo: "us" },
      "0.000000138",
    ],
    [
      "claude-opus-4-8",
      { server_tool_use: { web_search_requests: 3, web_fetch_requests: 0 } },
      "0.03",
    ],
    [
      "claude-opus-5-5",
      {
        input_tokens: 999_999,
        iterations: [
          { type: "message", input_tokens: 10, output_tokens: 1 },
          { type: "advisor_message", model: "claude-fable-5-2", input_tokens: 1, output_tokens: 1 },
        ],
      },
      "0.000108",
    ],
  ];
  for (const [model, counts, usd] of rows) {
    test(`${model} ${JSON.stringify(counts)} costs ${usd}`, () => {
      assert.equal(charge(model, counts), usd);
      assert.equal(usdText(nanoOf(usd)), usd);
    });
  }
});

describe("the scripted upstream", () => {
  let upstream: Upstream;
  let client: Anthropic;
  before(async () => {
    upstream = await startUpstream(() => text("unset"));
    client = new Anthropic({ apiKey: "any", baseURL: upstream.url, maxRetries: 0 });
  });
  after(() => upstream.stop());

  for (const chunks of ["event", "whole", 1, 7] as const) {
    test(`streams the same message as it sends whole, chunks: ${chunks}`, async () => {
      const calls = toolCalls([["toolu_1", "Bash", { command: "echo 'zwölf ⚙️'" }]], {
        output_tokens: 77,
      });
      const delivery = { chunks, pingEvery: 2, lineEnd: "\r\n" } as const;
      upstream.answerWith(() => ({ ...withThinking(calls, "Twelve. Zwölf."), delivery }));
      const before = upstream.bill.totalNano;
      const whole = await client.messages.create(PARAMS);
      const streamed = await client.messages.stream(PARAMS).finalMessage();
      assert.deepEqual(streamed.content, whole.content);
      assert.equal(streamed.usage.output_tokens, 77);
      assert.equal(upstream.bill.totalNano - before, 2n * (10n * 4000n + 77n * 20_000n));
    });
  }

  test("answers from a list, errors included, and charges nothing for them", async () => {
    upstream.answerWith(inTurn(apiError(529, "overloaded_error", "Overloaded"), text("now")));
    const before = upstream.bill.lines.length;
    await assert.rejects(client.messages.create(PARAMS), { status: 529 });
    assert.equal(upstream.bill.lines.length, before);
    await client.messages.create(PARAMS);
    assert.equal(upstream.bill.lines.at(-1)?.state, "complete");
  });

  const faults: readonly Fault[] = [
    { kind: "reset_before_head" },
    { kind: "reset", afterEvents: 4 },
    { kind: "half_frame", afterEvents: 4 },
    { kind: "early_end", afterEvents: 4 },
    { kind: "error_event", afterEvents: 4, type: "overloaded_error" },
  ];
  for (const fault of faults) {
    test(`${fault.kind} breaks the stream and charges what was generated`, async () => {
      upstream.answerWith(() => ({ ...text("x".repeat(240), { output_tokens: 100 }), fault }));
      await assert.rejects(client.messages.stream(PARAMS).finalMessage());
      const generated = fault.kind === "reset_before_head" ? 0 : 20;
      const line = upstream.bill.lines.at(-1);
      await until("the line is closed", () => line?.state === "cut");
      assert.deepEqual([line?.usage.input_tokens, line?.usage.output_tokens], [10, generated]);
    });
  }

  test("a client that hangs up is charged for what was generated until then", async () => {
    const delivery = { eventDelayMs: 20 };
    upstream.answerWith(() => ({ ...text("x".repeat(2400), { output_tokens: 100 }), delivery }));
    const stream = client.messages.stream(PARAMS);
    stream.on("streamEvent", (event) => {
      if (event.type === "content_block_delta") stream.abort();
    });
    await assert.rejects(stream.finalMessage(), { name: "APIUserAbortError" });
    await until("the line is cut", () => upstream.bill.lines.at(-1)?.state === "cut");
    const generated = upstream.bill.lines.at(-1)?.usage.output_tokens ?? 0;
    assert.ok(generated > 0 && generated < 50, `${generated} tokens`);
  });
});
