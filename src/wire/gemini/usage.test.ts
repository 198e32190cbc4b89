import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { inputTokensOf } from "../../core/usage.ts";
import { UsageReader } from "./usage.ts";

function read(...chunks: readonly unknown[]): UsageReader {
  const reader = new UsageReader();
  for (const chunk of chunks) reader.take(chunk);
  return reader;
}

describe("usageMetadata", () => {
  test("the prompt includes what was cached, candidates exclude thoughts", () => {
    const usage = read({
      promptTokenCount: 1000,
      cachedContentTokenCount: 900,
      candidatesTokenCount: 50,
      thoughtsTokenCount: 30,
      toolUsePromptTokenCount: 5,
      totalTokenCount: 1085,
    }).billed()?.usage;
    assert.equal(usage?.input_tokens, 105);
    assert.equal(usage?.cache_read_input_tokens, 900);
    assert.equal(usage?.output_tokens, 80);
    assert.equal(usage?.thinking_tokens, 30);
  });

  test("tokens that only the total knows of are output", () => {
    const usage = read({ promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 40 });
    assert.equal(usage.billed()?.usage.output_tokens, 30);
  });

  test("figures that shrink leave the bill as it was", () => {
    const full = { promptTokenCount: 10, candidatesTokenCount: 9, cachedContentTokenCount: 8 };
    const usage = read(full, { promptTokenCount: 2, candidatesTokenCount: 1 }).billed()?.usage;
    assert.equal(usage?.output_tokens, 9);
    assert.equal(usage?.input_tokens, 2);
    const less = read(full, { promptTokenCount: 10, cachedContentTokenCount: 1 }).billed()?.usage;
    assert.equal(less?.cache_read_input_tokens, 1);
    assert.equal(less?.input_tokens, 9);
  });

  test("what tells no prompt tells nothing", () => {
    const reader = new UsageReader();
    for (const chunk of [undefined, null, 1, [], {}, { trafficType: "ON_DEMAND" }])
      assert.equal(reader.take(chunk), false);
    assert.equal(reader.isStarted, false);
    assert.equal(reader.billed(), null);
    assert.equal(reader.take({ promptTokenCount: 3 }), true);
    assert.equal(reader.isStarted, true);
  });

  for (const odd of [-1, 0.5, 1e12 + 1, "12", Number.NaN, true, {}])
    test(`a figure of ${JSON.stringify(odd)} makes all of them untold`, () => {
      for (const field of ["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"]) {
        const reader = read({ promptTokenCount: 5 }, { [field]: odd }, { promptTokenCount: 5 });
        assert.equal(reader.billed(), null);
        assert.equal(reader.isStarted, false);
      }
    });

  test("more cached than there was is odd", () => {
    assert.equal(read({ promptTokenCount: 5, cachedContentTokenCount: 6 }).billed(), null);
  });

  test("is never below any total that was told", () => {
    const count = fc.option(fc.nat({ max: 1000 }), { nil: undefined });
    const metadata = fc.record({
      promptTokenCount: fc.nat({ max: 1000 }),
      candidatesTokenCount: count,
      thoughtsTokenCount: count,
      toolUsePromptTokenCount: count,
      totalTokenCount: count,
    });
    fc.assert(
      fc.property(fc.array(metadata, { minLength: 1, maxLength: 4 }), (chunks) => {
        const usage = read(...chunks).billed()!.usage;
        for (const chunk of chunks) {
          const sum = inputTokensOf(usage) + usage.output_tokens;
          assert.ok(sum >= (chunk.totalTokenCount ?? 0));
          const output = (chunk.candidatesTokenCount ?? 0) + (chunk.thoughtsTokenCount ?? 0);
          assert.ok(usage.output_tokens >= output);
        }
      }),
    );
  });
});
