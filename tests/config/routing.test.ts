/** The routing section: what it becomes, and every fault of it by its whole line. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { expressionFault } from "../../src/routing/rules/expression.ts";
import { configOf, faultsOf, HIDDEN } from "./loading.ts";

const PROVIDERS = "providers: [{ id: up, kind: rehearsal }, { id: spare, kind: rehearsal }]\n";
const options = { expressionTrial: expressionFault };

/** The faults of rules that stand below `routing: { rules: [` from line 3 on, without the file's name. */
function ruleFaults(...rules: readonly string[]): string[] {
  const text = `${PROVIDERS}routing:\n  rules:\n${rules.map((rule) => `    - ${rule}\n`).join("")}`;
  return faultsOf(text, options).map((line) => line.replace("tollgate.yaml:", ""));
}

test("without a routing section there are no rules", () => {
  const { onUnsupported, rules } = configOf(PROVIDERS).routing;
  assert.deepEqual([onUnsupported, rules], ["refuse", []]);
});

test("a rule with everything", () => {
  const { routing } = configOf(
    `${PROVIDERS}routing:
  on_unsupported: drop
  rules:
    - id: one
      when: 'task.type == "title" && input.bytes < 60000'
      targets:
        - { provider: up, model: gpt-5-mini, weight: 3 }
        - { provider: spare, priority: 2 }
      models: { "claude-opus-*": claude-sonnet-5-5 }
      on_unsupported: refuse
      fallbacks: { context_length: [{ model: claude-sonnet-5-5 }] }
    - { id: two, policy: budget_step_down, above_percent: 90, level: team }
`,
    options,
  );
  assert.equal(routing.onUnsupported, "drop");
  assert.deepEqual(routing.rules[0], {
    id: "one",
    when: 'task.type == "title" && input.bytes < 60000',
    policy: null,
    targets: [
      { provider: "up", model: "gpt-5-mini", weight: 3, priority: 1 },
      { provider: "spare", model: null, weight: 1, priority: 2 },
    ],
    models: [{ from: "claude-opus-*", to: "claude-sonnet-5-5" }],
    onUnsupported: "refuse",
    fallbacks: {
      contextLength: [{ provider: null, model: "claude-sonnet-5-5", weight: 1, priority: 1 }],
      contentPolicy: [],
    },
  });
  const two = routing.rules[1];
  assert.deepEqual(two?.policy, { kind: "budget_step_down", abovePercent: 90, level: "team" });
  assert.equal(two.onUnsupported, "drop");
  assert.ok(two.models.length > 0, "a step down has models of its own");
});

const EXPRESSION_FAULTS: readonly (readonly [when: string, fault: string])[] = [
  [
    'task.typ == "title"',
    'at character 6 of the expression: no fact is called "task.typ": did you mean "type"?',
  ],
  [
    'tsk.type == "title"',
    'at character 1 of the expression: no fact is called "tsk": did you mean "task"?',
  ],
  [
    "budget.utilization.team > 0.8",
    'at character 8 of the expression: no fact is called "budget.utilization": did you mean "utilisation"?',
  ],
  [
    'task.type == "titel"',
    'at character 14 of the expression: task.type is never "titel": did you mean "title"?',
  ],
  [
    "providers.spaer.healthy",
    'at character 11 of the expression: no provider has the id "spaer": did you mean "spare"?',
  ],
  [
    "providers.up.helthy",
    'at character 14 of the expression: no fact is called "providers.up.helthy": did you mean "healthy"?',
  ],
  ['input.bytes < "big"', "at character 1 of the expression: no such overload: int < string"],
  ["input.bytes", "at character 1 of the expression: it gives int, not true or false"],
  ["input.bytes <", "at character 14 of the expression: Unexpected token: EOF"],
  [
    'model.matches("(a+)+$")',
    "at character 1 of the expression: matches is not available: use ==, in, startsWith, endsWith or contains",
  ],
];

for (const [when, fault] of EXPRESSION_FAULTS) {
  test(`a faulty expression: ${when}`, () => {
    const rule = `{ id: a, models: { x: y }, when: '${when}' }`;
    assert.deepEqual(ruleFaults(rule), [`4:40 routing.rules[0].when: ${fault}`]);
  });
}

test("a fault in an expression of several lines names its line", () => {
  const [line] = ruleFaults(
    "{ id: a, models: { x: y } }",
    'id: b\n      models: { x: y }\n      when: |\n        stream &&\n        task.typ == "title"',
  );
  assert.equal(
    line,
    '7:13 routing.rules[1].when: at line 2, character 6 of the expression: no fact is called "task.typ": did you mean "type"?',
  );
});

test("all faults of all rules are told at once", () => {
  const faults = ruleFaults(
    "{ id: a, targets: [{ provider: upp }], when: 'strem' }",
    "{ id: a, policy: weighted, min_depth: 2 }",
    "{ id: c, policy: price_ceiling }",
    "{ id: d, min_depth: 2, models: { x: y } }",
    "{ id: e, when: 'true' }",
    "{ id: f, policy: weihgted }",
    "{ id: g, models: { x: 'y*' }, targets: [{ weight: 0 }] }",
    "{ id: h, fallbacks: { content_policy: [{ provider: nowhere }] } }",
  );
  assert.deepEqual(
    faults.map((line) => line.replace(/^\d+:\d+ routing\./, "")),
    [
      'rules[0].targets[0].provider: no provider has the id "upp": did you mean "up"?',
      'rules[0].when: at character 1 of the expression: no fact is called "strem": did you mean "stream"?',
      "rules[1]: weighted needs targets: add some with weights",
      'rules[1].id: duplicate id "a": give this rule another, the first is at line 4',
      'rules[1].min_depth: does not belong here: the policy weighted takes "targets"',
      "rules[2]: price_ceiling needs a price: add max_input_price or max_output_price",
      "rules[3].min_depth: does not belong here: it is for the policy subagents_cheaper",
      "rules[4]: changes nothing: add targets, models or a policy",
      'rules[5].policy: "weihgted" is not known here: did you mean "weighted"?',
      'rules[6].models.x: "y*" is not a model: write one name without spaces or wildcards, such as claude-haiku-5-5',
      "rules[6].targets[0].weight: 0 is too small: write more than 0",
      'rules[7].fallbacks.content_policy[0].provider: no provider has the id "nowhere": use one of "up", "spare"',
    ],
  );
});

test("a credential that is pasted into an expression is never repeated", () => {
  for (const when of [
    `sk-ant-api03-${HIDDEN}0123456789`,
    `vk_${HIDDEN}abcdefghijklmnopq`,
    `"AKIA${"Q".repeat(16)}" + 1`,
  ]) {
    const faults = ruleFaults(`{ id: a, models: { x: y }, when: '${when}' }`);
    assert.equal(faults.length, 1, when);
    assert.ok(!faults.join("").includes(HIDDEN) && !faults.join("").includes("QQQQ"), faults[0]);
  }
});
