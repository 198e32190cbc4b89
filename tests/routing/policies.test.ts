/** Ready-made policies, each as the file writes it: what takes a request, and where it goes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RoutingRuleConfig } from "../../src/config/routing-config.ts";
import type { ProviderFacts, RequestFacts } from "../../src/routing/rules/facts.ts";
import { configOf } from "../config/loading.ts";
import { decideBy, PRICES } from "./rules-desk.ts";

const PROVIDERS = "providers: [{ id: up, kind: rehearsal }, { id: spare, kind: rehearsal }]\n";

/** The rule as it is written in a file. */
function written(fields: string): RoutingRuleConfig[] {
  const text = `${PROVIDERS}routing: { rules: [{ id: r, ${fields} }] }\n`;
  return [...configOf(text).routing.rules];
}

/** "provider/model" of each group; null where no rule took the request. */
function taken(fields: string, request: Partial<RequestFacts>): string[] | null {
  const { rule, groups } = decideBy(written(fields), request);
  if (rule === null) return null;
  return groups.map((group) =>
    group.map(({ provider, model }) => `${provider}/${model ?? "as asked"}`).join("+"),
  );
}

const TITLE = { task: { type: "title", source: "heuristic" } } as const;
const AGENT = { agent: { id: "a", depth: 1 } };

test("background_to_smallest: side calls ask for the smallest model, the main loop does not", () => {
  const small = ["up/claude-haiku-5-5", "spare/claude-haiku-5-5"];
  assert.deepEqual(taken("policy: background_to_smallest", TITLE), small);
  assert.equal(taken("policy: background_to_smallest", {}), null);
  const other = "policy: background_to_smallest, model: gpt-5-mini";
  assert.deepEqual(taken(other, TITLE), ["up/gpt-5-mini", "spare/gpt-5-mini"]);
  assert.equal(taken(`${other}, when: 'team == "other"'`, TITLE), null);
});

test("subagents_cheaper: from its depth on, and only models that it names", () => {
  const sonnet = ["up/claude-sonnet-5-5", "spare/claude-sonnet-5-5"];
  assert.deepEqual(taken("policy: subagents_cheaper", AGENT), sonnet);
  assert.equal(taken("policy: subagents_cheaper", {}), null);
  assert.equal(taken("policy: subagents_cheaper, min_depth: 2", AGENT), null);
  assert.equal(taken("policy: subagents_cheaper", { ...AGENT, model: "claude-haiku-5-5" }), null);
  const own = "policy: subagents_cheaper, models: { claude-haiku-5-5: tiny }";
  assert.deepEqual(taken(own, { ...AGENT, model: "claude-haiku-5-5" }), ["up/tiny", "spare/tiny"]);
});

test("budget_step_down: above its share of the level's budget", () => {
  const at = (team: number, max: number): Partial<RequestFacts> => ({
    utilisation: () => ({ customer: 0, team, owner: 0, virtual_key: 0, max }),
  });
  const sonnet = ["up/claude-sonnet-5-5", "spare/claude-sonnet-5-5"];
  assert.equal(taken("policy: budget_step_down", at(0, 0.8)), null);
  assert.deepEqual(taken("policy: budget_step_down", at(0, 0.81)), sonnet);
  const team = "policy: budget_step_down, level: team, above_percent: 50";
  assert.equal(taken(team, at(0.5, 1)), null);
  assert.deepEqual(taken(team, at(0.51, 1)), sonnet);
});

const KNOWN: Readonly<Record<string, Partial<ProviderFacts>>> = {
  "up/dear": { inputPrice: 5, outputPrice: 25, latencyMs: 100 },
  "up/cheap": { inputPrice: 1, outputPrice: 5, latencyMs: 300 },
  "spare/cheap": { inputPrice: 1, outputPrice: 5, latencyMs: 200, contextWindowTokens: 8000 },
  "spare/unknown": { inputPrice: null, outputPrice: null, healthy: false },
};
const TARGETS =
  "targets: [{ model: dear, provider: up }, { provider: spare, model: unknown }, { model: cheap }]";
const provider: RequestFacts["provider"] = (id, model) => ({
  ...PRICES,
  ...KNOWN[`${id}/${model}`],
});

test("cheapest_capable: by the cost of this request; what cannot hold its input is left out", () => {
  const policy = `policy: cheapest_capable, ${TARGETS}`;
  assert.deepEqual(taken(policy, { provider }), ["up/cheap", "up/dear", "spare/unknown"]);
  const short = { provider, input: { bytes: 4000, tokensEstimate: 1000 } };
  assert.deepEqual(taken(policy, short), ["up/cheap+spare/cheap", "up/dear", "spare/unknown"]);
  assert.deepEqual(taken("policy: cheapest_capable", { provider }), ["up/as asked+spare/as asked"]);
});

test("lowest_latency: what is healthy and quick comes first", () => {
  const order = ["up/dear", "spare/cheap", "up/cheap", "spare/unknown"];
  assert.deepEqual(taken(`policy: lowest_latency, ${TARGETS}`, { provider }), order);
});

test("price_ceiling: dearer targets and those without a price are left out", () => {
  const policy = `policy: price_ceiling, max_output_price: 10, ${TARGETS}`;
  assert.deepEqual(taken(policy, { provider }), ["up/cheap", "spare/cheap"]);
  assert.equal(taken("policy: price_ceiling, max_input_price: 0.5", { provider }), null);
  assert.deepEqual(taken("policy: price_ceiling, max_input_price: 1", { provider }), [
    "up/as asked",
    "spare/as asked",
  ]);
});

test("weighted: its targets, with their weights", () => {
  const rules = written(
    "policy: weighted, targets: [{ provider: up, weight: 9 }, { provider: spare }]",
  );
  const [group] = decideBy(rules, {}).groups;
  assert.deepEqual(
    group?.map(({ weight }) => weight),
    [9, 1],
  );
});
