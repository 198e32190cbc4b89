/** Costs against hand-computed nano-dollars. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_USAGE } from "../core/usage.ts";
import type { BilledPass, BilledUsage, Usage } from "../core/usage.ts";
import { costOf } from "./cost.ts";
import type { CostContext } from "./cost.ts";
import type { PriceOverride } from "./override.ts";
import { createPriceBook } from "./price-book.ts";

const NOVEMBER = Date.parse("2026-11-20T12:00:00Z");
const SEPTEMBER = Date.parse("2026-10-06T23:59:59.999Z");

function usage(counts: Partial<Usage>): Usage {
  return { ...NO_USAGE, ...counts };
}

function pass(counts: Partial<Usage>, rest: Partial<BilledPass> = {}): BilledPass {
  return { model: null, usage: usage(counts), free: false, ...rest };
}

function billed(passes: readonly BilledPass[], rest: Partial<BilledUsage> = {}): BilledUsage {
  // The top-level counts are absurd on purpose: the cost is the sum over the passes alone.
  const top = usage({ input_tokens: 999_999_999 });
  return { usage: top, passes, speed: null, inferenceGeo: null, serviceTier: null, ...rest };
}

interface Case {
  readonly what: string;
  readonly model: string;
  readonly billed: BilledUsage;
  readonly nano: bigint;
  readonly context?: Partial<CostContext>;
  readonly overrides?: readonly PriceOverride[];
}

/** A model of `pico` pico-dollars a token of input, to land exactly between two nano-dollars. */
function fineGrained(pico: bigint): PriceOverride[] {
  const input = `0.${pico.toString().padStart(6, "0")}`;
  const cache = { cache_read: "0", cache_write_5m: "0", cache_write_1h: "0" };
  return [{ model: "fine", from: "2026-01-01", input, output: "0", ...cache }];
}

