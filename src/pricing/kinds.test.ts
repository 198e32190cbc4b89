/** Prices by the kind of provider: its own table, Anthropic's under its names, overrides, none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_USAGE, type Usage } from "../core/usage.ts";
import { costOf } from "./cost.ts";
import type { PriceOverride } from "./override.ts";
import { createPriceBook } from "./price-book.ts";
import type { Rates } from "./price.ts";
import { PRICE_TABLE } from "./table.ts";
import { PROVIDER_TABLES } from "./tables/all.ts";

const NOVEMBER = Date.parse("2026-11-20T12:00:00Z");
const book = createPriceBook([]);

function inDollars(rates: Rates): string {
  const { input, output, cacheRead, cacheWrite5m, cacheWrite1h } = rates;
  return [input, output, cacheRead, cacheWrite5m, cacheWrite1h]
    .map((pico) => Number(pico) / 1e6)
    .join(" ");
}

function override(model: string, rest: Partial<PriceOverride> = {}): PriceOverride {
  const cache = { cache_read: null, cache_write_5m: null, cache_write_1h: null };
  return { model, from: "2026-01-01", input: "7", output: "70", ...cache, ...rest };
}

const LISTED = [
  ["openai", "gpt-6-sol", "2 10 0.2 2.5 2.5"],
  ["openai", "gpt-5.4-2026-03-05", "2.5 15 0.25 2.5 2.5"],
  ["azure-openai", "gpt-6-sol", "2 10 0.2 2.5 2.5"],
  ["gemini", "gemini-2.5-pro", "1.25 10 0.125 1.25 1.25"],
  ["bedrock", "global.anthropic.claude-opus-5-5", "4 20 0.2 5 8"],
  ["bedrock", "us.anthropic.claude-opus-5-5", "4.4 22 0.22 5.5 8.8"],
  ["bedrock", "anthropic.claude-haiku-4-5-20251001-v1:0", "1.1 5.5 0.11 1.375 2.2"],
  ["bedrock", "us.anthropic.claude-opus-4-1-20250805-v1:0", "15 75 1.5 18.75 30"],
  ["bedrock", "us.amazon.nova-pro-v1:0", "0.8 3.2 0.2 0.8 0.8"],
  ["vertex", "claude-haiku-4-5@20251001", "1 5 0.1 1.25 2"],
  ["vertex", "gemini-3.8-flash", "0.75 3.75 0.075 0.75 0.75"],
  ["openrouter", "anthropic/claude-opus-4.5", "5 25 0.5 6.25 10"],
  ["databricks", "databricks-claude-opus-4-7", "5 25 0.5 6.25 10"],
  ["custom", "claude-sonnet-5-5", "2 10 0.1 2.5 4"],
  ["groq", "openai/gpt-oss-120b", "0.15 0.6 0.075 0.15 0.15"],
  ["ollama", "claude-sonnet-5-5", "0 0 0 0 0"],
] as const;

for (const [kind, model, dollars] of LISTED) {
  test(`${model} at ${kind} costs ${dollars}`, () => {
    const price = book.resolve(model, NOVEMBER, kind);
    assert.equal(inDollars(price.rates), dollars);
    assert.equal(price.source, "listed");
    assert.ok(book.known(model, kind));
  });
}

test("at Anthropic the kind changes nothing", () => {
  for (const model of [...book.wireIds(), "claude-opus-9", "gpt-6", "opus-5-5"]) {
    for (const kind of ["anthropic", "claude-platform-aws", "azure-foundry", "rehearsal"]) {
      assert.deepEqual(book.resolve(model, NOVEMBER, kind), book.resolve(model, NOVEMBER), model);
    }
  }
  assert.deepEqual(book.dearestOf("anthropic"), book.dearest);
});

test("an unknown model is held at the dearest of its provider and charged as assumed", () => {
  const price = book.resolve("glm-9", NOVEMBER, "zai");
  assert.equal(price.source, "assumed");
  assert.equal(inDollars(price.rates), "5 25 0.5 6.25 10");
  assert.equal(price.holdRates.standard.output, 25_000_000n);
  assert.equal(price.holdRates.standard.none, 10_000_000n);
  const openai = book.resolve("gpt-9", NOVEMBER, "openai").holdRates.standard;
  assert.equal(openai.output, 270_000_000n);
  assert.equal(book.known("gpt-9", "openai"), false);
});

test("a kind without a table holds unknown models at Anthropic's dearest", () => {
  const price = book.resolve("house-model", NOVEMBER, "custom");
  assert.equal(price.source, "assumed");
  assert.deepEqual(price.holdRates, book.resolve("house-model", NOVEMBER).holdRates);
});

test("an override of kind/model beats one of the model, at that kind alone", () => {
  const own = createPriceBook([
    override("gpt-6-sol", { input: "3" }),
    override("azure-openai/gpt-6-sol", { input: "4" }),
    override("ollama/qwen3", { input: "0.05" }),
  ]);
  const inputAt = (model: string, kind: string) =>
    Number(own.resolve(model, NOVEMBER, kind).rates.input) / 1e6;
  assert.equal(inputAt("gpt-6-sol", "openai"), 3);
  assert.equal(inputAt("gpt-6-sol", "azure-openai"), 4);
  assert.equal(inputAt("qwen3", "ollama"), 0.05);
  assert.equal(inputAt("llama4", "ollama"), 0);
});

test("an override of Claude applies under every name that a cloud has for it", () => {
  const own = createPriceBook([override("claude-opus-5-5")]);
  for (const [kind, model] of [
    ["bedrock", "eu.anthropic.claude-opus-5-5"],
    ["openrouter", "anthropic/claude-opus-5.5"],
  ] as const) {
    assert.equal(inDollars(own.resolve(model, NOVEMBER, kind).rates).slice(0, 4), "7 70");
  }
});

test("where writes need no marker, an override holds plain input at the write price too", () => {
  const own = createPriceBook([override("gpt-6-sol", { input: "1" })]);
  const { holdRates, rates } = own.resolve("gpt-6-sol", NOVEMBER, "openai");
  assert.equal(rates.cacheWrite5m, 2_500_000n);
  assert.equal(holdRates.standard.none, 2_500_000n);
});

test("DeepSeek costs twice as much in its dear hours, to the millisecond", () => {
  const outputAt = (time: string) =>
    Number(book.resolve("deepseek-v4-pro", Date.parse(time), "deepseek").rates.output) / 1e6;
  assert.equal(outputAt("2026-11-20T00:59:59.999Z"), 1.98);
  assert.equal(outputAt("2026-11-20T01:00:00.000Z"), 3.96);
  assert.equal(outputAt("2026-11-20T03:59:59.999Z"), 3.96);
  assert.equal(outputAt("2026-11-20T04:00:00.000Z"), 1.98);
  assert.equal(outputAt("2026-11-20T09:30:00.000Z"), 3.96);
  assert.equal(outputAt("2026-08-16T02:00:00.000Z"), 0.87);
  const { entries } = book.explain(
    "deepseek-v4-pro",
    Date.parse("2026-11-20T02:00:00Z"),
    "deepseek",
  );
  assert.deepEqual(
    entries.map(({ name, applies }) => [name, applies]),
    [
      ["deepseek-v4-pro", false],
      ["deepseek-v4-pro", false],
      ["deepseek-v4-pro, 01–04 and 06–10 h UTC", true],
    ],
  );
});

test("the same price is the same object, at every kind", () => {
  const first = book.resolve("gpt-6-sol", NOVEMBER, "openai");
  book.resolve("gpt-6-sol", 0, "azure-openai");
  assert.equal(book.resolve("gpt-6-sol", NOVEMBER, "openai"), first);
});

test("a fee for the request is charged once a pass, and not for a free one", () => {
  const price = book.resolve("sonar", NOVEMBER, "perplexity");
  const context = { book, price, atMs: NOVEMBER, kind: "perplexity" };
  const usage: Usage = { ...NO_USAGE, input_tokens: 1_000 };
  const pass = { model: null, usage, free: false };
  const rest = { usage, speed: null, inferenceGeo: null, serviceTier: null };
  assert.equal(costOf({ ...rest, passes: [pass] }, context), 1_000_000n + 12_000_000n);
  assert.equal(costOf({ ...rest, passes: [{ ...pass, free: true }] }, context), 0n);
});

test("explain tells why nothing is charged on the operator's own machine", () => {
  const { why, entries, price } = book.explain("qwen3", NOVEMBER, "vllm");
  assert.match(why, /own machine/);
  assert.deepEqual(entries, []);
  assert.equal(price.from, null);
});

test("no kind has two tables, and no two rows of a table share a name and a day", () => {
  const kinds = PROVIDER_TABLES.flatMap((table) => table.kinds);
  assert.equal(new Set(kinds).size, kinds.length);
  for (const { kinds: of, checkedOn, rows } of PROVIDER_TABLES) {
    const keys = rows.flatMap((row) =>
      [row.model, ...(row.aliases ?? [])].map((name) => `${name} ${row.from ?? checkedOn}`),
    );
    assert.equal(new Set(keys).size, keys.length, of.join(", "));
    assert.deepEqual(book.wireIds(of[0]), [...new Set(rows.map(({ model }) => model))]);
  }
  assert.equal(book.wireIds().length, new Set(PRICE_TABLE.map(({ model }) => model)).size);
});
