import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { geminiFault } from "./fault.ts";

function fault(status: number, body: unknown) {
  return geminiFault(status, Buffer.from(typeof body === "string" ? body : JSON.stringify(body)));
}

describe("error bodies of the Gemini API's and Vertex's real wire format", () => {
  for (const [code, status, type] of [
    [400, "INVALID_ARGUMENT", "invalid_request_error"],
    [400, "FAILED_PRECONDITION", "invalid_request_error"],
    [401, "UNAUTHENTICATED", "authentication_error"],
    [403, "PERMISSION_DENIED", "permission_error"],
    [404, "NOT_FOUND", "not_found_error"],
    [429, "RESOURCE_EXHAUSTED", "rate_limit_error"],
    [500, "INTERNAL", "api_error"],
    [503, "UNAVAILABLE", "overloaded_error"],
    [504, "DEADLINE_EXCEEDED", "timeout_error"],
  ] as const)
    test(`${code} ${status} is ${type}`, () => {
      const error = { code, message: "So it is.", status };
      assert.deepEqual(fault(code, { error }), { type, message: "So it is." });
      assert.deepEqual(fault(code, [{ error }]), { type, message: "So it is." });
    });

  test("a wrong key is no bad request", () => {
    const error = {
      code: 400,
      message: "API key not valid. Please pass a valid API key.",
      status: "INVALID_ARGUMENT",
      details: [
        {
          "@type": "type.googleapis.com/google.rpc.ErrorInfo",
          reason: "API_KEY_INVALID",
          domain: "googleapis.com",
        },
      ],
    };
    assert.equal(fault(400, { error }).type, "authentication_error");
  });

  test("a quota tells when to come back", () => {
    const details = [
      { "@type": "type.googleapis.com/google.rpc.QuotaFailure", violations: [] },
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "34.0741s" },
    ];
    const error = { code: 429, message: "Quota.", status: "RESOURCE_EXHAUSTED", details };
    assert.deepEqual(fault(429, { error }), {
      type: "rate_limit_error",
      message: "Quota.",
      retryAfterMs: 34_075,
    });
  });

  test("a conversation that is too long is told in words that clients know", () => {
    const message =
      "The input token count (1091639) exceeds the maximum number of tokens allowed (1048576).";
    assert.deepEqual(fault(400, { error: { code: 400, message, status: "INVALID_ARGUMENT" } }), {
      type: "invalid_request_error",
      message: "prompt is too long: 1091639 tokens > 1048576 maximum",
      cause: "context_length",
    });
    const older = "The input token count exceeds the maximum number of tokens allowed 1048576.";
    const read = fault(400, { error: { message: older, status: "INVALID_ARGUMENT" } });
    assert.equal(read.cause, "context_length");
    assert.match(read.message, /^prompt is too long: The input/);
  });

  test("a blocked prompt is told as such", () => {
    const message = "The prompt was blocked by safety settings.";
    const read = fault(400, { error: { code: 400, message, status: "INVALID_ARGUMENT" } });
    assert.equal(read.cause, "content_policy");
  });

  test("a body that is no error has the status's type", () => {
    for (const body of ["", "<html>", "null", "[]", '{"error":"x"}', "{"]) {
      assert.equal(fault(502, body).type, "api_error");
      assert.equal(fault(429, body).type, "rate_limit_error");
      assert.equal(fault(418, body).type, "invalid_request_error");
    }
  });

  test("nothing makes it throw", () => {
    const details = fc.array(fc.oneof(fc.jsonValue(), fc.record({ retryDelay: fc.string() })));
    const error = fc.record(
      { code: fc.jsonValue(), message: fc.jsonValue(), status: fc.jsonValue(), details },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 599 }), error, (status, value) => {
        const { type, message } = fault(status, { error: value });
        assert.ok(type !== "" && message !== "");
      }),
    );
  });
});
