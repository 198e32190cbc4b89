import assert from "node:assert/strict";
import { test } from "node:test";
import type { AttemptEnd } from "./outcome.ts";
import { outcomeOf } from "./outcome.ts";
import type { ProviderRow } from "./row.ts";
import { anthropic } from "./rows/anthropic.ts";
import type { UpstreamFailure } from "./upstream.ts";

const ANSWERED: AttemptEnd = {
  status: 200,
  errorEnvelope: false,
  finalUsage: false,
  refusedBeforeOutput: false,
  failure: null,
};

function failed(kind: UpstreamFailure["kind"], sent: boolean): UpstreamFailure {
  return { kind, sent, detail: "" };
}

const CASES: readonly (readonly [string, Partial<AttemptEnd>, "billed" | "free" | "unknown"])[] = [
  ["a whole answer with its usage", { finalUsage: true }, "billed"],
  ["a whole answer that names no usage", {}, "unknown"],
  ["a cut after the final usage", { finalUsage: true, failure: failed("reset", true) }, "billed"],
  ["a cut before the final usage", { failure: failed("reset", true) }, "unknown"],
  ["an idle time-out in mid-stream", { failure: failed("idle_timeout", true) }, "unknown"],
  ["an error event in mid-stream", { failure: null }, "unknown"],
  ["a refusal before any output", { finalUsage: true, refusedBeforeOutput: true }, "free"],
  ["a refused connection", { status: null, failure: failed("refused", false) }, "free"],
  ["a connect time-out", { status: null, failure: failed("connect_timeout", false) }, "free"],
  ["headers that cannot be sent", { status: null, failure: failed("protocol", false) }, "free"],
  [
    "time ran out in the queue",
    { status: null, failure: failed("first_byte_timeout", false) },
    "free",
  ],
  ["a reset after sending", { status: null, failure: failed("reset", true) }, "unknown"],
  ["no head in time", { status: null, failure: failed("first_byte_timeout", true) }, "unknown"],
  ["garbage for a head", { status: null, failure: failed("protocol", true) }, "unknown"],
  ["cancelled before a head", { status: null }, "unknown"],
  ["a redirect", { status: 302 }, "free"],
  ...[400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 529].flatMap(
    (status) =>
      [
        [`${status} in the error envelope`, { status, errorEnvelope: true }, "free"],
        [`${status} without it`, { status }, status < 500 ? "free" : "unknown"],
      ] as const,
  ),
  ["408 in the error envelope", { status: 408, errorEnvelope: true }, "unknown"],
  ["504 in the error envelope", { status: 504, errorEnvelope: true }, "unknown"],
  ["529 whose body was cut", { status: 529, failure: failed("reset", true) }, "unknown"],
];

for (const [name, end, expected] of CASES) {
  test(`${name}: ${expected}`, () => {
    assert.equal(outcomeOf(anthropic, { ...ANSWERED, ...end }).kind, expected);
  });
}

test("a row may charge for refusals", () => {
  const row: ProviderRow = {
    ...anthropic,
    billing: { ...anthropic.billing, refusalBeforeOutputIsFree: false },
  };
  const end = { ...ANSWERED, finalUsage: true, refusedBeforeOutput: true };
  assert.equal(outcomeOf(row, end).kind, "billed");
});
