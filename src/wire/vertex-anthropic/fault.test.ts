import assert from "node:assert/strict";
import { test } from "node:test";
import { vertexFault } from "./fault.ts";

test("the model's own envelope and Google's are both understood", () => {
  const own = { type: "overloaded_error", message: "Overloaded" };
  const quota = {
    code: 429,
    message: "Quota exceeded for base model: anthropic-claude-opus.",
    status: "RESOURCE_EXHAUSTED",
  };
  assert.deepEqual(
    vertexFault(529, Buffer.from(JSON.stringify({ type: "error", error: own }))),
    own,
  );
  for (const body of [{ error: quota }, [{ error: quota }]])
    assert.deepEqual(vertexFault(429, Buffer.from(JSON.stringify(body))), {
      type: "rate_limit_error",
      message: quota.message,
    });
  assert.equal(vertexFault(502, Buffer.from("<html>")).type, "api_error");
});
