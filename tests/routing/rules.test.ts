/** Decisions: which rule takes a request, what its targets are, and that explaining says the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { aRule, aTarget, decideBy, facts, PRICES, source } from "./rules-desk.ts";
import { compileRouting, type RuleFailure } from "../../src/routing/rules/routing.ts";
import { orderOf } from "../../src/routing/rules/decision.ts";
import type { RequestFacts } from "../../src/routing/rules/facts.ts";

const OWN = [
  [{ provider: "up", model: null, weight: 1 }],
  [{ provider: "spare", model: null, weight: 1 }],
];

test("without rules a request has its key's own providers, in their order", () => {
  const decision = decideBy([], {});
  assert.equal(decision.rule, null);
  assert.deepEqual(decision.groups, OWN);
  const narrow = decideBy([], { allows: (provider) => provider === "spare" });
  assert.deepEqual(narrow.groups, OWN.slice(1));
});

test("the first rule that holds takes the request", () => {
  const rules = [
    aRule({ id: "no", when: "input.bytes > 100000" }),
    aRule({ id: "yes", when: 'team == "platform" && input.bytes < 100000' }),
    aRule({ id: "late" }),
  ];
  assert.equal(decideBy(rules, {}).rule, "yes");
});

test("a rule that leaves no target that the key may use is passed over", () => {
  const rules = [
    aRule({ id: "forbidden", targets: [aTarget({ provider: "spare", model: "gpt-5-mini" })] }),
    aRule({ id: "allowed", targets: [aTarget({ provider: "up" })] }),
  ];
  const allows: RequestFacts["allows"] = (_provider, model) => model.startsWith("claude-");
  assert.equal(decideBy(rules, { allows }).rule, "allowed");
});

test("targets are grouped by priority; those that the key may not use are left out", () => {
  const targets = [
    aTarget({ provider: "spare", priority: 2 }),
    aTarget({ provider: "up", model: "a", weight: 3 }),
    aTarget({ provider: "spare", model: "b" }),
    aTarget({ provider: "up", model: "forbidden" }),
  ];
  const { groups } = decideBy([aRule({ targets })], {
    allows: (_, model) => model !== "forbidden",
  });
  assert.deepEqual(groups, [
    [
      { provider: "up", model: "a", weight: 3 },
      { provider: "spare", model: "b", weight: 1 },
    ],
    [{ provider: "spare", model: null, weight: 1 }],
  ]);
});

test("models are mapped where a target names none, and a target without provider means the key's", () => {
  const models = [{ from: "claude-opus-*", to: "claude-sonnet-5-5" }];
  const targets = [aTarget({}), aTarget({ model: "other", priority: 2 })];
  const { groups } = decideBy([aRule({ models, targets })], {
    model: "claude-opus-5-5[1m]",
    allows: (provider, model) => provider === "up" || model === "claude-sonnet-5-5",
  });
  assert.deepEqual(groups, [
    [{ provider: "up", model: "claude-sonnet-5-5", weight: 1 }],
    [{ provider: "spare", model: "claude-sonnet-5-5", weight: 1 }],
    [{ provider: "up", model: "other", weight: 1 }],
  ]);
});

test("fallbacks are those that the key may use", () => {
  const fallbacks = {
    contextLength: [aTarget({ provider: "spare", model: "long" }), aTarget({ model: "never" })],
    contentPolicy: [],
  };
  const decision = decideBy([aRule({ fallbacks })], { allows: (_, model) => model !== "never" });
  assert.deepEqual(decision.fallbacks.contextLength, [
    { provider: "spare", model: "long", weight: 1 },
  ]);
});

test("a rule whose expression fails is skipped and told each time", () => {
  const failures: RuleFailure[] = [];
  const rules = [
    aRule({ id: "fails", when: '"x" in labels || labels.tier != "gold"' }),
    aRule({ id: "next" }),
  ];
  const routing = compileRouting(source(rules), (failure) => failures.push(failure));
  assert.equal(routing.decide(facts({})).rule, "next");
  assert.equal(routing.decide(facts({ labels: { tier: "gold" } })).rule, "next");
  assert.equal(routing.decide(facts({ labels: { tier: "base" } })).rule, "fails");
  assert.equal(routing.decide(facts({})).rule, "next");
  assert.deepEqual(
    failures.map(({ rule, count }) => [rule, count]),
    [
      ["fails", 1],
      ["fails", 2],
    ],
  );
  const [outcome] = routing.explain(facts({})).rules;
  assert.equal(outcome?.outcome, "failed");
  assert.equal(failures.length, 2, "explaining is no failure");
});

test("whatever an expression throws on a request is that rule's failure alone", () => {
  for (const when of ["int(model) > 3", 'bytes(model).json().a == "x"', "1 / agent.depth > 0"]) {
    const failures: RuleFailure[] = [];
    const rules = [aRule({ id: "fails", when }), aRule({ id: "next" })];
    const routing = compileRouting(source(rules), (failure) => failures.push(failure));
    assert.equal(routing.decide(facts({})).rule, "next", when);
    assert.equal(failures.length, 1, when);
    assert.ok(!failures[0]?.message.includes("\n"), when);
  }
});

test("a label that is missing equals nothing, and is no failure", () => {
  const told = (): never => assert.fail("no expression fails");
  const routing = compileRouting(source([aRule({ when: 'labels.tier == "gold"' })]), told);
  assert.equal(routing.decide(facts({})).rule, null);
  assert.equal(routing.decide(facts({ labels: { tier: "gold" } })).rule, "rule");
});

test("what costs something to know is asked for only where a rule needs it", () => {
  const dear = {
    utilisation: () => assert.fail("nobody asked for budgets"),
    provider: () => assert.fail("nobody asked for providers"),
  };
  const rules = [
    aRule({ when: 'budget.utilisation.max > 0.5 && task.type == "title"' }),
    aRule({}),
  ];
  const routing = compileRouting(source(rules));
  assert.ok(routing.mentions.has("budget.utilisation.max") && !routing.mentions.has("providers"));
  assert.equal(routing.decide(facts(dear)).rule, "rule");
});

test("hour and weekday are those of the file's zone", () => {
  const at = { atMs: Date.parse("2026-11-22T23:30:00Z") };
  const when = 'time.hour == 0 && time.weekday == "monday" && time.zone == "Europe/Berlin"';
  assert.equal(decideBy([aRule({ when })], at, "Europe/Berlin").rule, "rule");
  assert.equal(decideBy([aRule({ when: "time.hour == 23" })], at, "UTC").rule, "rule");
});

test("facts of providers: health, latency and prices of the model asked for", () => {
  const provider: RequestFacts["provider"] = (id, model) => ({
    ...PRICES,
    healthy: id !== "up",
    latencyMs: id === "spare" ? 250 : null,
    inputPrice: model === "claude-opus-5-5" ? 5 : null,
  });
  const holds = (when: string): boolean => decideBy([aRule({ when })], { provider }).rule !== null;
  assert.ok(holds("!providers.up.healthy && providers.spare.healthy"));
  assert.ok(holds('providers["spare"].latency_ms > 200 && providers.up.latency_ms == 0.0'));
  assert.ok(holds("providers.spare.input_price < 6"));
  assert.ok(holds("providers.exists(id, providers[id].healthy)"));
});

test("a share is drawn by weight, group by group", () => {
  const group = [
    { provider: "a", model: null, weight: 3 },
    { provider: "b", model: null, weight: 1 },
  ];
  const last = [{ provider: "c", model: null, weight: 1 }];
  const orders = [0, 0.74, 0.76, 0.999].map((draw) =>
    orderOf([group, last], () => draw)
      .map(({ provider }) => provider)
      .join(""),
  );
  assert.deepEqual(orders, ["abc", "abc", "bac", "bac"]);
});

const atoms = fc.constantFrom(
  'task.type == "title"',
  'task.type in ["main", "subagent"]',
  "input.bytes < 60000",
  "60000 <= input.bytes",
  "input.bytes > 59999",
  "input.bytes + max_tokens * 2 - 10 > 60000",
  "budget.utilisation.max * 2.0 >= 1.0",
  "max_tokens * 9007199254740991 > 5",
  "agent.depth < max_tokens",
  "labels.tier == owner",
  "input.tokens_estimate > 100.5",
  "max_tokens >= -1",
  'model.startsWith("claude-opus")',
  'labels.tier == "gold"',
  'labels["tier"] != "gold"',
  "thinking",
  "!stream",
  "agent.depth == 1",
  'owner in ["", "ada"]',
  "budget.utilisation.team > 0.5",
  "0.4 < budget.utilisation.max",
  '"claude-haiku-5-5" == model',
  'owner != "ada"',
  'labels.tier.startsWith("g")',
  'model.endsWith("5") && model.contains("opus")',
  "providers.up.healthy",
);
const expression = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    atoms,
    fc
      .tuple(tie("any"), fc.constantFrom("&&", "||"), tie("any"))
      .map(([a, operator, b]) => `(${a} ${operator} ${b})`),
    tie("any").map((inner) => `!(${inner})`),
  ),
})).any;

const requests = fc
  .record({
    model: fc.constantFrom("claude-opus-5-5", "claude-haiku-5-5"),
    type: fc.constantFrom("main" as const, "title" as const, "subagent" as const),
    bytes: fc.constantFrom(0, 59_999, 60_000, 60_001),
    tier: fc.constantFrom("gold", "base", null),
    flag: fc.boolean(),
    depth: fc.nat(2),
    owner: fc.constantFrom("ada", "bob", null),
    share: fc.constantFrom(0, 0.5, 0.9),
    maxTokens: fc.constantFrom(null, 0, 5),
  })
  .map(({ type, bytes, tier, flag, depth, owner, share, ...rest }) =>
    facts({
      ...rest,
      owner,
      task: { type, source: "hint" },
      input: { bytes, tokensEstimate: bytes / 4 },
      labels: tier === null ? {} : { tier },
      thinking: flag,
      stream: !flag,
      agent: { id: null, depth },
      utilisation: () => ({ customer: 0, team: share, owner: 0, virtual_key: 0, max: share }),
      provider: () => ({ ...PRICES, healthy: flag }),
    }),
  );

test("prechecks never change what an expression decides, and explaining decides the same", () => {
  const some = fc.array(requests, { minLength: 12, maxLength: 12 });
  const whens = fc.array(expression, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(whens, some, (texts, asked) => {
      const rules = texts.map((when, index) => aRule({ id: `r${index}`, when }));
      // `true ? … : false` is the same expression in a form that no precheck sees through.
      const hidden = rules.map((rule) => ({ ...rule, when: `true ? (${rule.when}) : false` }));
      const [quick, slow] = [compileRouting(source(rules)), compileRouting(source(hidden))];
      for (const request of asked) {
        const decision = quick.decide(request);
        assert.equal(decision.rule, slow.decide(request).rule);
        assert.deepEqual(quick.explain(request).decision, decision);
      }
    }),
    { numRuns: 400 },
  );
});
