import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Quirk } from "../egress.ts";
import { openaiChat } from "./egress.ts";

describe("hostile answers", () => {
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom<unknown>(null, -1, 1e300, "", "stop", "error", [], {}, [null], { index: 0 }),
  );
  const record = (model: Record<string, fc.Arbitrary<unknown>>) =>
    fc.oneof(fc.record(model, { requiredKeys: [] }), odd);
  const piece = record({
    index: odd,
    id: odd,
    function: record({ name: odd, arguments: odd }),
  });
  const delta = record({
    content: fc.oneof(
      fc.array(record({ type: fc.constant("thinking"), thinking: odd, text: odd })),
      odd,
    ),
    reasoning_content: odd,
    reasoning: odd,
    refusal: odd,
    tool_calls: fc.oneof(fc.array(piece), odd),
    function_call: odd,
  });
  const choice = record({
    index: odd,
    delta,
    message: delta,
    finish_reason: odd,
    error: odd,
    usage: odd,
  });
  const figures = record({
    prompt_tokens: odd,
    completion_tokens: odd,
    total_tokens: odd,
    prompt_tokens_details: odd,
    completion_tokens_details: odd,
  });
  const event = record({
    choices: fc.oneof(fc.array(choice), odd),
    usage: figures,
    error: odd,
    object: odd,
    x_groq: odd,
  });
  const line = fc.oneof(
    event.map((value) => `data: ${JSON.stringify(value)}\n\n`),
    event.map((value) => `${JSON.stringify(value)}\n`),
    fc.string(),
    fc.constant("data: [DONE]\n\n"),
  );

  it("never throw, and never bill what cannot be a count", () => {
    const quirks: readonly Quirk[] = ["usage-in-x-groq", "cache-hit-tokens"];
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), fc.boolean(), (lines, streamed) => {
        const context = { streamed, id: "msg_1", model: "c", quirks: new Set(quirks) };
        const translator = openaiChat.answer(context);
        for (const part of lines) translator.feed(Buffer.from(part));
        translator.end();
        translator.end();
        const { billed } = translator.reading();
        for (const count of Object.values(billed?.usage ?? {}))
          assert.ok(Number.isSafeInteger(count) && count >= 0, String(count));
      }),
      { seed: 11, numRuns: 1500 },
    );
  });
});
