/** A dry run of rules on a real gateway: by the command line, from the file and the books in force. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { PrintedExplanation } from "../../src/control/route-explain.ts";
import { startGateway, type Gateway } from "../harness/gateway.ts";
import { SMALL_ENV, smallConfig } from "../harness/gateway-config.ts";

const ROUTING = {
  rules: [
    { id: "unlabelled", when: 'labels.stage != "prod"', models: { "*": "claude-haiku-5-5" } },
    { id: "small", policy: "background_to_smallest" },
    {
      id: "dear",
      when: "providers.anthropic.output_price > 15.0 && agent.depth > 0",
      models: { "claude-opus-*": "claude-sonnet-5-5" },
    },
    {
      id: "late",
      when: 'time.hour >= 22 && time.zone == "UTC"',
      targets: [{ provider: "anthropic", model: "claude-haiku-5-5" }],
    },
    { id: "full", policy: "budget_step_down", above_percent: 0 },
  ],
};

describe("tollgate route explain", () => {
  let gateway: Gateway;
  before(async () => {
    const budgets = { team: [{ usd: "50", per: "day" }] };
    const config = { ...smallConfig("http://127.0.0.1:9", { budgets }), routing: ROUTING };
    gateway = await startGateway({ config, env: SMALL_ENV });
  });
  after(() => gateway?.dispose());

  async function explain(...options: readonly string[]): Promise<PrintedExplanation> {
    const asked = ["--key", "ada", "--at", "2026-11-23T12:00:00Z", "--json", ...options];
    const { code, output } = await gateway.cli("route", "explain", ...asked);
    assert.equal(code, 0, output);
    return JSON.parse(output) as PrintedExplanation;
  }
  const opus = ["--model", "claude-opus-5-5"];

  test("a side call goes to the smallest model, and every rule has its outcome", async () => {
    const told = await explain(...opus, "--task", "title");
    assert.equal(told.rule, "small");
    const target = { provider: "anthropic", model: "claude-haiku-5-5", weight: 1 };
    assert.deepEqual(told.groups, [[target]]);
    assert.deepEqual(
      told.rules.map(({ rule, outcome }) => `${rule} ${outcome}`),
      [
        "unlabelled failed",
        "small taken",
        "dear not_reached",
        "late not_reached",
        "full not_reached",
      ],
    );
    assert.match(told.rules[0]?.why ?? "", /stage/);
    assert.equal(told.facts["time.hour"], 12);
    assert.equal(told.facts["budget.utilisation.team"], 0);
  });

  test("labels, prices, hours and depth are those of the question", async () => {
    assert.equal((await explain(...opus, "--label", "stage=dev")).rule, "unlabelled");
    assert.equal((await explain(...opus, "--agent-depth", "1")).rule, "dear");
    assert.equal((await explain("--model", "claude-haiku-5-5", "--agent-depth", "1")).rule, null);
    assert.equal((await explain(...opus, "--at", "2026-11-23T22:00:00Z")).rule, "late");
  });

  test("without a rule the key's own providers answer", async () => {
    const told = await explain(...opus);
    assert.equal(told.rule, null);
    assert.deepEqual(told.groups, [[{ provider: "anthropic", model: null, weight: 1 }]]);
    assert.equal(told.rules.at(-1)?.outcome, "skipped");
  });
});
