import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { inputTokensOf, NO_USAGE, type Usage } from "../../core/usage.ts";
import type { Quirk } from "../egress.ts";
import { ChatUsage, readUsage } from "./usage.ts";

type Json = Readonly<Record<string, unknown>>;

function read(usage: Json, ...quirks: readonly Quirk[]): Usage | null {
  return readUsage(usage, new Set(quirks));
}

const usageOf = (part: Partial<Usage>): Usage => ({ ...NO_USAGE, ...part });
const PLAIN = { prompt_tokens: 100, completion_tokens: 20 };
const cached = (count: unknown, more: Json = {}) => ({
  ...PLAIN,
  prompt_tokens_details: { cached_tokens: count, ...more },
});

it("cached and written tokens are taken out of the prompt", () => {
  assert.deepEqual(
    read(cached(60, { cache_write_tokens: 30 })),
    usageOf({
      input_tokens: 10,
      cache_read_input_tokens: 60,
      cache_write_5m_input_tokens: 30,
      output_tokens: 20,
    }),
  );
});

it("cached tokens beside the prompt are added where the quirk says so", () => {
  assert.deepEqual(
    read(cached(600), "cached-beside-prompt"),
    usageOf({ input_tokens: 100, cache_read_input_tokens: 600, output_tokens: 20 }),
  );
});

it("DeepSeek's hits count with the quirk; without it they are full input, never less", () => {
  const usage = { ...PLAIN, prompt_cache_hit_tokens: 64 };
  assert.deepEqual(
    read(usage, "cache-hit-tokens"),
    usageOf({ input_tokens: 36, cache_read_input_tokens: 64, output_tokens: 20 }),
  );
  assert.deepEqual(read(usage), usageOf({ input_tokens: 100, output_tokens: 20 }));
});

it("Anthropic's own names come beside the prompt", () => {
  const usage = { ...PLAIN, cache_read_input_tokens: 50, cache_creation_input_tokens: 5 };
  assert.equal(inputTokensOf(read(usage) ?? NO_USAGE), 155);
});

it("reasoning is part of the output, or added where the quirk or the figures say so", () => {
  const reasoning = (count: number) => ({
    ...PLAIN,
    completion_tokens_details: { reasoning_tokens: count },
  });
  assert.equal(read(reasoning(5))?.output_tokens, 20);
  assert.equal(read(reasoning(5), "reasoning-beside-completion")?.output_tokens, 25);
  assert.equal(read(reasoning(50))?.output_tokens, 70);
  assert.equal(read(reasoning(5))?.thinking_tokens, 5);
});

it("a total that is larger than its parts is output that was left out", () => {
  assert.equal(read({ ...PLAIN, total_tokens: 150 })?.output_tokens, 50);
  assert.equal(read({ ...PLAIN, total_tokens: 3 })?.output_tokens, 20);
});

it("searches are counted", () => {
  assert.equal(read({ ...PLAIN, num_search_queries: 2 })?.web_search_requests, 2);
});

it("odd figures are no usage", () => {
  for (const usage of [
    {},
    { prompt_tokens: 1 },
    { completion_tokens: 1 },
    { ...PLAIN, prompt_tokens: -1 },
    { ...PLAIN, prompt_tokens: 0.5 },
    { ...PLAIN, completion_tokens: 1e12 + 1 },
    { ...PLAIN, completion_tokens: "20" },
    { ...PLAIN, total_tokens: Number.NaN },
    cached(101),
    cached(60, { cache_write_tokens: 41 }),
    cached("60"),
    { ...PLAIN, completion_tokens_details: { reasoning_tokens: -5 } },
  ])
    assert.equal(read(usage), null, JSON.stringify(usage));
});

it("details that are null are not told", () => {
  const usage = { ...PLAIN, prompt_tokens_details: null, completion_tokens_details: null };
  assert.deepEqual(read(usage), usageOf({ input_tokens: 100, output_tokens: 20 }));
});

it("a usage that is no object is odd, none is none", () => {
  const quirks = new Set<Quirk>();
  const usage = new ChatUsage(quirks);
  const output = () => usage.billed?.usage.output_tokens ?? null;
  assert.equal(usage.take(null), false);
  assert.equal(usage.take(undefined), false);
  assert.equal(output(), null);
  assert.equal(usage.take(PLAIN), true);
  assert.equal(output(), 20);
  assert.equal(usage.take(7), true);
  assert.equal(output(), null);
});

it("never counts less than the server does, in whatever order its figures come", () => {
  const count = fc.nat({ max: 1_000_000 });
  const figures = fc.record({ cached: count, written: count, plain: count, output: count });
  fc.assert(
    fc.property(fc.array(figures, { minLength: 1, maxLength: 4 }), (list) => {
      const usage = new ChatUsage(new Set());
      for (const { cached: hit, written, plain, output } of list)
        usage.take({
          prompt_tokens: hit + written + plain,
          completion_tokens: output,
          total_tokens: hit + written + plain + output,
          prompt_tokens_details: { cached_tokens: hit, cache_write_tokens: written },
        });
      const sum = usage.billed?.usage ?? NO_USAGE;
      const inputs = list.map((one) => one.cached + one.written + one.plain);
      assert.equal(inputTokensOf(sum), Math.max(...inputs));
      assert.equal(sum.output_tokens, Math.max(...list.map(({ output }) => output)));
    }),
    { seed: 3 },
  );
});
