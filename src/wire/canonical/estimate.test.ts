import assert from "node:assert/strict";
import { test } from "node:test";
import { estimatedInputTokens } from "./estimate.ts";
import { readCanonical } from "./read.ts";

function estimateOf(body: object): number {
  const request = readCanonical({ model: "claude", max_tokens: 1, ...body });
  assert.ok(!("problem" in request));
  return estimatedInputTokens(request);
}

const QUESTION = { role: "user", content: "x".repeat(3000) };

test("every part of a request counts, a picture by its kind and not by its bytes", () => {
  const plain = estimateOf({ messages: [QUESTION] });
  assert.ok(plain >= 1000 && plain < 1100, String(plain));
  const source = { type: "base64", media_type: "image/png", data: "A".repeat(400_000) };
  const image = { role: "user", content: [{ type: "image", source }] };
  const tool = { name: "read", description: "y".repeat(300), input_schema: { type: "object" } };
  const more = [
    [{ messages: [QUESTION, QUESTION] }, 1000],
    [{ messages: [QUESTION], system: "z".repeat(600) }, 200],
    [{ messages: [QUESTION], tools: [tool] }, 100],
    [{ messages: [QUESTION, image] }, 1600],
  ] as const;
  for (const [body, least] of more) {
    const added = estimateOf(body) - plain;
    assert.ok(
      added >= least && added < least + 60,
      `${added}: ${JSON.stringify(body).slice(0, 80)}`,
    );
  }
});
