/** The providers' tables against an independent one, `@pydantic/genai-prices`, by equal ids. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { calcPrice, findProvider, type TieredPrices } from "@pydantic/genai-prices";
import { createPriceBook } from "../price-book.ts";
import type { Rates } from "../price.ts";
import { PROVIDER_TABLES } from "./all.ts";

const book = createPriceBook([]);

/** Its word for each of our kinds. */
const THEIR_PROVIDER: Readonly<Record<string, string>> = {
  openai: "openai",
  gemini: "google",
  deepseek: "deepseek",
  moonshot: "moonshotai",
  zai: "zai",
  minimax: "minimax",
  mistral: "mistral",
  groq: "groq",
  cerebras: "cerebras",
  xai: "x-ai",
  together: "together",
  fireworks: "fireworks",
  openrouter: "openrouter",
  perplexity: "perplexity",
  cohere: "cohere",
  bedrock: "aws",
};

/** Kinds that it does not know. */
const UNKNOWN_THERE = ["databricks", "deepinfra", "huggingface", "nebius", "sambanova"];

/** Ours alone, with the reason. */
const ABSENT_THERE: Readonly<Record<string, string>> = {
  "zai glm-5.1": "not listed there",
  "zai glm-4.7": "not listed there",
  "zai glm-4.5-air": "not listed there",
  "together moonshotai/Kimi-K2.7-Code": "not listed there",
  "together deepseek-ai/DeepSeek-V4-Pro": "not listed there",
  "together zai-org/GLM-5.2": "not listed there",
  "together MiniMaxAI/MiniMax-M3": "not listed there",
  "together Qwen/Qwen3-Coder-Next-FP8": "not listed there",
  "together openai/gpt-oss-120b": "not listed there",
  "cohere command-a-plus-05-2026": "not listed there",
  "cohere command-a-03-2025": "listed there without a date",
  "cohere command-a-reasoning-08-2025": "not listed there",
  "cohere command-r7b-12-2024": "listed there without a date",
  "bedrock amazon.nova-2-lite-v1:0": "listed there as regional",
};

const CLASSES: readonly (readonly [keyof Rates, string])[] = [
  ["input", "input_mtok"],
  ["output", "output_mtok"],
  ["cacheRead", "cache_read_mtok"],
  ["cacheWrite5m", "cache_write_mtok"],
];

const MOMENTS = ["2026-11-20T12:00:00Z", "2026-11-20T02:30:00Z", "2027-01-02T12:00:00Z"];

/** Ids there are in lower case at some providers, and without the path of the account at Fireworks. */
function plain(id: string): string {
  return id.slice(id.startsWith("accounts/") ? id.lastIndexOf("/") + 1 : 0).toLowerCase();
}

function tieredOf(price: number | TieredPrices | undefined) {
  return typeof price === "object"
    ? { base: price.base, tier: price.tiers[0] }
    : { base: price, tier: undefined };
}

const absent: string[] = [];
let compared = 0;

for (const [kind, provider] of Object.entries(THEIR_PROVIDER)) {
  const theirs = findProvider({ providerId: provider })?.models ?? [];
  const idThere = new Map(theirs.map(({ id }) => [plain(id), id]));
  for (const model of book.wireIds(kind)) {
    const id = idThere.get(plain(model));
    if (id === undefined) {
      absent.push(`${kind} ${model}`);
      continue;
    }
    compared++;
    test(`${model} costs the same at ${kind} here and there`, () => {
      for (const time of MOMENTS) {
        const timestamp = new Date(time);
        const asked = model.startsWith("accounts/") ? model : id;
        const there = calcPrice({ input_tokens: 1 }, asked, { providerId: provider, timestamp });
        assert.equal(there?.model.id, id);
        const { rates, longContext } = book.resolve(model, Date.parse(time), kind);
        for (const [ours, name] of CLASSES) {
          const { base, tier } = tieredOf(there.model_price[name]);
          // Where it names no price for a class, ours is that of plain input.
          if (base === undefined) assert.equal(rates[ours], rates.input, ours);
          else assert.equal(Number(rates[ours]) / 1e6, base, `${ours} at ${time}`);
          assert.equal(base === undefined || longContext?.aboveTokens === tier?.start, true, ours);
          if (tier !== undefined) assert.equal(Number(longContext?.rates[ours]) / 1e6, tier.price);
        }
      }
    });
  }
}

test("every model is compared, or listed as absent there", () => {
  assert.ok(compared >= 85, `${compared} compared`);
  assert.deepEqual(absent.toSorted(), Object.keys(ABSENT_THERE).toSorted());
  const kinds = PROVIDER_TABLES.map((table) => table.kinds[0] ?? "");
  const known = [...Object.keys(THEIR_PROVIDER), ...UNKNOWN_THERE];
  assert.deepEqual(kinds.toSorted(), known.toSorted());
});

test("requests have the fee that is listed there", () => {
  for (const model of book.wireIds("perplexity")) {
    const there = calcPrice({ input_tokens: 1 }, model, { providerId: "perplexity" });
    const { requestPico } = book.resolve(model, Date.parse("2026-11-20"), "perplexity");
    assert.equal(Number(requestPico) / 1e9, there?.model_price["requests_kcount"], model);
  }
});
