import assert from "node:assert/strict";
import { test } from "node:test";
import { REFUSALS, refusal } from "../../core/refusal.ts";
import type { RefusalCode } from "../../core/refusal.ts";
import { anthropicErrorBody, anthropicErrorEvent } from "./error.ts";
import { createStreamUsageReader, readErrorEnvelope } from "./usage.ts";

for (const code of Object.keys(REFUSALS) as RefusalCode[]) {
  test(`${code} is told as ${REFUSALS[code].type}`, () => {
    const message = 'Budget "day" is spent · it resets at 00:00\nline two';
    const body = anthropicErrorBody(refusal(code, message), "req_1");
    assert.deepEqual(JSON.parse(body), {
      type: "error",
      error: { type: REFUSALS[code].type, message },
      request_id: "req_1",
    });
    assert.deepEqual(readErrorEnvelope(Buffer.from(body)), { type: REFUSALS[code].type, message });
  });
}

test("as an event of a stream it is read as an error", () => {
  const reader = createStreamUsageReader();
  reader.feed(Buffer.from(anthropicErrorEvent(refusal("draining", "later\nor never"), "req_1")));
  assert.deepEqual(reader.errorEvent, { type: "api_error", message: "later\nor never" });
});
