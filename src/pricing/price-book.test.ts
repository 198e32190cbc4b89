/** Which price applies: names on the wire, dates, overrides, unknown models. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { InvariantBroken } from "../core/invariant.ts";
import type { PriceOverride } from "./override.ts";
import { createPriceBook } from "./price-book.ts";
import { picoPerToken } from "./price.ts";
import type { Rates } from "./price.ts";
import { PRICE_TABLE } from "./table.ts";

const NOVEMBER = Date.parse("2026-11-20T12:00:00Z");
const book = createPriceBook([]);

/** Rates in dollars per million, in the order of the price list: easier to compare with it. */
function inDollars(rates: Rates): string {
  const { input, output, cacheRead, cacheWrite5m, cacheWrite1h } = rates;
  return [input, output, cacheRead, cacheWrite5m, cacheWrite1h]
    .map((pico) => Number(pico) / 1e6)
    .join(" ");
}

function override(model: string, from: string, rest: Partial<PriceOverride> = {}): PriceOverride {
  const cache = { cache_read: null, cache_write_5m: null, cache_write_1h: null };
  return { model, from, input: "7", output: "70", ...cache, ...rest };
}

const REFERENCE = [
  ["fable-5-2", "8 40 0.2 10 16"],
  ["mythos-5-2", "8 40 0.2 10 16"],
  ["fable-5-1", "10 50 0.25 12.5 20"],
  ["opus-5-5", "4 20 0.2 5 8"],
  ["opus-5", "5 25 0.5 6.25 10"],
  ["opus-4-8", "5 25 0.5 6.25 10"],
  ["opus-4-7", "5 25 0.5 6.25 10"],
  ["opus-4-6", "5 25 0.5 6.25 10"],
  ["opus-4-5", "5 25 0.5 6.25 10"],
  ["sonnet-5-5", "2 10 0.1 2.5 4"],
  ["sonnet-5", "2 10 0.2 2.5 4"],
  ["sonnet-4-6", "3 15 0.3 3.75 6"],
  ["haiku-5-5", "0.1 0.5 0.01 0.125 0.2"],
  ["haiku-4-5", "1 5 0.1 1.25 2"],
  ["opus-4-1", "15 75 1.5 18.75 30"],
] as const;

for (const [name, dollars] of REFERENCE) {
  test(`the list price of ${name} in November 2026 is ${dollars}`, () => {
    const price = book.resolve(`claude-${name}`, NOVEMBER);
    assert.equal(inDollars(price.rates), dollars);
    assert.equal(price.source, "listed");
    assert.equal(price.name, name);
  });
}

test("haiku-5-5 has a tier above 100,000 tokens, and the others have none today", () => {
  for (const [name] of REFERENCE) {
    const { longContext } = book.resolve(`claude-${name}`, NOVEMBER);
    if (name === "haiku-5-5") {
      assert.equal(longContext?.aboveTokens, 100_000);
      assert.equal(inDollars(longContext.rates), "0.5 2.5 0.05 0.625 1");
    } else {
      assert.equal(longContext, null, name);
    }
  }
});

test("fast mode doubles every class where the list has it", () => {
  for (const row of PRICE_TABLE) {
    const { fast, rates } = book.resolve(row.model, NOVEMBER);
    if (fast === null) continue;
    for (const name of Object.keys(rates) as (keyof Rates)[]) {
      assert.equal(fast[name], 2n * rates[name], `${row.model} ${name}`);
    }
  }
  const { fast } = book.resolve("claude-opus-5-5", NOVEMBER);
  assert.equal(fast === null ? null : inDollars(fast), "8 40 0.4 10 16");
});

const NAMES = [
  ["claude-opus-5-5", "opus-5-5"],
  ["claude-opus-5-5[1m]", "opus-5-5"],
  ["claude-haiku-4-5-20251001", "haiku-4-5"],
  ["claude-haiku-4-5-20251001[1m]", "haiku-4-5"],
  ["opus-5-5", "opus-5-5"],
  ["claude-opus-4-0", "opus-4"],
  ["claude-3-5-haiku-latest", "3-5-haiku"],
] as const;

