/** The table against an independent one, `@pydantic/genai-prices`, where both have the same id. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { calcPrice, findProvider } from "@pydantic/genai-prices";
import type { TieredPrices } from "@pydantic/genai-prices";
import { createPriceBook } from "./price-book.ts";
import type { Rates } from "./price.ts";
import { PRICE_TABLE } from "./table.ts";

const book = createPriceBook([]);

/** Ours alone, with the reason. Comparing by anything but equal ids would hit a sibling's price. */
const ABSENT_THERE: Readonly<Record<string, string>> = {
  "claude-fable-5-2": "not listed there yet",
  "claude-mythos-5-2": "not listed there yet",
  "claude-mythos-5-1": "limited availability, not listed there",
  "claude-mythos-5": "limited availability, not listed there",
  "claude-haiku-5-5": "not listed there yet",
  "claude-sonnet-5-5": "not listed there yet; resolves to sonnet-5",
};

/** Both list it, and we differ on purpose. */
const DIFFERENT: Readonly<Record<string, string>> = {
  "claude-sonnet-4-5": "there the tier above 200,000 has no end; ours ended with the 1M beta",
  "claude-sonnet-4-0": "there the tier of the 1M beta is missing",
};

/** Theirs alone: retired before this project began. */
const ABSENT_HERE: readonly string[] = [
  "claude-2",
  "claude-3-5-sonnet",
  "claude-3-haiku",
  "claude-3-opus-latest",
  "claude-3-sonnet",
  "claude-v1",
];

const CLASSES: readonly (readonly [keyof Rates, string])[] = [
  ["input", "input_mtok"],
  ["output", "output_mtok"],
  ["cacheRead", "cache_read_mtok"],
  ["cacheWrite5m", "cache_write_mtok"],
  ["cacheWrite1h", "cache_write_1h_mtok"],
];

const theirs = findProvider({ providerId: "anthropic" })?.models ?? [];
const theirIds = theirs.map((model) => model.id);
const ourNames = new Set(PRICE_TABLE.flatMap((row) => [row.model, ...(row.aliases ?? [])]));
const ourIds = [...ourNames].map((name) => `claude-${name}`);
const common = ourIds.filter((id) => theirIds.includes(id));

/** Moments on both sides of every date in the table. */
const moments = [...new Set(PRICE_TABLE.map((row) => row.from)), "2026-11-20"].flatMap((date) => [
  Date.parse(date) - 1,
  Date.parse(date),
]);

test("every id is common, or listed as absent on one side", () => {
  assert.ok(common.length >= 15, `${common.length} common ids`);
  const canonical = PRICE_TABLE.flatMap((row) =>
    [row.model, ...(row.aliases ?? [])].some((name) => common.includes(`claude-${name}`))
      ? []
      : [`claude-${row.model}`],
  );
  assert.deepEqual([...new Set(canonical)].toSorted(), Object.keys(ABSENT_THERE).toSorted());
  const unmatched = theirIds.filter((id) => !ourIds.includes(id));
  assert.deepEqual(unmatched.toSorted(), ABSENT_HERE.toSorted());
});

for (const id of common.filter((common) => !(common in DIFFERENT))) {
  test(`${id} costs the same here and there, in every class, before and after every date`, () => {
    for (const atMs of moments.filter((moment) => moment >= firstDateOf(id))) {
      const there = calcPrice({ input_tokens: 1 }, id, {
        providerId: "anthropic",
        timestamp: new Date(atMs),
      });
      assert.equal(there?.model.id, id);
      const { rates, longContext } = book.resolve(id, atMs);
      for (const [ours, name] of CLASSES) {
        const { base, tier } = tieredOf(there.model_price[name]);
        const where = `${ours} at ${new Date(atMs).toISOString()}`;
        assert.equal(Number(rates[ours]) / 1e6, base, where);
        assert.equal(longContext?.aboveTokens, tier?.start, where);
        if (longContext !== null) {
          assert.equal(Number(longContext.rates[ours]) / 1e6, tier?.price, where);
        }
      }
    }
  });
}

test("the deliberately different ones agree on today's prices up to 200,000 tokens", () => {
  const atMs = Date.parse("2026-11-20");
  for (const id of Object.keys(DIFFERENT)) {
    const there = calcPrice({ input_tokens: 1 }, id, { providerId: "anthropic" });
    for (const [ours, name] of CLASSES) {
      const { base } = tieredOf(there?.model_price[name]);
      assert.equal(Number(book.resolve(id, atMs).rates[ours]) / 1e6, base, `${id} ${ours}`);
    }
  }
});

test("context windows are equal where both have one", () => {
  for (const id of common) {
    const there = theirs.find((model) => model.id === id);
    const here = book.resolve(id, Date.parse("2026-11-20"));
    assert.equal(here.contextWindowTokens, there?.context_window, id);
  }
});

function tieredOf(price: number | TieredPrices | undefined) {
  return typeof price === "object"
    ? { base: price.base, tier: price.tiers[0] }
    : { base: price, tier: undefined };
}

function firstDateOf(id: string): number {
  const name = id.slice("claude-".length);
  const row = PRICE_TABLE.find((row) => row.model === name || row.aliases?.includes(name));
  return Date.parse(row?.from ?? "");
}
