/** What Prometheus is told: names, labels, exact money, bounded label sets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_USAGE } from "../core/usage.ts";
import { createMetrics, type BudgetReading, type FinishedRequest } from "./metrics.ts";

const FINISHED: FinishedRequest = {
  customer: "acme",
  team: "platform",
  virtualKey: "ada",
  provider: "anthropic",
  model: "claude-x",
  taskType: "main",
  outcome: "ok",
  code: null,
  costNano: 1_234_567n,
  usage: { ...NO_USAGE, input_tokens: 10, output_tokens: 3 },
  overheadSeconds: 0.000_25,
  firstByteSeconds: 0.4,
  requestSeconds: 2.5,
};

const MONTH: BudgetReading = {
  scope: { type: "team", id: 'pl"at' },
  per: "month",
  timeZone: "UTC",
  startMs: 2,
  limit: 4_000_000_000_000n,
  settled: 1_500_000_001n,
  held: 250_000_000n,
};

function create(budgets: readonly BudgetReading[] = [], journalLagMs = 0) {
  return createMetrics({
    budgets: () => budgets,
    journalLagMs: () => journalLagMs,
    queueWaiting: () => new Map([["anthropic", 3]]),
  });
}

/** The value of one sample, by its name and labels as printed; null where it is missing. */
function sample(text: string, name: string): number | null {
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  return line === undefined ? null : Number(line.slice(name.length + 1));
}

test("a finished request is counted under the labels of the contract", async () => {
  const metrics = create();
  metrics.requestBegins();
  metrics.requestBegins();
  metrics.requestLeaves();
  metrics.requestEnds(FINISHED);
  metrics.attemptEnds("anthropic", "ok");
  metrics.attemptEnds("anthropic", "5xx");
  metrics.holdOverrun("anthropic");
  const text = await metrics.metricsText();
  const labels =
    'customer="acme",team="platform",virtual_key="ada",provider="anthropic",model="claude-x",' +
    'task_type="main",outcome="ok",code=""';
  assert.equal(sample(text, `tollgate_requests_total{${labels}}`), 1);
  assert.equal(sample(text, 'tollgate_tokens_total{kind="input_tokens"}'), 10);
  assert.equal(sample(text, 'tollgate_tokens_total{kind="output_tokens"}'), 3);
  assert.equal(sample(text, 'tollgate_overhead_seconds_bucket{le="0.0002"}'), 0);
  assert.equal(sample(text, 'tollgate_overhead_seconds_bucket{le="0.0003"}'), 1);
  assert.equal(sample(text, "tollgate_first_byte_seconds_sum"), 0.4);
  assert.equal(sample(text, "tollgate_request_seconds_count"), 1);
  const attempt = 'tollgate_upstream_attempts_total{provider="anthropic",result="5xx"}';
  assert.equal(sample(text, attempt), 1);
  assert.equal(sample(text, "tollgate_hold_overruns_total"), 1);
  assert.equal(sample(text, "tollgate_inflight_requests"), 1);
  assert.match(text, /^process_cpu_seconds_total \d/m);
});

test("a request without key, provider or first byte has empty labels", async () => {
  const metrics = create();
  const nobody = { customer: null, team: null, virtualKey: null, provider: null, model: null };
  const refused = { outcome: "refused", code: "unknown_key", firstByteSeconds: null } as const;
  metrics.requestEnds({ ...FINISHED, ...nobody, ...refused, costNano: 0n });
  const text = await metrics.metricsText();
  const labels =
    'customer="",team="",virtual_key="",provider="",model="",' +
    'task_type="main",outcome="refused",code="unknown_key"';
  assert.equal(sample(text, `tollgate_requests_total{${labels}}`), 1);
  assert.equal(sample(text, "tollgate_first_byte_seconds_count"), 0);
});

test("breaches of an invariant are counted from 0 on", async () => {
  const metrics = create();
  const name = 'tollgate_invariant_breaches_total{invariant="cap_kept"}';
  assert.equal(sample(await metrics.metricsText(), name), 0);
  metrics.invariantBreached("cap_kept");
  assert.equal(sample(await metrics.metricsText(), name), 1);
});

test("a million small costs add up without the error of adding floats", async () => {
  const metrics = create();
  for (let index = 0; index < 100_000; index++) metrics.requestEnds({ ...FINISHED, costNano: 1n });
  metrics.requestEnds({ ...FINISHED, costNano: 7_000_000_000n });
  const text = await metrics.metricsText();
  assert.equal(sample(text, "tollgate_cost_usd_total"), 7.0001);
  // A second scrape must not add them again.
  assert.equal(sample(await metrics.metricsText(), "tollgate_cost_usd_total"), 7.0001);
});

test("budgets are read at the scrape: no sessions, and the running window of two", async () => {
  const budgets = [
    MONTH,
    { ...MONTH, startMs: 1, settled: 9n },
    { ...MONTH, scope: { type: "session" as const, id: "s1" }, per: "session" },
  ];
  const metrics = create(budgets, 1500);
  const labels = String.raw`scope_type="team",scope_id="pl\"at",per="month",time_zone="UTC"`;
  const text = await metrics.metricsText();
  assert.equal(sample(text, `tollgate_budget_limit_usd{${labels}}`), 4000);
  assert.equal(sample(text, `tollgate_budget_settled_usd{${labels}}`), 1.500000001);
  assert.equal(sample(text, `tollgate_budget_held_usd{${labels}}`), 0.25);
  assert.equal(sample(text, "tollgate_journal_lag_seconds"), 1.5);
  assert.ok(!text.includes('"s1"'));
  budgets.length = 0;
  assert.ok(!(await metrics.metricsText()).includes("tollgate_budget_limit_usd{"), "gone with it");
});

test("made-up model names share a label from some number on", async () => {
  const metrics = create();
  for (let index = 0; index < 700; index++) {
    metrics.requestEnds({ ...FINISHED, model: `m${index}` });
  }
  const text = await metrics.metricsText();
  const models = new Set([...text.matchAll(/model="([^"]*)"/g)].map((found) => found[1]));
  assert.equal(models.size, 501);
  const other = text.split("\n").find((line) => line.includes('model="other"')) ?? "";
  assert.match(other, / 200$/);
});
