import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { openaiChat } from "./egress.ts";

function fault(status: number, body: unknown) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return openaiChat.fault(status, Buffer.from(text));
}

describe("bodies of providers", () => {
  const cases: readonly [string, number, unknown, object][] = [
    [
      "OpenAI: the context is too long",
      400,
      {
        error: {
          message: "This model's maximum context …",
          type: "invalid_request_error",
          code: "context_length_exceeded",
        },
      },
      {
        type: "invalid_request_error",
        message: "This model's maximum context …",
        cause: "context_length",
      },
    ],
    [
      "OpenAI: no money, under a 429",
      429,
      {
        error: {
          message: "You exceeded your quota",
          type: "insufficient_quota",
          code: "insufficient_quota",
        },
      },
      { type: "billing_error", message: "You exceeded your quota" },
    ],
    [
      "OpenAI: a limit of the rate",
      429,
      { error: { message: "Rate limit reached", type: "tokens", code: "rate_limit_exceeded" } },
      { type: "rate_limit_error", message: "Rate limit reached" },
    ],
    [
      "OpenAI: overload",
      503,
      { error: { message: "Slow down", type: "service_unavailable_error", code: null } },
      { type: "overloaded_error", message: "Slow down" },
    ],
    [
      "Azure: the content filter",
      400,
      {
        error: {
          message: "The response was filtered",
          code: "content_filter",
          innererror: { code: "ResponsibleAIPolicyViolation" },
        },
      },
      {
        type: "invalid_request_error",
        message: "The response was filtered",
        cause: "content_policy",
      },
    ],
    [
      "Groq: too large for a minute is no context",
      413,
      {
        error: {
          message:
            "Request too large for model on tokens per minute (TPM): please reduce the length of the messages",
          code: "rate_limit_exceeded",
        },
      },
      {
        type: "rate_limit_error",
        message:
          "Request too large for model on tokens per minute (TPM): please reduce the length of the messages",
      },
    ],
    [
      "vLLM: the context is too long, in words",
      400,
      {
        object: "error",
        message: "This model's maximum context length is 8192 tokens.",
        type: "BadRequestError",
        code: 400,
      },
      {
        type: "invalid_request_error",
        message: "This model's maximum context length is 8192 tokens.",
        cause: "context_length",
      },
    ],
    [
      "Mistral: a validation",
      422,
      { detail: [{ loc: ["body"], msg: "Extra inputs" }] },
      { type: "invalid_request_error", message: '[{"loc":["body"],"msg":"Extra inputs"}]' },
    ],
    [
      "OpenRouter: flagged",
      403,
      { error: { code: 403, message: "Your input was flagged", metadata: { reasons: ["x"] } } },
      { type: "permission_error", message: "Your input was flagged", cause: "content_policy" },
    ],
    [
      "Google's list of one",
      404,
      [{ error: { code: 404, message: "no such model", status: "NOT_FOUND" } }],
      { type: "not_found_error", message: "no such model" },
    ],
    [
      "Ollama: a text",
      500,
      { error: "out of memory" },
      { type: "api_error", message: "out of memory" },
    ],
    [
      "Cohere: a message alone",
      408,
      { message: "slow" },
      { type: "timeout_error", message: "slow" },
    ],
    [
      "plain text",
      502,
      "upstream connect error",
      { type: "api_error", message: "upstream connect error" },
    ],
    [
      "a page of HTML",
      502,
      "<html><h1>Bad gateway</h1></html>",
      { type: "api_error", message: "the provider answered 502 without a readable error" },
    ],
    [
      "nothing",
      529,
      "",
      { type: "overloaded_error", message: "the provider answered 529 without a readable error" },
    ],
    [
      "an empty object",
      401,
      {},
      { type: "authentication_error", message: "the provider refused the gateway's credential" },
    ],
    [
      "a redirect",
      302,
      "",
      { type: "api_error", message: "the provider answered 302 without a readable error" },
    ],
    [
      "names of prototypes",
      400,
      { error: { code: "constructor", message: "m" } },
      { type: "invalid_request_error", message: "m" },
    ],
  ];
  for (const [name, status, body, expected] of cases)
    it(name, () => assert.deepEqual(fault(status, body), expected));
});

it("what is said of a credential does not reach the client", () => {
  const said = {
    error: { message: "Incorrect API key provided: sk-secret", code: "invalid_api_key" },
  };
  assert.equal(fault(400, said).message.includes("sk-secret"), false);
  assert.equal(fault(401, "sk-secret").message.includes("sk-secret"), false);
});

it("never throws and always has a type and a short message", () => {
  const body = fc.oneof(
    fc.jsonValue().map((value) => JSON.stringify(value)),
    fc.string(),
    fc.jsonValue().map((error) => JSON.stringify({ error })),
  );
  fc.assert(
    fc.property(fc.integer({ min: 300, max: 599 }), body, (status, text) => {
      const { type, message } = fault(status, text);
      assert.match(type, /^[a-z_]+$/);
      assert.ok(message.length > 0 && message.length <= 2000);
    }),
    { seed: 2, numRuns: 500 },
  );
  assert.equal(openaiChat.fault(500, Buffer.alloc(2_000_000, "a")).type, "api_error");
});
