/** The scripted upstreams themselves: what the real APIs refuse, they refuse, and their bills are in step. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UPSTREAM_KEY } from "../gateway-config.ts";
import { text, usage } from "../scripts.ts";
import { dialectNano } from "./bill.ts";
import type { DialectFormat } from "./dialect.ts";
import { DIALECTS } from "./formats.ts";
import { startDialectUpstream } from "./upstream.ts";

const FORMATS = Object.keys(DIALECTS) as DialectFormat[];
const VERTEX = "/v1/projects/p/locations/global/publishers/anthropic/models";

interface Sample {
  readonly path: string;
  readonly body: object;
  /** Changes that the real API answers with 400, each on its own. */
  readonly refused: readonly object[];
}

const call = { type: "function", function: { name: "Read", arguments: "{}" } };
const toolUse = { type: "tool_use", id: "toolu_1", name: "Read", input: {} };
const signed = { functionCall: { name: "Read", args: {} }, thoughtSignature: "c2ln" };
const user = { role: "user", content: "Hi" };
const unanswered = { messages: [user, { role: "assistant", content: [toolUse] }, user] };
const claude = { max_tokens: 9, messages: [user] };

const SAMPLES: Readonly<Record<DialectFormat, Sample>> = {
  "openai-chat": {
    path: "/v1/chat/completions",
    body: { model: "gpt-5.2", max_completion_tokens: 9, messages: [user] },
    refused: [
      { max_tokens: 9 },
      { top_k: 1 },
      { temperature: 0.5 },
      { stop: ["x"] },
      { stream_options: {} },
      { tools: [] },
      { parallel_tool_calls: false },
      {
        messages: [user, { role: "assistant", content: null, tool_calls: [{ id: "a", ...call }] }],
      },
      { messages: [user, { role: "tool", tool_call_id: "a", content: "x" }] },
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] },
    ],
  },
  "openai-responses": {
    path: "/v1/responses",
    body: {
      model: "gpt-5.2",
      max_output_tokens: 16,
      store: false,
      input: [{ type: "message", ...user }],
    },
    refused: [
      { max_output_tokens: 15 },
      { stop: ["x"] },
      { store: true },
      { input: [{ type: "function_call", call_id: "a", name: "Read", arguments: "{}" }] },
      {
        input: [
          { type: "reasoning", summary: [], encrypted_content: "x" },
          { type: "message", ...user },
        ],
      },
      {
        input: [
          { type: "message", role: "assistant", content: [{ type: "input_text", text: "x" }] },
        ],
      },
    ],
  },
  gemini: {
    path: "/v1beta/models/gemini-3.1-pro-preview:generateContent",
    body: { contents: [{ role: "user", parts: [{ text: "Hi" }] }] },
    refused: [
      { max_tokens: 9 },
      { generationConfig: { max_tokens: 9 } },
      { contents: [{ role: "model", parts: [{ text: "Hi" }] }] },
      { contents: [{ role: "user", parts: [{ text: "Hi", inlineData: {} }] }] },
      { contents: [{ role: "user", parts: [] }] },
      {
        contents: [
          { role: "user", parts: [{ text: "Hi" }] },
          { role: "model", parts: [{ functionCall: { name: "Read", args: {} } }] },
          { role: "user", parts: [{ functionResponse: { name: "Read", response: {} } }] },
        ],
      },
      {
        contents: [
          { role: "user", parts: [{ text: "Hi" }] },
          { role: "model", parts: [signed, signed] },
          { role: "user", parts: [{ functionResponse: { name: "Read", response: {} } }] },
        ],
      },
    ],
  },
  "bedrock-converse": {
    path: "/model/global.anthropic.claude-opus-5-5/converse",
    body: { messages: [{ role: "user", content: [{ text: "Hi" }] }] },
    refused: [
      { stream: true },
      { messages: [{ role: "user", content: [{ text: " " }] }] },
      { messages: [{ role: "assistant", content: [{ text: "Hi" }] }] },
      { toolConfig: { tools: [] } },
      { additionalModelRequestFields: { anthropic_beta: ["claude-code-20250219"] } },
      {
        messages: [
          { role: "user", content: [{ text: "Hi" }] },
          {
            role: "assistant",
            content: [{ toolUse: { toolUseId: "a", name: "Read", input: {} } }],
          },
        ],
      },
    ],
  },
  "bedrock-invoke": {
    path: "/model/global.anthropic.claude-opus-5-5/invoke",
    body: { ...claude, anthropic_version: "bedrock-2023-05-31" },
    refused: [
      { model: "claude-opus-5-5" },
      { stream: true },
      { anthropic_version: "2023-06-01" },
      { anthropic_beta: ["claude-code-20250219"] },
      { context_management: {} },
      unanswered,
    ],
  },
  "vertex-anthropic": {
    path: `${VERTEX}/claude-opus-5-5:rawPredict`,
    body: { ...claude, anthropic_version: "vertex-2023-10-16" },
    refused: [
      { model: "claude-opus-5-5" },
      { stream: true },
      { context_management: {} },
      unanswered,
    ],
  },
  "anthropic-messages": {
    path: "/anthropic/v1/messages",
    body: { ...claude, model: "claude-opus-5-5" },
    refused: [{ anthropic_version: "x" }, { max_tokens: 0 }, { messages: [] }, unanswered],
  },
};

function ask(url: string, body: object, key = UPSTREAM_KEY): Promise<Response> {
  const headers = {
    "content-type": "application/json",
    authorization: `Bearer ${key}`,
    "x-api-key": key,
    "x-goog-api-key": key,
  };
  return fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
}

for (const format of FORMATS) {
  const { path, body, refused } = SAMPLES[format];
  describe(format, () => {
    test("takes a sound request with our credential, at its own address", async () => {
      const upstream = await startDialectUpstream(format, () => text("ok"));
      try {
        assert.equal((await ask(upstream.url + path, body)).status, 200, upstream.refused.join());
        assert.equal((await ask(upstream.url + path, body, "other")).status, 401);
        assert.equal((await ask(`${upstream.url}/elsewhere`, body)).status, 404);
        assert.equal(upstream.requests.length, 1);
        assert.deepEqual(upstream.requests[0]?.texts, ["Hi"]);
      } finally {
        await upstream.stop();
      }
    });

    test("refuses what the real API refuses", async () => {
      const upstream = await startDialectUpstream(format, () => text("ok"));
      try {
        for (const change of refused) {
          const response = await ask(upstream.url + path, { ...body, ...change });
          assert.equal(response.status, 400, JSON.stringify(change));
        }
        assert.equal(upstream.requests.length, 0);
      } finally {
        await upstream.stop();
      }
    });

    test("charges by its own convention what the script meant", () => {
      const { charge, usage: convention } = DIALECTS[format];
      const counts = usage({ input_tokens: 7, output_tokens: 11, cache_read_input_tokens: 100 });
      const expected = { input: 7, output: 11, cacheRead: 100, write5m: 0, write1h: 0 };
      assert.deepEqual(charge(convention(counts)), expected);
    });
  });
}

test("a line's charge is rounded once", () => {
  const charge = { input: 1, output: 1, cacheRead: 3, write5m: 0, write1h: 0 };
  // 1,750 + 14,000 + 3 × 175 nano-dollars.
  assert.equal(dialectNano({ model: "gpt-5.2", charge, state: "complete" }), 16_275n);
});
