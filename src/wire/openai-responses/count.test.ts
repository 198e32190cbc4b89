import assert from "node:assert/strict";
import { test } from "node:test";
import { countRequest, readCount } from "./count.ts";

test("a count takes the prompt, and nothing of how it is answered or kept", () => {
  const prompt = { model: "gpt-5.2", instructions: "i", input: [], tools: [], reasoning: {} };
  const whole = { ...prompt, max_output_tokens: 9, store: false, stream: true, include: [] };
  assert.deepEqual(countRequest(whole), prompt);
});

test("only a whole number of tokens is a count", () => {
  const read = (value: unknown) => readCount(Buffer.from(JSON.stringify(value)));
  assert.equal(read({ object: "response.input_tokens", input_tokens: 7 }), 7);
  for (const odd of [{}, { input_tokens: -1 }, { input_tokens: "7" }, [7], null])
    assert.equal(read(odd), null);
  assert.equal(readCount(Buffer.from("<html>")), null);
});
