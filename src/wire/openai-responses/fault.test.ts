/** Error bodies as OpenAI and servers of its dialect send them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openaiResponses } from "./egress.ts";

function body(code: string | null, message: string, type = "invalid_request_error"): string {
  return JSON.stringify({ error: { message, type, param: null, code } });
}

const WINDOW = "Your input exceeds the context window of this model.";
const POLICY = "Invalid prompt: your prompt was flagged as potentially violating our usage policy.";
const CASES = [
  // status, body, type, cause
  [400, body("unsupported_value", "no"), "invalid_request_error", undefined],
  [400, body("context_length_exceeded", WINDOW), "invalid_request_error", "context_length"],
  [400, body(null, WINDOW), "invalid_request_error", "context_length"],
  [400, body("invalid_prompt", POLICY), "invalid_request_error", "content_policy"],
  [400, body("content_filter", "filtered"), "invalid_request_error", "content_policy"],
  [400, body("image_content_policy_violation", "x"), "invalid_request_error", "content_policy"],
  [401, body("invalid_api_key", "key"), "authentication_error", undefined],
  [403, body("unsupported_country_region_territory", "x"), "permission_error", undefined],
  [404, body("model_not_found", "no model"), "not_found_error", undefined],
  [404, body(null, "no route"), "not_found_error", undefined],
  [413, "<html>too large</html>", "request_too_large", undefined],
  [429, body("rate_limit_exceeded", "slow", "tokens"), "rate_limit_error", undefined],
  [429, body("insufficient_quota", "pay", "insufficient_quota"), "billing_error", undefined],
  [429, body(null, "Too many requests about the context length"), "rate_limit_error", undefined],
  [500, body("server_error", "x", "server_error"), "api_error", undefined],
  [502, "<html>Bad gateway</html>", "api_error", undefined],
  [503, body(null, "overloaded", "service_unavailable"), "overloaded_error", undefined],
  [504, "", "timeout_error", undefined],
  [302, "", "api_error", undefined],
  [422, '{"detail":"field required"}', "invalid_request_error", undefined],
  [400, '{"error":"a text"}', "invalid_request_error", undefined],
  [400, '{"message":"flat","code":400}', "invalid_request_error", undefined],
] as const;

for (const [status, text, type, cause] of CASES) {
  test(`${status} ${text.slice(0, 60)} is ${type} ${cause ?? ""}`, () => {
    const fault = openaiResponses.fault(status, Buffer.from(text));
    assert.equal(fault.type, type);
    assert.equal(fault.cause, cause);
    assert.notEqual(fault.message, "");
  });
}

test("no error body makes the translator throw; messages stay short", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 300, max: 599 }),
      fc.json(),
      fc.string(),
      (status, json, text) => {
        const bodies = [
          json,
          text,
          `{"error":${json}}`,
          `{"error":{"message":"${"x".repeat(9000)}"}}`,
        ];
        for (const candidate of bodies) {
          const { type, message } = openaiResponses.fault(status, Buffer.from(candidate));
          assert.ok(type !== "" && message !== "" && message.length <= 2000);
        }
      },
    ),
    { numRuns: 200 },
  );
});
