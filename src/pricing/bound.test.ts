/** The bound: its parts against hand-computed figures, and that no consistent usage can exceed it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { BodyFacts, ServerTool } from "../core/body-facts.ts";
import { NO_USAGE } from "../core/usage.ts";
import type { BilledPass, BilledUsage } from "../core/usage.ts";
import { boundOf } from "./bound.ts";
import type { BoundContext, BoundRequest } from "./bound.ts";
import { costOf } from "./cost.ts";
import { createPriceBook } from "./price-book.ts";
import type { ModelPrice } from "./price.ts";

const NOVEMBER = Date.parse("2026-11-20T12:00:00Z");
const book = createPriceBook([
  { ...cacheless(), model: "claude-custom-1", input: "3", output: "9", cache_read: "4" },
  { ...cacheless(), model: "claude-haiku-5-5", input: "0.2", output: "1", cache_write_1h: "0.1" },
]);

function cacheless() {
  const cache = { cache_read: null, cache_write_5m: null, cache_write_1h: null };
  return { from: "2026-11-01", ...cache };
}

const PLAIN: BodyFacts = {
  asciiBytes: 10_000,
  nonAsciiBytes: 0,
  unicodeEscapes: 0,
  tools: 0,
  serverTools: [],
  images: 0,
  opaqueInput: false,
  cacheMarkers: "none",
  compaction: false,
  fallbacks: [],
  fast: false,
  inferenceGeo: null,
  serviceTier: null,
  obscured: false,
};

interface Stated {
  readonly model?: string;
  readonly maxTokens?: number;
  readonly request?: Partial<BoundRequest>;
  readonly context?: Partial<BoundContext>;
}

function bound(facts: Partial<BodyFacts>, stated: Stated = {}) {
  const { model = "claude-opus-5-5", maxTokens = 1_000 } = stated;
  const price = book.resolve(model, NOVEMBER);
  return boundOf(
    { facts: { ...PLAIN, ...facts }, maxTokens, maxUsesDefault: 10, ...stated.request },
    { book, price, atMs: NOVEMBER, ...stated.context },
  );
}

function serverTool(type: string, maxUses: number | null, model: string | null = null): ServerTool {
  return { type, maxUses, model };
}

test("a plain body: bytes and 2,048 tokens at the input price, max_tokens at the output price", () => {
  const plain = bound({});
  assert.deepEqual(plain, {
    inputTokens: 12_048,
    inputNeed: 48_192_000n,
    outputTokens: 1_000,
    outputPico: 20_000_000n,
    need: 68_192_000n,
    passes: 1,
  });
});

const TOKENS = [
  ["non-ASCII bytes count eleven", { nonAsciiBytes: 3 }, 33],
  ["a \\u escape counts 33 more", { unicodeEscapes: 2 }, 66],
  ["a tool counts 64", { tools: 3 }, 192],
  ["an image counts 5,000", { images: 2 }, 10_000],
  ["a provider-defined tool counts 1,024 besides", { tools: 1, providerTools: 1 }, 1_088],
  ["a body that says nothing counts as the window", { opaqueInput: true }, 1_000_000 - 12_048],
  ["no body counts as more than the window", { asciiBytes: 9_000_000 }, 1_000_000 - 12_048],
] as const;

for (const [what, facts, more] of TOKENS) {
  test(what, () => assert.equal(bound(facts).inputTokens, 12_048 + more));
}

const CLASSES = [
  ["5-minute markers: the 5-minute write", { cacheMarkers: "5m" }, 60_240_000n],
  ["1-hour markers: the 1-hour write", { cacheMarkers: "1h" }, 96_384_000n],
  ["fast mode: its own rates", { fast: true }, 96_384_000n],
  ["the US: a tenth more", { inferenceGeo: "us" }, 53_011_200n],
  ["an unknown geography: a tenth more", { inferenceGeo: "eu" }, 53_011_200n],
  ["the global geography: no more", { inferenceGeo: "global" }, 48_192_000n],
] as const;

for (const [what, facts, inputNeed] of CLASSES) {
  test(what, () => assert.equal(bound(facts).inputNeed, inputNeed));
}

test("a workspace's default geography applies where the body names none", () => {
  const context = { workspaceGeo: "us" };
  assert.equal(bound({}, { context }).inputNeed, 53_011_200n);
  assert.equal(bound({ inferenceGeo: "global" }, { context }).inputNeed, 48_192_000n);
});

test("the output price carries the modifiers, rounded up", () => {
  assert.equal(bound({ inferenceGeo: "us", fast: true }).outputPico, 44_000_000n);
  assert.equal(bound({}, { context: { regional: true } }).outputPico, 22_000_000n);
});

test("an obscured body is held at the dearest of everything", () => {
  const dearest = bound({
    opaqueInput: true,
    cacheMarkers: "1h",
    fast: true,
    inferenceGeo: "us",
    compaction: true,
  });
  assert.deepEqual(bound({ obscured: true }), dearest);
  // Two windows × $8 × 2 × 1.1, and two answers of 1,000 tokens × $20 × 2 × 1.1.
  assert.equal(dearest.need, 35_200_000_000n + 88_000_000n);
});

test("the long-context tier is held from the first token above it", () => {
  const haiku = createPriceBook([]).resolve("claude-haiku-5-5", NOVEMBER);
  const stated = { context: { price: haiku }, maxTokens: 0 };
  assert.equal(bound({ asciiBytes: 97_952 }, stated).need, 10_000_000n);
  assert.equal(bound({ asciiBytes: 97_953 }, stated).need, 50_000_500n);
  assert.equal(bound({ asciiBytes: 0, compaction: true }, stated).outputPico, 2_500_000n);
});

test("server tools add a pass, a window and an answer for each use; searches their fee", () => {
  const search = bound({ serverTools: [serverTool("web_search_20260209", 2)] });
  assert.equal(search.passes, 3);
  assert.equal(search.outputTokens, 3_000);
  assert.equal(search.inputTokens, 13_072 + 2_000_000);
  assert.equal(search.inputNeed, 8_052_288_000n + 20_000_000n);
});

test("a fallback may search as often again", () => {
  const fee = (fallbacks: readonly string[]) => {
    const tools = (type: string) => bound({ serverTools: [serverTool(type, 4)], fallbacks }).need;
    return tools("web_search_20260209") - tools("web_fetch_20260209");
  };
  assert.equal(fee([]), 40_000_000n);
  assert.equal(fee(["claude-opus-5"]), 80_000_000n);
});

test("where a price makes plain input dearer than a write, a marker does not lower the bound", () => {
  const stated = { model: "claude-haiku-5-5", maxTokens: 0 };
  const none = bound({}, stated).need;
  assert.equal(none, 12_048n * 200n);
  assert.equal(bound({ cacheMarkers: "5m" }, stated).need, none);
  assert.equal(bound({ cacheMarkers: "1h" }, stated).need, none);
});

const USES = [
  ["a missing max_uses counts as the default", serverTool("web_fetch_20260209", null), {}, 11],
  ["a cap clamps it", serverTool("web_fetch_20260209", null), { maxUsesCap: 3 }, 4],
  ["and never raises it", serverTool("web_fetch_20260209", 1), { maxUsesCap: 3 }, 2],
  ["a connector takes no cap", serverTool("mcp", null), { maxUsesCap: 1 }, 11],
  ["nor does code execution", serverTool("code_execution_20260120", null), { maxUsesCap: 1 }, 11],
  ["an absurd max_uses stays finite", serverTool("web_fetch_20260209", 1e300), {}, 1e9],
] as const;

for (const [what, tool, request, passes] of USES) {
  test(what, () => {
    const uses = bound({ serverTools: [tool] }, { request });
    assert.equal(uses.passes, passes);
    assert.equal(uses.outputTokens, passes * 1_000);
  });
}

test("a connector's tool definitions are not in the body: the first pass is a window too", () => {
  assert.equal(bound({ serverTools: [serverTool("mcp", 1)] }).inputTokens, 2_000_000);
});

test("with a measured ceiling of results, later passes read what came before and no more", () => {
  const serverTools = [serverTool("web_search_20260209", 3)];
  const context = { resultCeilingTokens: 10_000 };
  const first = 13_072;
  const grown = bound({ serverTools }, { context });
  assert.equal(grown.inputTokens, 4 * first + (1 + 2 + 3) * 11_000);
  const full = bound({ serverTools, asciiBytes: 970_000 }, { context });
  const wide = 970_000 + 2_048 + 1_024;
  assert.equal(full.inputTokens, 3 * wide + 11_000 + 22_000 + 1_000_000);
});

test("an advisor is held at its own model's window and longest answer for each use", () => {
  const none = bound({ serverTools: [serverTool("other", 2)] });
  const advised = bound({ serverTools: [serverTool("advisor_20260301", 2, "claude-opus-5")] });
  // A million tokens × $10 and 128,000 × $25 a million, twice.
  assert.equal(advised.need - none.need, 2n * (10_000_000_000n + 3_200_000_000n));
});

test("an advisor without a known model is held at the dearest of the provider", () => {
  const advised = bound({ serverTools: [serverTool("advisor_20260301", 1)] });
  const none = bound({ serverTools: [serverTool("other", 1)] });
  assert.equal(advised.need - none.need, 30_000_000_000n + 9_600_000_000n);
});

test("fallbacks are held in sum; the provider's own choice at its dearest", () => {
  const fallback = bound({ fallbacks: ["claude-opus-5"] });
  // 12,048 tokens and twice the declined answer × $5; the model's longest answer × $25 a million.
  assert.equal(fallback.need - bound({}).need, 14_048n * 5_000n + 3_200_000_000n);
  const two = bound({ fallbacks: ["claude-opus-5", "claude-sonnet-5-5"] });
  assert.equal(two.need - fallback.need, (12_048n + 258_000n) * 2_000n + 1_280_000_000n);
  const chosen = bound({ fallbacks: "default" });
  assert.equal(chosen.need - bound({}).need, 14_048n * 15_000n + 9_600_000_000n);
});

test("a request that asks for more tokens than integers can count is still bounded", () => {
  const huge = bound({ compaction: true }, { maxTokens: Number.MAX_SAFE_INTEGER });
  assert.equal(huge.outputTokens, Number.MAX_SAFE_INTEGER);
});

const MODELS = [
  "claude-opus-5-5",
  "claude-haiku-5-5",
  "claude-haiku-4-5",
  "claude-sonnet-5-5",
  "claude-custom-1",
  "claude-opus-9",
];

const serverToolArbitrary: fc.Arbitrary<ServerTool> = fc.record({
  type: fc.constantFrom(
    "web_search_20260209",
    "code_execution_20260120",
    "mcp",
    "advisor_20260301",
  ),
  maxUses: fc.option(fc.integer({ min: 0, max: 4 })),
  model: fc.option(fc.constantFrom(...MODELS)),
});

const factsArbitrary: fc.Arbitrary<BodyFacts> = fc.record({
  asciiBytes: fc.oneof(fc.nat(200_000), fc.nat(2_000_000)),
  nonAsciiBytes: fc.nat(1_000),
  unicodeEscapes: fc.nat(100),
  tools: fc.nat(20),
  serverTools: fc.array(serverToolArbitrary, { maxLength: 2 }),
  images: fc.nat(2),
  opaqueInput: fc.boolean(),
  cacheMarkers: fc.constantFrom("none", "5m", "1h"),
  compaction: fc.boolean(),
  fallbacks: fc.oneof(
    fc.constant("default" as const),
    fc.array(fc.constantFrom(...MODELS), { maxLength: 2 }),
  ),
  fast: fc.boolean(),
  inferenceGeo: fc.constantFrom(null, "global", "us"),
  serviceTier: fc.constant(null),
  obscured: fc.boolean(),
});

/** What the provider could do with a request: how often it samples which model, and how much. */
interface Play {
  readonly draw: Draw;
  readonly facts: BodyFacts;
  readonly maxTokens: number;
  readonly firstTokens: number;
}

