/** Refusals of what the key may not have: models, rates, and above all money. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../harness/gateway.ts";
import { text } from "../harness/scripts.ts";
import { DESK_MODEL, startDesk, type Desk, type ExpectedRefusal } from "./desk.ts";

const UNIFIED = "anthropic-ratelimit-unified";
const SECONDS = /^[1-9]\d*$/;
const UNIX_SECONDS = /^\d{10}$/;

/** $0.029 hold one small request of 1,000 tokens of output; $0.028 are more than 95 % of it. */
const CAP = "0.029";
const SPENDING = text("spent", { input_tokens: 2000, output_tokens: 1000 });

let desk: Desk;
before(async () => {
  desk = await startDesk({
    haiku: { providers: [{ id: "anthropic", models: ["claude-haiku-*"] }] },
    rated: { rate_limits: [{ requests: 1, per: "day" }] },
    single: { rate_limits: [{ concurrent: 1 }] },
    day: { budgets: [{ usd: CAP, per: "day" }] },
    total: { budgets: [{ usd: CAP, per: "total" }] },
    session: { budgets: [{ usd: CAP, per: "session" }] },
    rolling: { budgets: [{ usd: CAP, rolling: "1h" }] },
    several: {
      budgets: [
        { usd: CAP, per: "day" },
        { usd: CAP, per: "month" },
      ],
    },
    counting: { budgets: [{ usd: CAP, per: "day" }] },
    tiny: { budgets: [{ usd: "0.001", per: "month" }] },
    busy: { budgets: [{ usd: "0.04", per: "day" }] },
  });
});
after(() => desk?.dispose());

describe("policy and limits", () => {
  test("a model outside the key's scope", async () => {
    const answer = await desk.unheard(() => desk.ask("haiku"));
    const expected = { status: 402, type: "permission_error", code: "model_not_allowed" };
    const message = await desk.assertRefused(answer, expected);
    assert.ok(message.includes(DESK_MODEL), message);
  });

  test("a rate limit", async () => {
    assert.equal((await desk.ask("rated")).status, 200);
    const answer = await desk.unheard(() => desk.ask("rated"));
    await desk.assertRefused(answer, transient("rate_limited"));
  });

  test("too many at once", async () => {
    const before = desk.upstream.messages().length;
    const first = desk.ask("single", {}, { ...text("slow"), delivery: { headDelayMs: 400 } });
    await until("the first is upstream", () => desk.upstream.messages().length > before);
    const answer = await desk.unheard(() => desk.ask("single"));
    await desk.assertRefused(answer, transient("concurrency_limited"));
    assert.equal((await first).status, 200);
    assert.equal((await desk.ask("single")).status, 200);
  });
});

describe("an exhausted budget", () => {
  const resets = {
    "retry-after": SECONDS,
    [`${UNIFIED}-reset`]: UNIX_SECONDS,
    [`${UNIFIED}-overage-reset`]: UNIX_SECONDS,
  };
  const never = {
    "retry-after": undefined,
    [`${UNIFIED}-reset`]: undefined,
    [`${UNIFIED}-overage-reset`]: undefined,
    [`${UNIFIED}-overage-period`]: undefined,
  };
  const kinds: Readonly<Record<string, ExpectedRefusal["headers"]>> = {
    day: { ...resets, [`${UNIFIED}-overage-period`]: "daily" },
    several: { ...resets, [`${UNIFIED}-overage-period`]: "monthly" },
    rolling: { ...resets, [`${UNIFIED}-overage-period`]: undefined },
    total: never,
    session: never,
  };
  for (const [key, headers] of Object.entries(kinds)) {
    test(`of kind ${key}`, async () => {
      assert.equal((await desk.ask(key, {}, SPENDING)).status, 200);
      const answer = await desk.unheard(() => desk.ask(key));
      const message = await desk.assertRefused(answer, {
        status: 429,
        type: "billing_error",
        code: "budget_exhausted",
        headers: { ...REJECTED, ...headers },
      });
      assert.match(message, /budget/i);
    });
  }

  test("does not stop count_tokens", async () => {
    await desk.ask("counting", {}, SPENDING);
    assert.equal((await desk.ask("counting")).status, 429);
    const counted = await desk.ask("counting", { path: "/v1/messages/count_tokens" });
    assert.equal(counted.status, 200);
  });
});

describe("a budget with money left", () => {
  test("for less than the request", async () => {
    const answer = await desk.unheard(() => desk.ask("tiny"));
    const message = await desk.assertRefused(answer, {
      status: 429,
      type: "billing_error",
      code: "request_exceeds_budget",
      headers: {
        "x-should-retry": "false",
        "retry-after": undefined,
        [`${UNIFIED}-reset`]: undefined,
        [`${UNIFIED}-overage-reset`]: undefined,
      },
    });
    assert.match(message, /0\.001/);
  });

  test("but for another's hold", async () => {
    const before = desk.upstream.messages().length;
    const hangUp = new AbortController();
    const slow = { ...text("slow"), delivery: { headDelayMs: 5000 } };
    const first = desk.ask("busy", { signal: hangUp.signal }, slow).catch(() => null);
    await until("the first is upstream", () => desk.upstream.messages().length > before);
    const answer = await desk.unheard(() => desk.ask("busy"));
    await desk.assertRefused(answer, transient("budget_busy"));
    hangUp.abort();
    await first;
  });
});

const REJECTED = {
  "x-should-retry": "false",
  [`${UNIFIED}-status`]: "rejected",
  [`${UNIFIED}-overage-utilization`]: "1",
  [`${UNIFIED}-overage-surpassed-threshold`]: "1",
  [`${UNIFIED}-overage-disabled-reason`]: "org_spend_cap_reached",
  [`${UNIFIED}-overage-scope`]: undefined,
  [`${UNIFIED}-representative-claim`]: undefined,
  [`${UNIFIED}-overage-status`]: undefined,
};

function transient(code: string): ExpectedRefusal {
  const headers = { "retry-after": SECONDS, "x-should-retry": undefined };
  return { status: 429, type: "rate_limit_error", code, headers };
}
