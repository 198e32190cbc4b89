import assert from "node:assert/strict";
import { test } from "node:test";
import { countRequest, readCount } from "./count.ts";

const JSON_BODY = { contents: [], tools: [], toolConfig: {}, generationConfig: {} };

test("the Gemini API counts a whole request that names its model", () => {
  assert.deepEqual(countRequest(JSON_BODY, "gemini-3.1-pro-preview"), {
    generateContentRequest: { model: "models/gemini-3.1-pro-preview", ...JSON_BODY },
  });
  assert.deepEqual(countRequest({}, "models/a"), { generateContentRequest: { model: "models/a" } });
});

test("Vertex counts the fields that it knows", () => {
  assert.deepEqual(countRequest(JSON_BODY, null), {
    contents: [],
    tools: [],
    generationConfig: {},
  });
});

test("a count is an integer, or none", () => {
  const read = (body: string) => readCount(Buffer.from(body));
  assert.equal(read('{"totalTokens":31,"promptTokensDetails":[]}'), 31);
  for (const body of [
    "",
    "{}",
    "[31]",
    '{"totalTokens":-1}',
    '{"totalTokens":1.5}',
    '{"totalTokens":"3"}',
  ])
    assert.equal(read(body), null);
});
