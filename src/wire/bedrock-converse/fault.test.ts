import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bedrockFault } from "./fault.ts";

const faultOf = (status: number, body: unknown) =>
  bedrockFault(status, Buffer.from(typeof body === "string" ? body : JSON.stringify(body)));

const CASES: readonly (readonly [number, unknown, string, string?])[] = [
  [400, { message: "bad" }, "invalid_request_error"],
  [
    400,
    { Message: "x", __type: "com.amazon.coral.validate#ValidationException" },
    "invalid_request_error",
  ],
  [400, { message: "x", __type: "ThrottlingException:http://internal/" }, "rate_limit_error"],
  [403, { message: "no access" }, "permission_error"],
  [403, { message: "x", __type: "UnrecognizedClientException" }, "authentication_error"],
  [403, { message: "x", __type: "ExpiredTokenException" }, "authentication_error"],
  [404, { message: "x" }, "not_found_error"],
  [408, { message: "x" }, "timeout_error"],
  [424, { message: "x" }, "api_error"],
  [429, { message: "Too many tokens, please wait before trying again." }, "rate_limit_error"],
  [429, { message: "x", __type: "ModelNotReadyException" }, "overloaded_error"],
  [424, { message: "x", __type: "ModelErrorException" }, "api_error"],
  [500, { message: "x" }, "api_error"],
  [503, { message: "x" }, "overloaded_error"],
  [418, { message: "x", __type: "toString" }, "invalid_request_error"],
  [502, "<html>Bad gateway</html>", "api_error"],
  [
    400,
    {
      message:
        "The model returned the following errors: prompt is too long: 200049 tokens > 200000 maximum",
    },
    "invalid_request_error",
    "context_length",
  ],
  [
    400,
    { message: "Input is too long for requested model." },
    "invalid_request_error",
    "context_length",
  ],
  [
    400,
    { message: "Output blocked by content filtering policy" },
    "invalid_request_error",
    "content_policy",
  ],
];

for (const [status, body, type, cause] of CASES) {
  test(`${status} ${JSON.stringify(body)} is ${type}${cause === undefined ? "" : `, ${cause}`}`, () => {
    const fault = faultOf(status, body);
    assert.equal(fault.type, type);
    assert.equal(fault.cause, cause);
    assert.ok(fault.message.length > 0);
  });
}

test("a conversation that is too long is told in the words of the Messages API", () => {
  assert.equal(
    faultOf(400, {
      message:
        "The model returned the following errors: prompt is too long: 200049 tokens > 200000 maximum",
    }).message,
    "prompt is too long: 200049 tokens > 200000 maximum",
  );
  assert.equal(
    faultOf(400, { message: "Input is too long for requested model." }).message,
    "prompt is too long: Input is too long for requested model.",
  );
});

test("what is no error of Bedrock's is told by its status, and nothing of it is shown", () => {
  for (const body of ["", "null", "[]", "<html>", '{"message":""}', '{"message":{}}'])
    assert.deepEqual(faultOf(502, body), {
      type: "api_error",
      message: "Bedrock answered with status 502.",
    });
});

test("any body is a fault", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 300, max: 599 }),
      fc.uint8Array({ maxLength: 99 }),
      (status, body) => {
        const { type, message } = bedrockFault(status, Buffer.from(body));
        assert.match(type, /_error$|^request_too_large$/);
        assert.ok(message.length > 0 && message.length <= 2100);
      },
    ),
    { seed: 20261123, numRuns: 300 },
  );
});
