import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UpstreamFailure } from "../../providers/upstream.ts";
import { classify, type AttemptEnd } from "./classify.ts";
import { ERROR_CLASSES, mostUseful } from "./error-class.ts";

const NOTHING: AttemptEnd = {
  status: null,
  failure: null,
  fault: null,
  headers: {},
  contentSeen: false,
  whole: false,
};
const HTML = { "content-type": "text/html; charset=utf-8" };

function failure(kind: UpstreamFailure["kind"]): UpstreamFailure {
  return { kind, sent: true, detail: "" };
}

function fault(type: string, message = "") {
  return { type, message };
}

const CASES: readonly (readonly [string, Partial<AttemptEnd>, string])[] = [
  ["a whole answer", { status: 200, contentSeen: true, whole: true }, "ok"],
  ["a whole answer without content", { status: 200, whole: true }, "ok"],
  ["a stream that ends before its content", { status: 200 }, "protocol"],
  ["a page with 200", { status: 200, headers: HTML }, "protocol"],
  ["an error body with 200", { status: 200, fault: fault("unknown"), whole: true }, "protocol"],
  ["an overloaded event first", { status: 200, fault: fault("overloaded_error") }, "overloaded"],
  ["an api_error event first", { status: 200, fault: fault("api_error") }, "server_error"],
  ["a rate limit as an event", { status: 200, fault: fault("rate_limit_error") }, "rate_limited"],
  [
    "an error event after content",
    { status: 200, contentSeen: true, fault: fault("overloaded_error") },
    "cut",
  ],
  ["a cut after content", { status: 200, contentSeen: true, failure: failure("reset") }, "cut"],
  [
    "silence after content",
    { status: 200, contentSeen: true, failure: failure("idle_timeout") },
    "cut",
  ],
  ["no end after content", { status: 200, contentSeen: true }, "cut"],
  ["silence before content", { status: 200, failure: failure("idle_timeout") }, "idle_timeout"],
  ["a reset before content", { status: 200, failure: failure("reset") }, "reset"],
  ["a refused connection", { failure: failure("refused") }, "connect"],
  ["no connection in time", { failure: failure("connect_timeout") }, "connect"],
  ["no answer in time", { failure: failure("first_byte_timeout") }, "first_byte_timeout"],
  ["a malformed head", { failure: failure("protocol") }, "protocol"],
  ["a redirect", { status: 302 }, "protocol"],
  ["400", { status: 400, fault: fault("invalid_request_error") }, "bad_request"],
  ["422", { status: 422 }, "bad_request"],
  ["401", { status: 401 }, "credential"],
  ["403", { status: 403, fault: fault("permission_error") }, "credential"],
  ["a wrong key as 400", { status: 400, fault: fault("authentication_error") }, "credential"],
  ["402", { status: 402 }, "out_of_credit"],
  [
    "an empty account as 400",
    { status: 400, fault: fault("invalid_request_error", "Your credit balance is too low to") },
    "out_of_credit",
  ],
  ["an empty quota as 429", { status: 429, fault: fault("billing_error") }, "out_of_credit"],
  ["404", { status: 404, fault: fault("not_found_error") }, "model_missing"],
  ["a page with 404", { status: 404, headers: HTML }, "protocol"],
  ["408", { status: 408 }, "timeout"],
  ["409", { status: 409 }, "conflict"],
  ["413", { status: 413 }, "too_large"],
  ["424", { status: 424 }, "server_error"],
  ["429", { status: 429, fault: fault("rate_limit_error") }, "rate_limited"],
  ["429 that breaks off", { status: 429, failure: failure("reset") }, "rate_limited"],
  ["500", { status: 500, fault: fault("api_error") }, "server_error"],
  ["a page with 502", { status: 502, headers: HTML }, "server_error"],
  ["504", { status: 504, fault: fault("timeout_error") }, "server_error"],
  ["529", { status: 529, fault: fault("overloaded_error") }, "overloaded"],
  ["503 for overload", { status: 503, fault: fault("overloaded_error") }, "overloaded"],
  [
    "a long prompt, as the Messages API says it",
    { status: 400, fault: fault("invalid_request_error", "prompt is too long: 210000 tokens > 2") },
    "context_length",
  ],
  [
    "a long prompt, as a translator says it",
    { status: 400, fault: { ...fault("invalid_request_error"), cause: "context_length" } },
    "context_length",
  ],
  [
    "a filter, as a translator says it",
    { status: 403, fault: { ...fault("permission_error"), cause: "content_policy" } },
    "content_policy",
  ],
];

describe("the class of an attempt's end", () => {
  for (const [what, end, expected] of CASES) {
    it(`${what}: ${expected}`, () => {
      assert.equal(classify({ ...NOTHING, ...end }), expected);
    });
  }

  it("has a case for every class", () => {
    const met = new Set(CASES.map(([, , expected]) => expected));
    assert.deepEqual(
      Object.keys(ERROR_CLASSES).filter((name) => !met.has(name)),
      [],
    );
  });
});

describe("the table", () => {
  it("never spends an extra attempt on what no breaker, pause or rest would learn from", () => {
    const faults = Object.entries(ERROR_CLASSES).filter(
      ([name, row]) =>
        (row.sameKey || row.otherKey || row.otherTarget) &&
        !row.countsForProvider &&
        row.key === "stays" &&
        // Rests for its model.
        name !== "model_missing",
    );
    assert.deepEqual(faults, []);
  });

  it("tells the client what it can correct before what passes, and the latest of equals", () => {
    assert.equal(mostUseful(["server_error", "rate_limited", "bad_request"]), 2);
    assert.equal(mostUseful(["rate_limited", "server_error"]), 0);
    assert.equal(mostUseful(["credential", "connect", "overloaded"]), 2);
    assert.equal(mostUseful(["overloaded", "connect", "overloaded"]), 2);
    assert.equal(mostUseful([]), -1);
  });
});