/** Uniform in [0, 1). Seeded by the property, as drawing a hundred numbers from it is slow. */
type Draw = () => number;

function drawFrom(seed: number): Draw {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Half of the time the whole of it: the edges are where a bound breaks. */
function upTo(draw: Draw, most: number): number {
  return draw() < 0.5 ? most : Math.floor(draw() * (most + 1));
}

function playPass(
  play: Play,
  model: string | null,
  most: { input: number; output: number },
): BilledPass {
  const { draw, facts } = play;
  const promptTokens = upTo(draw, most.input);
  const markers = facts.obscured ? "1h" : facts.cacheMarkers;
  const written = markers === "none" ? 0 : upTo(draw, promptTokens);
  const hour = markers === "1h" ? upTo(draw, written) : 0;
  const read = upTo(draw, promptTokens - written);
  const usage = {
    ...NO_USAGE,
    input_tokens: promptTokens - written - read,
    cache_read_input_tokens: read,
    cache_write_5m_input_tokens: written - hour,
    cache_write_1h_input_tokens: hour,
    output_tokens: upTo(draw, most.output),
  };
  return { model, usage, free: false };
}

/** The model's own passes, then what advisors and fallbacks add, all within the facts. */
function playPasses(play: Play, price: ModelPrice): BilledPass[] {
  const { draw, facts, maxTokens } = play;
  const usesOf = (tool: ServerTool) => tool.maxUses ?? 10;
  const uses = facts.serverTools.reduce((sum, tool) => sum + usesOf(tool), 0);
  const later = uses + (facts.compaction || facts.obscured ? 1 : 0);
  const passesOf = (model: string | null, at: ModelPrice, outputTokens: number) =>
    Array.from({ length: 1 + upTo(draw, later) }, (_, index) =>
      playPass(play, model, {
        input:
          index === 0 ? Math.min(play.firstTokens, at.contextWindowTokens) : at.contextWindowTokens,
        output: outputTokens,
      }),
    );

  const passes = passesOf(null, price, maxTokens);
  for (const tool of facts.serverTools.filter(({ type }) => type.startsWith("advisor"))) {
    const model = tool.model ?? "claude-opus-4-1";
    const advisor = book.resolve(model, NOVEMBER);
    const most = { input: advisor.contextWindowTokens, output: advisor.maxOutputTokens };
    for (let use = 0; use < usesOf(tool); use++) passes.push(playPass(play, model, most));
  }
  const fallbacks = facts.fallbacks === "default" ? ["claude-fable-5-2"] : facts.fallbacks;
  for (const model of fallbacks) {
    passes.push(...passesOf(model, book.resolve(model, NOVEMBER), maxTokens));
  }
  return passes;
}

function withSearches(play: Play, passes: readonly BilledPass[]): readonly BilledPass[] {
  const uses = play.facts.serverTools
    .filter(({ type }) => type.startsWith("web_search"))
    .reduce((sum, tool) => sum + (tool.maxUses ?? 10), 0);
  return passes.map((pass, index) =>
    index === 0
      ? { ...pass, usage: { ...pass.usage, web_search_requests: upTo(play.draw, uses) } }
      : pass,
  );
}

test("no usage that the body can cause costs more than the bound", () => {
  fc.assert(
    fc.property(
      factsArbitrary,
      fc.constantFrom(...MODELS),
      fc.integer({ min: 0, max: 64_000 }),
      fc.integer(),
      (facts, model, maxTokens, seed) => {
        const draw = drawFrom(seed);
        const price = book.resolve(model, NOVEMBER);
        const context = { book, price, atMs: NOVEMBER, regional: draw() < 0.5 };
        const held = boundOf({ facts, maxTokens, maxUsesDefault: 10 }, context);
        const alone = { ...facts, serverTools: [], compaction: false, fallbacks: [] };
        const isOpaque =
          facts.obscured ||
          facts.opaqueInput ||
          facts.serverTools.some(({ type }) => type === "mcp");
        const single = boundOf(
          {
            facts: { ...alone, opaqueInput: isOpaque, obscured: false },
            maxTokens,
            maxUsesDefault: 10,
          },
          context,
        );
        const play = { draw, facts, maxTokens, firstTokens: single.inputTokens };
        const geo = facts.obscured ? "us" : facts.inferenceGeo;
        const isFast = facts.fast || facts.obscured;
        const billed: BilledUsage = {
          usage: NO_USAGE,
          passes: withSearches(play, playPasses(play, price)),
          speed: isFast && draw() < 0.5 ? "fast" : "standard",
          inferenceGeo: geo === "us" && draw() < 0.5 ? "us" : "global",
          serviceTier: null,
        };
        const cost = costOf(billed, context);
        assert.ok(cost <= held.need, `cost ${cost} exceeds the bound ${held.need}`);
      },
    ),
    { numRuns: 3_000 },
  );
});

test("the bound is the cost where the provider takes all that it may", () => {
  fc.assert(
    fc.property(fc.nat(900_000), fc.integer({ min: 1, max: 128_000 }), (asciiBytes, maxTokens) => {
      const price = book.resolve("claude-opus-5-5", NOVEMBER);
      const held = bound({ asciiBytes, cacheMarkers: "1h" }, { maxTokens });
      const usage = {
        ...NO_USAGE,
        cache_write_1h_input_tokens: held.inputTokens,
        output_tokens: maxTokens,
      };
      const passes = [{ model: null, usage, free: false }];
      const billed = { usage, passes, speed: null, inferenceGeo: null, serviceTier: null };
      assert.equal(costOf(billed, { book, price, atMs: NOVEMBER }), held.need);
    }),
    { numRuns: 200 },
  );
});
