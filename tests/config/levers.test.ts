/** Levers of scopes and rules: what they become, and every fault of them by its whole line. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { leversOf, printLevers } from "../../src/config/levers-build.ts";
import { NO_GOVERNANCE } from "../../src/config/governance-config.ts";
import { expressionFault } from "../../src/routing/rules/expression.ts";
import { configOf, faultsOf } from "./loading.ts";

const FRAME = "providers: [{ id: up, kind: rehearsal, models: { mine-*: own } }]\n";
const options = { expressionTrial: expressionFault };

/** Faults of levers of the file, which stand in line 2, without file and place. */
function leverFaults(levers: string): string[] {
  const lines = faultsOf(`${FRAME}levers: ${levers}\n`, options);
  return lines.map((line) => line.replace(/^tollgate\.yaml:2:\d+ /, ""));
}

test("a scope that says nothing shares what says nothing", () => {
  const { levers, leverRules, customers } = configOf("customers: [{ id: acme }]\n");
  assert.deepEqual([levers, leverRules], [null, []]);
  assert.equal(customers[0]?.governance, NO_GOVERNANCE);
});

test("levers are printed as the file has them", () => {
  const file = {
    thinking_budget_max: 4096,
    effort_max: "medium",
    max_tokens: 32_000,
    cache_ttl: "1h",
    background_model: "claude-haiku-5-5",
    subagent_model: "mine-1",
    models: { "claude-opus-*": "claude-sonnet-5-5" },
    strip_betas: ["context-1m-*"],
    fast_mode: "strip",
    web_search_max_uses: 3,
  };
  const { levers } = configOf(`${FRAME}levers: ${JSON.stringify(file)}\n`, options);
  assert.ok(levers !== null);
  assert.deepEqual(printLevers(levers), file);
  assert.deepEqual(printLevers(leversOf({ models: {}, strip_betas: [] })), {});
});

const CASES: readonly (readonly [levers: string, ...faults: string[]])[] = [
  ["{}", "levers: changes nothing: add a lever, such as max_tokens: 32000, or leave it out"],
  [
    "{ max_tokens: 4000, thinking_budget_max: 4000 }",
    "levers.thinking_budget_max: 4000 is no less than max_tokens 4000: thinking has to leave room for an answer",
  ],
  [
    "{ background_model: claude-haiku-5-6 }",
    'levers.background_model: no provider here has a model "claude-haiku-5-6" with a price: did you mean "claude-haiku-5-5"?',
  ],
  [
    "{ models: { claude-opus-*: claude-sonnet-5-5, claude-sonnet-*: claude-haiku-5-5 } }",
    'levers.models["claude-opus-*"]: leads to "claude-sonnet-5-5", which itself becomes "claude-haiku-5-5": write "claude-haiku-5-5" here',
  ],
  [
    '{ strip_betas: ["context-*"], long_context: refuse }',
    'levers.strip_betas[0]: "context-*" takes out what long_context: refuse looks at: keep one of the two',
  ],
  [
    "{ effort_max: huge }",
    'levers.effort_max: "huge" is not known here: use one of "low", "medium", "high", "xhigh", "max"',
  ],
];

for (const [levers, ...faults] of CASES)
  test(`faults of ${levers}`, () => {
    assert.deepEqual(leverFaults(levers), faults);
  });

test("a rule has an id of its own, and an expression over facts that there are", () => {
  const rules = [
    "  - { id: a, when: agent.dept > 0, levers: { max_tokens: 4000 } }",
    "  - { id: a, when: agent.depth > 0, levers: { max_tokens: 4000 } }",
  ];
  assert.deepEqual(faultsOf(`${FRAME}lever_rules:\n${rules.join("\n")}\n`, options), [
    'tollgate.yaml:3:20 lever_rules[0].when: at character 7 of the expression: no fact is called "agent.dept": did you mean "depth"?',
    'tollgate.yaml:4:11 lever_rules[1].id: duplicate id "a": give this rule another, the first is at line 3',
  ]);
});
