/** Levers change the bytes that they name and no other, once and for all, and more levers never ask for more. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { EFFORTS, type LeversConfig } from "../config/levers-config.ts";
import { scanMessagesBody } from "../wire/anthropic/scan.ts";
import { spliceBody } from "../wire/anthropic/splice.ts";
import { joinLevers, leversBy, type Levers } from "../policy/levers/levers.ts";
import { disallowed, rewritingOf, type Asked } from "./lever-rewrite.ts";

const SEED = 20_261_124;
const RUNS = 300;
const NOTHING: LeversConfig = {
  thinkingBudgetMax: null,
  effortMax: null,
  maxTokens: null,
  cacheTtl: null,
  backgroundModel: null,
  subagentModel: null,
  models: [],
  stripBetas: [],
  longContext: null,
  fastMode: null,
  webSearchMaxUses: null,
};

type Json = Record<string, unknown>;
type Case = Pick<Asked, "betas" | "taskType" | "isAgent" | "isCount"> & { readonly text: string };

const MAIN = { betas: [], taskType: "main", isAgent: false, isCount: false } as const;

function askedOf({ text, ...rest }: Case, cut = 7): Asked {
  const bytes = Buffer.from(text);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += cut * 13)
    chunks.push(bytes.subarray(at, at + cut * 13));
  const scanned = scanMessagesBody(chunks);
  assert.ok(scanned.ok, text);
  return { ...rest, body: scanned.body, chunks, maxUsesDefault: 10 };
}

interface Rewritten {
  readonly text: string;
  readonly json: Json;
  readonly betas: readonly string[];
  readonly levers: readonly string[];
}

function rewritten(levers: Levers, of: Case): Rewritten {
  const asked = askedOf(of);
  const { edits, betas, changes } = rewritingOf(levers, asked);
  const text = Buffer.concat(spliceBody(asked.chunks, edits)).toString("utf8");
  const json = JSON.parse(text) as Json;
  return { text, json, betas: betas ?? asked.betas, levers: changes.map(({ lever }) => lever) };
}

const lever = (some: Partial<LeversConfig>, by = "team/platform"): Levers =>
  leversBy({ ...NOTHING, ...some }, by);

const tokens = fc.integer({ min: 2048, max: 64_000 });
const model = fc.constantFrom("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "x[1m]");
const marker = fc.constantFrom(
  { type: "ephemeral" },
  { type: "ephemeral", ttl: "1h" },
  { ttl: "5m", type: "ephemeral" },
  null,
);
/** Texts that look like markers, and values in which a marker is no marker. */
const decoy = fc.constantFrom(
  'a "cache_control":{"type":"ephemeral"} b',
  '\\"speed\\":\\"fast\\" ü 🦊',
  "",
);
const block = fc
  .record({ words: decoy, marker: fc.option(marker, { nil: undefined }) })
  .map(({ words, marker: own }) => ({
    type: "text",
    text: words,
    ...(own === undefined ? {} : { cache_control: own }),
  }));
const result = block.map((inner) => ({
  type: "tool_result",
  tool_use_id: "toolu_1",
  content: [inner],
}));
const use = decoy.map((words) => ({
  type: "tool_use",
  id: "toolu_1",
  name: "Edit",
  input: { cache_control: { type: "ephemeral" }, effort: "max", words },
}));
const tool = fc.oneof(
  block.map((inner) => ({
    name: "Edit",
    input_schema: { properties: { cache_control: { type: "object" }, text: inner.text } },
    ...("cache_control" in inner ? { cache_control: inner.cache_control } : {}),
  })),
  fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }).map((uses) => ({
    type: "web_search_20250305",
    name: "web_search",
    ...(uses === undefined ? {} : { max_uses: uses }),
  })),
);
const body = fc
  .record(
    {
      model,
      max_tokens: fc.integer({ min: 1, max: 128_000 }),
      system: fc.array(block, { maxLength: 2 }),
      tools: fc.array(tool, { maxLength: 3 }),
      messages: fc.array(
        fc.record({
          role: fc.constantFrom("user", "assistant"),
          content: fc.oneof(decoy, fc.array(fc.oneof(block, result, use), { maxLength: 3 })),
        }),
        { maxLength: 3 },
      ),
      thinking: fc.oneof(
        fc.constant({ type: "adaptive" }),
        fc.integer({ min: 1024, max: 60_000 }).map((budget) => ({
          type: "enabled",
          budget_tokens: budget,
        })),
      ),
      output_config: fc.record({ effort: fc.constantFrom(...EFFORTS, "beyond") }),
      speed: fc.constantFrom("fast", "standard"),
      metadata: fc.constant({ user_id: "u" }),
    },
    { requiredKeys: ["model", "messages"] },
  )
  .chain((fields) =>
    fc
      .shuffledSubarray(Object.keys(fields), { minLength: Object.keys(fields).length })
      .map((names) =>
        Object.fromEntries(names.map((name) => [name, fields[name as keyof typeof fields]])),
      ),
  );