for (const [wire, name] of NAMES) {
  test(`${wire} on the wire is ${name} in the table`, () => {
    assert.equal(book.resolve(wire, NOVEMBER).name, name);
    assert.equal(book.resolve(wire, NOVEMBER).source, "listed");
    assert.ok(book.known(wire));
  });
}

for (const unknown of ["claude-opus-9", "claude-opus-5-5-2026", "gpt-6", "", "claude-", "[1m]"]) {
  test(`"${unknown}" is unknown: assumed, and held at the dearest known`, () => {
    const price = book.resolve(unknown, NOVEMBER);
    assert.equal(price.source, "assumed");
    assert.equal(price.name, unknown);
    assert.equal(price.from, null);
    assert.equal(inDollars(price.rates), "5 25 0.5 6.25 10");
    const { standard } = price.holdRates;
    assert.deepEqual(
      [standard.none, standard["5m"], standard["1h"], standard.output],
      [15_000_000n, 18_750_000n, 30_000_000n, 75_000_000n],
    );
    assert.equal(price.contextWindowTokens, 1_000_000);
    assert.equal(price.maxOutputTokens, 128_000);
    assert.equal(book.known(unknown), false);
  });
}

test("a price changes at midnight UTC of its date", () => {
  const midnight = Date.parse("2026-10-07T00:00:00Z");
  const before = book.resolve("claude-sonnet-5-5", midnight - 1);
  const after = book.resolve("claude-sonnet-5-5", midnight);
  assert.equal(inDollars(before.rates), "2 10 0.2 2.5 4");
  assert.equal(inDollars(after.rates), "2 10 0.1 2.5 4");
  assert.equal(after.from, "2026-10-07");
});

test("a model's first row also covers the time before it", () => {
  assert.equal(book.resolve("claude-sonnet-5-5", 0).from, "2026-09-28");
});

test("the same price is the same object, however often the question alternates between days", () => {
  const first = book.resolve("claude-sonnet-5-5", NOVEMBER);
  book.resolve("claude-sonnet-5-5", 0);
  assert.equal(book.resolve("claude-sonnet-5-5", NOVEMBER + 86_400_000), first);
});

test("prices survive more model names than the book remembers", () => {
  for (let index = 0; index < 5000; index++) book.resolve(`claude-made-up-${index}`, NOVEMBER);
  assert.equal(book.resolve("claude-opus-5-5", NOVEMBER).name, "opus-5-5");
});

test("an override beats the table from its midnight on, later rows of the table included", () => {
  const own = createPriceBook([override("claude-sonnet-5-5", "2026-10-01")]);
  const start = Date.parse("2026-10-01T00:00:00Z");
  assert.equal(own.resolve("claude-sonnet-5-5", start - 1).source, "listed");
  assert.equal(own.resolve("claude-sonnet-5-5", start).source, "override");
  assert.equal(inDollars(own.resolve("claude-sonnet-5-5", NOVEMBER).rates), "7 70 0.1 2.5 4");
});

test("what an override leaves out is the table's of that day", () => {
  const own = createPriceBook([override("haiku-5-5", "2026-10-10", { cache_read: "0.02" })]);
  const price = own.resolve("claude-haiku-5-5", NOVEMBER);
  assert.equal(inDollars(price.rates), "7 70 0.02 0.125 0.2");
  assert.equal(price.longContext?.aboveTokens, 100_000);
  assert.equal(price.contextWindowTokens, 1_000_000);
});

