/** What is left of a key's providers and models: never more than it had, in its own order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NO_GOVERNANCE } from "../../config/governance-config.ts";
import type { AccessList } from "../../config/access-config.ts";
import type { PlanProvider } from "../plan.ts";
import { createAccessCompiler } from "./chain.ts";
import { narrowed } from "./narrow.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000_000);
const IDS = ["anthropic", "bedrock", "openai"] as const;
const MODELS = ["claude-a", "claude-b", "gpt-a"] as const;
const PATTERNS = [...IDS, ...MODELS, "*", "claude-*", "*-a", "b*"] as const;

function use(id: string, models: readonly string[]): PlanProvider {
  const provider = { id } as PlanProvider["provider"];
  const allows = (model: string) => models.includes(model);
  return { provider, allows, meters: [], accounts: new Map() };
}

const list: fc.Arbitrary<AccessList> = fc.record({
  allow: fc.option(fc.array(fc.constantFrom<string>(...PATTERNS), { maxLength: 3 })),
  deny: fc.array(fc.constantFrom<string>(...PATTERNS), { maxLength: 2 }),
});
const level = fc.record({ providers: list, models: list }, { requiredKeys: [] });
const owns = fc.record(
  Object.fromEntries(IDS.map((id) => [id, fc.subarray([...MODELS])])) as Record<
    (typeof IDS)[number],
    fc.Arbitrary<(typeof MODELS)[number][]>
  >,
  { requiredKeys: [] },
);

/** By every pattern of these lists alone: a star stands for anything, in front or behind. */
function names(pattern: string, value: string): boolean {
  if (pattern.endsWith("*")) return value.startsWith(pattern.slice(0, -1));
  if (pattern.startsWith("*")) return value.endsWith(pattern.slice(1));
  return pattern === value;
}

function passes({ allow, deny }: AccessList, value: string): boolean {
  if (deny.some((pattern) => names(pattern, value))) return false;
  return allow === null || allow.some((pattern) => names(pattern, value));
}

test("what is left is what the key has and every level allows", () => {
  console.log(`seed ${SEED}`);
  fc.assert(
    fc.property(owns, fc.array(level, { maxLength: 3 }), (own, levels) => {
      const uses = Object.entries(own).map(([id, models]) => use(id, models));
      const compile = createAccessCompiler({ mode: "enforce", access: null });
      const chain = compile(
        levels.map((lists, index) => ({
          scope: { type: "virtual_key" as const, id: String(index) },
          governance: { ...NO_GOVERNANCE, mode: null, access: { lists, hours: null } },
        })),
      );
      const { providers, barred } = narrowed(uses, chain);
      const allows = (about: "models" | "providers", value: string) =>
        levels.every((lists) => lists[about] === undefined || passes(lists[about], value));
      const left = uses.filter(({ provider }) => allows("providers", provider.id));
      assert.deepEqual(
        providers.map(({ provider }) => provider.id),
        left.map(({ provider }) => provider.id),
      );
      assert.equal(barred.length, uses.length - left.length);
      for (const each of providers)
        for (const model of [...MODELS, ...MODELS]) {
          const had = own[each.provider.id as (typeof IDS)[number]] ?? [];
          assert.equal(each.allows(model), had.includes(model) && allows("models", model));
        }
    }),
    { seed: SEED, numRuns: 1_000 },
  );
});

test("levels that observe take nothing away", () => {
  const lists = { providers: { allow: [], deny: [] }, models: { allow: [], deny: [] } };
  const chain = createAccessCompiler({ mode: "observe", access: { lists, hours: null } })([]);
  const own = [use("anthropic", ["claude-a"])];
  const { providers, barred } = narrowed(own, chain);
  assert.equal(providers, own);
  assert.deepEqual(barred, []);
});