const request: fc.Arbitrary<Case> = fc
  .record({
    fields: body,
    indent: fc.constantFrom(0, 1),
    betas: fc.subarray(["context-1m-2025-08-07", "effort-2025-11-24", "other"]),
    taskType: fc.constantFrom("main", "subagent", "title", "auxiliary", "other"),
    isAgent: fc.boolean(),
    isCount: fc.boolean(),
  })
  .map(({ fields, indent, ...rest }) => ({ ...rest, text: JSON.stringify(fields, null, indent) }));

const option = <Value>(values: fc.Arbitrary<Value>) => fc.option(values, { nil: null });
const config: fc.Arbitrary<LeversConfig> = fc.record({
  thinkingBudgetMax: option(fc.integer({ min: 1024, max: 40_000 })),
  effortMax: option(fc.constantFrom(...EFFORTS)),
  maxTokens: option(tokens),
  cacheTtl: option(fc.constantFrom("as_asked", "5m", "1h")),
  backgroundModel: option(fc.constant("claude-haiku-5-5")),
  subagentModel: option(fc.constant("claude-sonnet-5-5")),
  models: fc.subarray([{ from: "claude-opus-*", to: "claude-sonnet-5-5" }]),
  stripBetas: fc.subarray(["context-*", "other"]),
  longContext: option(fc.constant("refuse" as const)),
  fastMode: option(fc.constantFrom("refuse", "strip")),
  webSearchMaxUses: option(fc.integer({ min: 1, max: 12 })),
});
const levers = fc
  .array(config, { minLength: 1, maxLength: 3 })
  .map((configs) => configs.map((one, index) => leversBy(one, `level/${index}`)))
  .map((list) => list.reduce(joinLevers));

const holds = (property: fc.IProperty<[Case, Levers]> | fc.IProperty<[Case, Levers, Levers]>) =>
  fc.assert(property as fc.IProperty<unknown>, { seed: SEED, numRuns: RUNS });