const CASES: readonly Case[] = [
  {
    what: "plain input and output: 1,000 × $4 + 500 × $20 a million",
    model: "claude-opus-5-5",
    billed: billed([pass({ input_tokens: 1_000, output_tokens: 500 })]),
    nano: 14_000_000n,
  },
  {
    what: "a cache read is a twentieth of input at opus-5-5",
    model: "claude-opus-5-5",
    billed: billed([pass({ cache_read_input_tokens: 100_000 })]),
    nano: 20_000_000n,
  },
  {
    what: "writes of five minutes and of an hour are priced apart",
    model: "claude-opus-5-5",
    billed: billed([
      pass({ cache_write_5m_input_tokens: 10_000, cache_write_1h_input_tokens: 10_000 }),
    ]),
    nano: 130_000_000n,
  },
  {
    what: "thinking is inside the output and not added to it",
    model: "claude-sonnet-5-5",
    billed: billed([pass({ output_tokens: 1_000, thinking_tokens: 900 })]),
    nano: 10_000_000n,
  },
  {
    what: "web searches are $10 a thousand",
    model: "claude-sonnet-5-5",
    billed: billed([pass({ input_tokens: 1, web_search_requests: 3 })]),
    nano: 30_002_000n,
  },
  {
    what: "a refusal before any output is free, its searches too",
    model: "claude-fable-5-2",
    billed: billed([pass({ input_tokens: 50_000, web_search_requests: 1 }, { free: true })]),
    nano: 0n,
  },
  {
    what: "passes at several models, one of them refused: 1,000 × 2 + 2,000 × 4 + 100 × 20",
    model: "claude-sonnet-5-5",
    billed: billed([
      pass({ input_tokens: 1_000 }),
      pass({ input_tokens: 2_000, output_tokens: 100 }, { model: "claude-opus-5-5" }),
      pass({ input_tokens: 7_000 }, { model: "claude-fable-5-2", free: true }),
    ]),
    nano: 12_000_000n,
  },
  {
    what: "haiku-5-5 with a prompt of exactly 100,000 tokens is in the low tier",
    model: "claude-haiku-5-5",
    billed: billed([pass({ input_tokens: 40_000, cache_read_input_tokens: 60_000 })]),
    nano: 4_600_000n,
  },
  {
    what: "haiku-5-5 with one token more reprices the whole request, output too",
    model: "claude-haiku-5-5",
    billed: billed([
      pass({ input_tokens: 40_001, cache_read_input_tokens: 60_000, output_tokens: 10 }),
    ]),
    nano: 23_025_500n,
  },
  {
    what: "cache writes count towards the tier: 50,000 × 0.625 + 50,001 × 1",
    model: "claude-haiku-5-5",
    billed: billed([
      pass({ cache_write_5m_input_tokens: 50_000, cache_write_1h_input_tokens: 50_001 }),
    ]),
    nano: 81_251_000n,
  },
  {
    what: "output does not count towards the tier",
    model: "claude-haiku-5-5",
    billed: billed([pass({ input_tokens: 90_000, output_tokens: 20_000 })]),
    nano: 19_000_000n,
  },
  {
    what: "each pass has its own tier: 100,000 × 0.1 + 100,001 × 0.5",
    model: "claude-haiku-5-5",
    billed: billed([pass({ input_tokens: 100_000 }), pass({ input_tokens: 100_001 })]),
    nano: 60_000_500n,
  },
  {
    what: "inference in the US is × 1.1, searches aside",
    model: "claude-opus-5-5",
    billed: billed([pass({ input_tokens: 1_000, web_search_requests: 1 })], {
      inferenceGeo: "us",
    }),
    nano: 14_400_000n,
  },
  {
    what: "any other geography is not",
    model: "claude-opus-5-5",
    billed: billed([pass({ input_tokens: 1_000 })], { inferenceGeo: "global" }),
    nano: 4_000_000n,
  },
  {
    what: "fast mode by its listed rates, cache classes included",
    model: "claude-opus-5-5",
    billed: billed([pass({ output_tokens: 1_000, cache_read_input_tokens: 1_000 })], {
      speed: "fast",
    }),
    nano: 40_400_000n,
  },
  {
    what: "fast mode of a model that lists none is double all the same",
    model: "claude-sonnet-5-5",
    billed: billed([pass({ output_tokens: 1_000 })], { speed: "fast" }),
    nano: 20_000_000n,
  },
  {
    what: "a pass at another model is fast only where that model offers it: 10 + 40 + 20 × 2",
    model: "claude-opus-5-5",
    billed: billed(
      [
        pass({ output_tokens: 1_000 }, { model: "claude-sonnet-5-5" }),
        pass({ output_tokens: 1_000 }, { model: "claude-opus-5-5-20260922" }),
        pass({ output_tokens: 1_000 }),
      ],
      { speed: "fast" },
    ),
    nano: 90_000_000n,
  },
  {
    what: "fast, US and a regional endpoint multiply: 4 × 2 × 1.21",
    model: "claude-opus-5-5",
    billed: billed([pass({ input_tokens: 1_000 })], { speed: "fast", inferenceGeo: "us" }),
    context: { regional: true },
    nano: 9_680_000n,
  },
  {
    what: "batch halves",
    model: "claude-opus-5-5",
    billed: billed([pass({ input_tokens: 1_000 })]),
    context: { batch: true },
    nano: 2_000_000n,
  },
  {
    what: "batch as the provider reports it",
    model: "claude-opus-5-5",
    billed: billed([pass({ input_tokens: 1_000 })], { serviceTier: "batch" }),
    nano: 2_000_000n,
  },
  {
    what: "before its change sonnet-5-5 read its cache at $0.20",
    model: "claude-sonnet-5-5",
    billed: billed([pass({ cache_read_input_tokens: 1_000 })]),
    context: { atMs: SEPTEMBER },
    nano: 200_000n,
  },
  {
    what: "from midnight on at $0.10",
    model: "claude-sonnet-5-5",
    billed: billed([pass({ cache_read_input_tokens: 1_000 })]),
    context: { atMs: SEPTEMBER + 1 },
    nano: 100_000n,
  },
  {
    what: "an unknown model is charged at the assumed price",
    model: "claude-opus-9",
    billed: billed([pass({ input_tokens: 1_000, output_tokens: 1_000 })]),
    nano: 30_000_000n,
  },
  {
    what: "half a nano-dollar is rounded up",
    model: "fine",
    overrides: fineGrained(500n),
    billed: billed([pass({ input_tokens: 1 })]),
    nano: 1n,
  },
  {
    what: "less than half is rounded down",
    model: "fine",
    overrides: fineGrained(499n),
    billed: billed([pass({ input_tokens: 1 })]),
    nano: 0n,
  },
  {
    what: "the rounding comes once, after the sum over the passes",
    model: "fine",
    overrides: fineGrained(499n),
    billed: billed([pass({ input_tokens: 1 }), pass({ input_tokens: 1 })]),
    nano: 1n,
  },
  {
    what: "a modifier is exact before the rounding: 455 × 1.1 = 500.5, 454 × 1.1 = 499.4",
    model: "fine",
    overrides: fineGrained(455n),
    billed: billed([pass({ input_tokens: 1 })], { inferenceGeo: "us" }),
    nano: 1n,
  },
  {
    what: "and the other way",
    model: "fine",
    overrides: fineGrained(454n),
    billed: billed([pass({ input_tokens: 1 })], { inferenceGeo: "us" }),
    nano: 0n,
  },
  {
    what: "a trillion tokens lose nothing",
    model: "claude-haiku-4-5",
    billed: billed([pass({ input_tokens: 1_000_000_000_001, output_tokens: 1_000_000_000_001 })]),
    nano: 6_000_000_000_006_000n,
  },
  {
    what: "nothing costs nothing",
    model: "claude-opus-5-5",
    billed: billed([pass({})]),
    nano: 0n,
  },
];

for (const { what, model, billed: usageBilled, nano, context, overrides } of CASES) {
  test(what, () => {
    const book = createPriceBook(overrides ?? []);
    const atMs = context?.atMs ?? NOVEMBER;
    const price = book.resolve(model, atMs);
    assert.equal(costOf(usageBilled, { book, price, atMs, ...context }), nano);
  });
}
