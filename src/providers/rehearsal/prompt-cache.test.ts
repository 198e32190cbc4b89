import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { InputTokens } from "./prompt-cache.ts";
import { PromptCache } from "./prompt-cache.ts";
import { readRequest } from "./request.ts";

let nowMs = 0;
const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };

type TestBlock = { readonly text: string; readonly ttl?: "5m" | "1h" };

/** A block of about `tokens` tokens, different for each letter. */
function block(letter: string, tokens: number, ttl?: "5m" | "1h"): TestBlock {
  const text = letter.repeat(tokens * 4);
  return ttl === undefined ? { text } : { text, ttl };
}

function charge(cache: PromptCache, blocks: readonly TestBlock[], more: object = {}): InputTokens {
  const content = blocks.map(({ text, ttl }) => {
    const marker = ttl === undefined ? {} : { cache_control: { type: "ephemeral", ttl } };
    return { type: "text", text, ...marker };
  });
  const body = { model: "m", max_tokens: 1, messages: [{ role: "user", content }], ...more };
  return cache.charge(readRequest(Buffer.from(JSON.stringify(body)), "answer"));
}

test("a marked prefix is written once and read after that", () => {
  const cache = new PromptCache(clock);
  const first = charge(cache, [block("a", 2000, "5m"), block("b", 100)]);
  assert.equal(first.read, 0);
  assert.ok(first.write5m > 2000 && first.plain > 100);
  const second = charge(cache, [block("a", 2000, "5m"), block("c", 50)]);
  assert.equal(second.read, first.write5m);
  assert.equal(second.write5m, 0);
});

test("a moved marker reads what the last one wrote, and writes the rest", () => {
  const cache = new PromptCache(clock);
  const first = charge(cache, [block("a", 2000, "5m")]);
  const second = charge(cache, [block("a", 2000), block("b", 500, "5m")]);
  assert.equal(second.read, first.write5m);
  assert.equal(second.read + second.write5m, second.total);
});

test("writes are split by the markers' ttl", () => {
  const tokens = charge(new PromptCache(clock), [block("a", 2000, "1h"), block("b", 1000, "5m")]);
  assert.ok(tokens.write1h > 2000 && tokens.write1h < 2100);
  assert.ok(tokens.write5m > 1000 && tokens.write5m < 1100);
  assert.equal(tokens.plain, 0);
});

test("a prefix is forgotten when its time is over, and kept alive by reading", () => {
  const cache = new PromptCache(clock);
  const blocks = [block("a", 2000, "5m")];
  charge(cache, blocks);
  for (const [passMs, hit] of [
    [200_000, true],
    [200_000, true],
    [300_000, false],
  ] as const) {
    nowMs += passMs;
    assert.equal(charge(cache, blocks).read > 0, hit);
  }
});

test("short prefixes, another model, and a change before the marker miss", () => {
  const cache = new PromptCache(clock);
  assert.equal(charge(cache, [block("a", 500, "5m")]).write5m, 0);
  charge(cache, [block("x", 10), block("a", 2000, "5m")]);
  assert.equal(charge(cache, [block("y", 10), block("a", 2000, "5m")]).read, 0);
  assert.equal(charge(cache, [block("x", 10), block("a", 2000, "5m")], { model: "n" }).read, 0);
});

test("a prefix more than twenty blocks before the marker is not found", () => {
  for (const [between, hit] of [
    [19, true],
    [25, false],
  ] as const) {
    const cache = new PromptCache(clock);
    charge(cache, [block("a", 2000, "5m")]);
    const rest = Array.from({ length: between }, () => block("b", 10));
    const blocks = [block("a", 2000), ...rest, block("c", 10, "5m")];
    assert.equal(charge(cache, blocks).read > 0, hit);
  }
});

test("a top-level marker marks the last block", () => {
  const tokens = charge(new PromptCache(clock), [block("a", 2000)], {
    cache_control: { type: "ephemeral", ttl: "1h" },
  });
  assert.equal(tokens.write1h, tokens.total);
});

test("the parts always add up to the total, which never exceeds the body's bytes", () => {
  const ttl = fc.constantFrom(undefined, "5m" as const, "1h" as const);
  const blocks = fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.nat(1500), ttl), { minLength: 1 });
  fc.assert(
    fc.property(fc.array(blocks, { maxLength: 6 }), (requests) => {
      const cache = new PromptCache(clock);
      for (const request of requests) {
        const made = request.map((parts) => block(...parts));
        const { total, plain, read, write5m, write1h } = charge(cache, made);
        assert.equal(plain + read + write5m + write1h, total);
        const bytes = made.reduce((sum, { text }) => sum + text.length + 28, 0);
        assert.ok(Math.min(plain, read, write5m, write1h) >= 0 && total <= bytes);
      }
    }),
    { numRuns: 60 },
  );
});
