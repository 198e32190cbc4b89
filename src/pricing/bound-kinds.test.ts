/** The bound at every kind of provider: no usage that its conventions allow costs more. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { BodyFacts } from "../core/body-facts.ts";
import { NO_USAGE, type BilledPass } from "../core/usage.ts";
import { boundOf, type BoundFacts } from "./bound.ts";
import { costOf } from "./cost.ts";
import { createPriceBook } from "./price-book.ts";
import { PROVIDER_TABLES } from "./tables/all.ts";

const NOON_MS = Date.parse("2026-11-20T12:00:00Z");
const HOUR_MS = 3_600_000;
const cache = { cache_read: null, cache_write_5m: null, cache_write_1h: null };
const book = createPriceBook([
  { model: "house-model", from: "2026-01-01", input: "3", output: "9", ...cache },
  { model: "openai/gpt-6-sol", from: "2026-11-01", input: "1", output: "4", ...cache },
]);

/** Every listed model of every kind, Claude where it is resold, unknown ones, and free ones. */
const MODELS: readonly (readonly [string, string])[] = [
  ...PROVIDER_TABLES.flatMap(({ kinds }) =>
    kinds.flatMap((kind) => book.wireIds(kind).map((model) => [kind, model] as const)),
  ),
  ["bedrock", "us.anthropic.claude-opus-5-5"],
  ["bedrock", "global.anthropic.claude-haiku-5-5"],
  ["vertex", "claude-haiku-5-5"],
  ["openai", "gpt-99"],
  ["zai", "glm-99"],
  ["custom", "house-model"],
  ["custom", "nobody-knows"],
  ["vllm", "nobody-knows"],
];

const canArbitrary: fc.Arbitrary<BoundFacts> = fc.record({
  imageTokensMax: fc.constantFrom(1_000, 16_384, 48_169),
  tokensNeverExceedBytes: fc.boolean(),
  maxTokensIncludesThinking: fc.boolean(),
});

const factsArbitrary: fc.Arbitrary<BodyFacts> = fc.record({
  asciiBytes: fc.oneof(fc.nat(300_000), fc.nat(3_000_000)),
  nonAsciiBytes: fc.nat(10_000),
  unicodeEscapes: fc.nat(100),
  tools: fc.nat(20),
  serverTools: fc.constant([]),
  images: fc.nat(4),
  opaqueInput: fc.boolean(),
  cacheMarkers: fc.constantFrom("none", "5m", "1h"),
  compaction: fc.constant(false),
  fallbacks: fc.constant([]),
  fast: fc.constant(false),
  inferenceGeo: fc.constant(null),
  serviceTier: fc.constant(null),
  obscured: fc.constant(false),
});

/** The most tokens that the body can be at a provider, told apart from the bound's own arithmetic. */
function mostTokens(facts: BodyFacts, can: BoundFacts, windowTokens: number): number {
  if (facts.opaqueInput) return windowTokens;
  // A token is a byte at least; a tokenizer that normalises makes up to 33 of three bytes.
  const perByte = can.tokensNeverExceedBytes ? 1 : 11;
  const escaped = can.tokensNeverExceedBytes ? 0 : 33 * facts.unicodeEscapes;
  const text = facts.asciiBytes + perByte * facts.nonAsciiBytes + escaped;
  return Math.min(windowTokens, text + can.imageTokensMax * facts.images);
}

test("no usage that the body can cause costs more than the bound, at any kind", () => {
  const fractions = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3), fc.nat(2));
  fc.assert(
    fc.property(
      fc.constantFrom(...MODELS),
      factsArbitrary,
      fc.tuple(canArbitrary, fc.integer({ min: 0, max: 200_000 })),
      fc.tuple(fractions, fc.boolean(), fc.nat(23)),
      ([kind, model], facts, [can, maxTokens], [[share, write, edge], regional, hours]) => {
        const atMs = NOON_MS + hours * HOUR_MS;
        const price = book.resolve(model, atMs, kind);
        const context = { book, price, atMs, kind, can, regional };
        const held = boundOf({ facts, maxTokens, maxUsesDefault: 10 }, context);

        const most = mostTokens(facts, can, price.contextWindowTokens);
        const input = edge === 0 ? most : Math.floor(most * share);
        // Caches that work unasked bill writes where the table has a price for them; markers or not.
        const isMarked = facts.cacheMarkers !== "none" || !kind.match(/bedrock|vertex|custom/);
        const written = isMarked ? Math.floor((input * write) / 3) : 0;
        const read = edge === 1 ? input - written : 0;
        const thinking = can.maxTokensIncludesThinking ? 0 : price.maxOutputTokens;
        const usage = {
          ...NO_USAGE,
          input_tokens: input - written - read,
          cache_read_input_tokens: read,
          cache_write_5m_input_tokens: written,
          output_tokens: maxTokens + thinking,
        };
        const pass: BilledPass = { model: null, usage, free: false };
        const rest = { usage, speed: null, inferenceGeo: null, serviceTier: null };
        const cost = costOf({ ...rest, passes: [pass] }, context);
        assert.ok(cost <= held.need, `${cost} of ${held.need} for ${model} at ${kind}`);
      },
    ),
    { numRuns: 3_000, seed: 20_261_120 },
  );
});

const PLAIN: BodyFacts = {
  asciiBytes: 1_000,
  nonAsciiBytes: 300,
  unicodeEscapes: 10,
  tools: 0,
  serverTools: [],
  images: 1,
  opaqueInput: false,
  cacheMarkers: "none",
  compaction: false,
  fallbacks: [],
  fast: false,
  inferenceGeo: null,
  serviceTier: null,
  obscured: false,
};

function held(kind: string, model: string, can: BoundFacts) {
  const price = book.resolve(model, NOON_MS, kind);
  const context = { book, price, atMs: NOON_MS, kind, can };
  return boundOf({ facts: PLAIN, maxTokens: 1_000, maxUsesDefault: 10 }, context);
}

test("bytes bound the tokens where the tokenizer normalises nothing; pictures cost their most", () => {
  const can = { imageTokensMax: 7, tokensNeverExceedBytes: true, maxTokensIncludesThinking: true };
  assert.equal(held("openai", "gpt-5", can).inputTokens, 1_300 + 2_048 + 7);
  const wide = { ...can, tokensNeverExceedBytes: false };
  assert.equal(held("openai", "gpt-5", wide).inputTokens, 1_000 + 3_300 + 330 + 2_048 + 7);
});

test("where max_tokens bounds the text alone, the model's longest answer comes on top", () => {
  const can = { imageTokensMax: 0, tokensNeverExceedBytes: true, maxTokensIncludesThinking: false };
  assert.equal(held("xai", "grok-build-0.1", can).outputTokens, 1_000 + 256_000);
});

test("a request's fee is part of its bound", () => {
  const can = { imageTokensMax: 0, tokensNeverExceedBytes: true, maxTokensIncludesThinking: true };
  // 3,348 tokens and 1,000 of output at $1 a million, and $12 for a thousand requests.
  assert.equal(held("perplexity", "sonar", can).need, 3_348_000n + 1_000_000n + 12_000_000n);
});