test("cache prices of a model that the table lacks follow from its input price", () => {
  const own = createPriceBook([override("claude-custom-1", "2026-01-01", { input: "0.000003" })]);
  assert.equal(own.resolve("claude-custom-1", 0).source, "assumed");
  const price = own.resolve("claude-custom-1", NOVEMBER);
  assert.equal(price.source, "override");
  assert.equal(price.name, "claude-custom-1");
  // 3 pico-dollars × 0.1, × 1.25 and × 2, rounded up.
  assert.deepEqual(Object.values(price.rates), [3n, 70_000_000n, 1n, 4n, 6n]);
  assert.deepEqual(own.names().slice(-1), ["claude-custom-1"]);
  assert.deepEqual(own.wireIds().slice(-1), ["claude-custom-1"]);
  assert.ok(own.known("claude-custom-1"));
});

test("of several overrides the most specific name wins, and within it the latest date", () => {
  const own = createPriceBook([
    override("opus-5-5", "2026-11-01", { input: "1" }),
    override("claude-opus-5-5", "2026-11-10", { input: "3" }),
    override("claude-opus-5-5", "2026-11-02", { input: "2" }),
    override("claude-opus-5-5-20260922", "2026-11-05", { input: "4" }),
  ]);
  const inputAt = (model: string, time: string) =>
    Number(own.resolve(model, Date.parse(time)).rates.input) / 1e6;
  assert.equal(inputAt("claude-opus-5-5", "2026-11-01T00:00:00Z"), 1);
  assert.equal(inputAt("claude-opus-5-5", "2026-11-02T00:00:00Z"), 2);
  assert.equal(inputAt("claude-opus-5-5[1m]", "2026-11-12T00:00:00Z"), 3);
  assert.equal(inputAt("claude-opus-5-5-20260922", "2026-11-12T00:00:00Z"), 4);
  assert.equal(inputAt("claude-opus-5-5-20260922", "2026-11-04T00:00:00Z"), 2);
});

test("a dear override raises what unknown models are held at", () => {
  const own = createPriceBook([override("claude-custom-1", "2026-01-01", { output: "500" })]);
  assert.equal(own.resolve("claude-opus-9", NOVEMBER).holdRates.standard.output, 500_000_000n);
});

test("a malformed override is refused by name", () => {
  for (const rest of [{ input: "0.0000001" }, { output: "-1" }, { cache_read: "1e3" }]) {
    assert.throws(
      () => createPriceBook([override("claude-custom-1", "2026-01-01", rest)]),
      (error) => error instanceof InvariantBroken && error.message.includes("claude-custom-1"),
    );
  }
  assert.throws(() => createPriceBook([override("m", "2026-13-01")]), InvariantBroken);
});

test("explain names every dated row and override, and the one that applies", () => {
  const own = createPriceBook([override("claude-sonnet-5-5", "2026-11-01")]);
  const october = own.explain("claude-sonnet-5-5", Date.parse("2026-10-20T00:00:00Z"));
  assert.deepEqual(
    october.entries.map(({ origin, from, applies }) => [origin, from, applies]),
    [
      ["override", "2026-11-01", false],
      ["table", "2026-09-28", false],
      ["table", "2026-10-07", true],
    ],
  );
  assert.equal(october.why, "The table lists it from 2026-10-07 on.");
  const november = own.explain("claude-sonnet-5-5", NOVEMBER);
  assert.deepEqual(
    november.entries.map(({ applies }) => applies),
    [true, false, false],
  );
  assert.match(november.why, /beats the table/);
  assert.deepEqual(own.explain("claude-opus-9", NOVEMBER).entries, []);
});

test("names are unique, and a client's id is claude- and the name", () => {
  const names = book.names();
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(
    book.wireIds(),
    names.map((name) => `claude-${name}`),
  );
});

const DECIMALS = [
  ["0", 0n],
  ["5", 5_000_000n],
  ["0.05", 50_000n],
  ["18.75", 18_750_000n],
  ["0.000001", 1n],
  ["0.0000001", null],
  ["", null],
  [".5", null],
  ["5.", null],
  ["-5", null],
  ["1e3", null],
] as const;

for (const [text, pico] of DECIMALS) {
  test(`"${text}" dollars a million are ${pico} pico-dollars a token`, () => {
    assert.equal(picoPerToken(text), pico);
  });
}