describe("levers", () => {
  test("change what they name, and leave every other value and all order as it was", () => {
    holds(
      fc.property(request, levers, (of, some) => {
        const before = JSON.parse(of.text) as Json;
        const { json, levers: named, text } = rewritten(some, of);
        if (named.length === 0) assert.equal(text, of.text);
        assert.deepEqual(without(json, named), without(before, named));
        const kept = (all: Json) => Object.keys(all).filter((name) => name !== "speed");
        const added = Object.keys(before).includes("max_tokens") ? [] : ["max_tokens"];
        const inOrder = kept(json).filter((name) => !added.includes(name));
        assert.deepEqual(
          inOrder,
          kept(before).filter((name) => !added.includes(name)),
        );
      }),
    );
  });

  test("leave a request that they have rewritten as it is", () => {
    holds(
      fc.property(request, levers, (of, some) => {
        const once = rewritten(some, of);
        const twice = rewritten(some, { ...of, text: once.text, betas: once.betas });
        assert.deepEqual(twice.levers, []);
        assert.equal(twice.text, once.text);
      }),
    );
  });

  test("of more scopes never ask for more, and refuse what one of them refuses", () => {
    holds(
      fc.property(request, levers, levers, (of, outer, inner) => {
        const both = joinLevers(outer, inner);
        const asked = askedOf(of);
        const [one, joined] = [rewritten(outer, of).json, rewritten(both, of).json];
        for (const amount of [maxTokens, budgetTokens, effort, searches])
          assert.ok(amount(joined) <= amount(one), amount.name);
        for (const single of [outer, inner])
          if (disallowed(single, asked) !== null) assert.ok(disallowed(both, asked) !== null);
      }),
    );
  });

  test("keep thinking below a lowered max_tokens, and set every marker to one life", () => {
    holds(
      fc.property(request, levers, (of, some) => {
        const { json, levers: named } = rewritten(some, of);
        if (named.includes("max_tokens") && budgetTokens(json) > 0)
          assert.ok(budgetTokens(json) < maxTokens(json));
        const { value } = some.cacheTtl ?? { value: "as_asked" };
        if (of.isCount || value === "as_asked") return;
        for (const ttl of ttlsOf(json)) assert.equal(ttl, value);
      }),
    );
  });

  test("take the least cap, name whose it is, and let the inner scope choose models and lives", () => {
    const outer = lever({ maxTokens: 8000, cacheTtl: "1h", subagentModel: "a" }, "customer/acme");
    const inner = lever({ maxTokens: 9000, cacheTtl: "5m", subagentModel: "b" }, "team/platform");
    const both = joinLevers(outer, inner);
    assert.deepEqual(both.maxTokens, { value: 8000, by: "customer/acme" });
    assert.deepEqual(both.cacheTtl, { value: "5m", by: "team/platform" });
    assert.deepEqual(both.subagentModel, { value: "b", by: "team/platform" });
  });

  test("reach a thinking budget and an effort however they are written", () => {
    const padding = " ".repeat(5000);
    const some = lever({ thinkingBudgetMax: 2048, effortMax: "low" });
    const text =
      `{"model":"m","max_tokens":9000,"thinking":{"type":"enabled",${padding}` +
      `"budget\\u005ftokens":8e3},"output_config":{"eff\\u006frt":"m\\u0061x"${padding}}}`;
    assert.equal(
      rewritten(some, { ...MAIN, text }).text,
      text.replace("8e3", "2048").replace('"m\\u0061x"', '"low"'),
    );
  });

  test("rewrite a count's model alone, and refuse no count", () => {
    const some = lever({
      maxTokens: 4096,
      longContext: "refuse",
      models: [{ from: "claude-opus-*", to: "claude-haiku-5-5" }],
    });
    const count = { ...MAIN, isCount: true, text: '{"model":"claude-opus-5-5[1m]","messages":[]}' };
    assert.equal(rewritten(some, count).text, '{"model":"claude-haiku-5-5","messages":[]}');
    assert.equal(disallowed(some, askedOf(count)), null);
  });
});

function maxTokens(json: Json): number {
  return Number(json["max_tokens"] ?? Infinity);
}

function budgetTokens({ thinking }: Json): number {
  return Number((thinking as Json | undefined)?.["budget_tokens"] ?? 0);
}

function effort({ output_config: asked }: Json): number {
  if (asked === undefined) return -1;
  const rank = EFFORTS.indexOf((asked as Json)["effort"] as "low");
  return rank < 0 ? EFFORTS.length : rank;
}

function searches({ tools }: Json): number {
  const uses = ((tools ?? []) as Json[]).filter(({ type }) => type === "web_search_20250305");
  return uses.reduce((sum, each) => sum + Number(each["max_uses"] ?? 10), 0);
}

function ttlsOf(json: Json): string[] {
  const blocks = [json["system"], json["tools"]].flatMap((list) => (list ?? []) as Json[]);
  const contents = ((json["messages"] ?? []) as Json[]).flatMap(({ content }) =>
    Array.isArray(content) ? (content as Json[]) : [],
  );
  const inner = contents.flatMap(({ content }) => (content ?? []) as Json[]);
  return [...blocks, ...contents, ...inner].flatMap(({ cache_control: own }) =>
    own === undefined || own === null ? [] : [((own as Json)["ttl"] as string | undefined) ?? "5m"],
  );
}

/** The values without what these levers may change. */
function without(json: Json, named: readonly string[]): unknown {
  const copy = structuredClone(json);
  const has = (name: string) => named.includes(name);
  if (has("models") || has("background_model") || has("subagent_model")) delete copy["model"];
  if (has("max_tokens")) delete copy["max_tokens"];
  if (has("thinking_budget_max")) delete (copy["thinking"] as Json)["budget_tokens"];
  if (has("effort_max")) delete (copy["output_config"] as Json)["effort"];
  if (has("fast_mode")) delete copy["speed"];
  if (has("web_search_max_uses"))
    for (const each of copy["tools"] as Json[]) if ("type" in each) delete each["max_uses"];
  return has("cache_ttl") ? withoutTtls(copy) : copy;
}

function withoutTtls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTtls);
  if (typeof value !== "object" || value === null) return value;
  const isInput = "words" in value || "properties" in value;
  const entries = Object.entries(value).filter(([name]) => isInput || name !== "ttl");
  return Object.fromEntries(entries.map(([name, each]) => [name, withoutTtls(each)]));
}
