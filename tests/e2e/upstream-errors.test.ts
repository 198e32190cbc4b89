/** What goes wrong upstream: relayed as it is, charged as the provider would, and our own key kept quiet. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { nanoOf } from "../harness/bill.ts";
import { until } from "../harness/gateway.ts";
import { UPSTREAM_KEY } from "../harness/gateway-config.ts";
import {
  apiError,
  htmlError,
  text,
  type Answer,
  type Fault,
  type HttpAnswer,
} from "../harness/scripts.ts";
import { assertEnvelope, DESK_BODY, startDesk, type Desk } from "./desk.ts";

const STREAMED = DESK_BODY.replace("}]}", '}],"stream":true}');
const RELAYED: readonly (readonly [HttpAnswer, "free" | "unknown"])[] = [
  [apiError(400, "invalid_request_error", "messages: too long"), "free"],
  [apiError(404, "not_found_error", "model: nothing"), "free"],
  [apiError(413, "request_too_large", "too large"), "free"],
  [apiError(429, "rate_limit_error", "slow down", { "retry-after": "31" }), "free"],
  [apiError(500, "api_error", "internal"), "free"],
  [apiError(529, "overloaded_error", "Overloaded"), "free"],
  [htmlError(502), "unknown"],
  [htmlError(504), "unknown"],
  [apiError(504, "timeout_error", "timed out"), "unknown"],
  [apiError(408, "timeout_error", "timed out"), "unknown"],
];
const FAULTS: readonly Fault[] = [
  { kind: "reset_before_head" },
  { kind: "reset", afterEvents: 0 },
  { kind: "reset", afterEvents: 1 },
  { kind: "reset", afterEvents: 4 },
  { kind: "half_frame", afterEvents: 3 },
  { kind: "early_end", afterEvents: 4 },
  { kind: "error_event", afterEvents: 4, type: "overloaded_error" },
  { kind: "short_body" },
];

let desk: Desk;
before(async () => {
  desk = await startDesk({ plain: { budgets: [{ usd: "100", per: "total" }] } });
});
after(() => desk?.dispose());

/** What was billed and what was settled between two moments, the last when all is settled. */
async function charged(
  during: () => Promise<unknown>,
): Promise<{ billed: bigint; settled: bigint }> {
  const settledNow = async (): Promise<bigint> => {
    await until("nothing is held", async () =>
      (await desk.gateway.budgets()).every((budget) => nanoOf(budget.held_usd) === 0n),
    );
    const [budget] = await desk.gateway.budgets();
    return nanoOf(budget?.settled_usd ?? "0");
  };
  const before = { billed: desk.upstream.bill.totalNano, settled: await settledNow() };
  await during();
  const settled = (await settledNow()) - before.settled;
  return { billed: desk.upstream.bill.totalNano - before.billed, settled };
}

describe("an error of the upstream", () => {
  for (const [answer, cost] of RELAYED) {
    const { status, headers, body } = answer;
    test(`${status} ${headers?.["content-type"]} is relayed as it is, its cost is ${cost}`, async () => {
      const { settled } = await charged(async () => {
        const got = await desk.ask("plain", {}, answer);
        assert.equal(got.status, status);
        assert.equal(got.body.toString("utf8"), body);
        assert.match(String(got.headers["request-id"]), /^req_01/);
        assert.equal(got.headers["content-type"], headers?.["content-type"]);
        assert.equal(got.headers["retry-after"], headers?.["retry-after"]);
        const row = await desk.rowOf(got);
        const seen = [row.outcome, row.status, row.estimated];
        assert.deepEqual(seen, ["upstream_error", status, cost === "unknown"]);
      });
      assert.equal(settled > 0n, cost === "unknown");
    });
  }

  for (const status of [401, 403]) {
    test(`${status} is about the gateway's own key`, async () => {
      const theirs = apiError(status, "authentication_error", `invalid x-api-key ${UPSTREAM_KEY}`);
      const answer = await desk.ask("plain", {}, theirs);
      const headers = { "retry-after": "5", "x-should-retry": undefined };
      assertEnvelope(answer, { status: 503, type: "api_error", headers });
      assert.ok(!answer.body.includes(UPSTREAM_KEY));
      const row = await desk.rowOf(answer);
      assert.deepEqual([row.refusal, row.cost_usd], ["no_provider_available", "0"]);
    });
  }

  test("a redirect is not followed", async () => {
    const before = desk.upstream.requests.length;
    const location = `${desk.upstream.url}/v1/models`;
    const redirect: Answer = { kind: "http", status: 307, headers: { location }, body: "" };
    const got = await desk.ask("plain", {}, redirect);
    assert.ok([307, 503].includes(got.status), String(got.status));
    assert.equal(desk.upstream.requests.length, before + 1);
  });
});

describe("an answer that breaks", () => {
  for (const fault of FAULTS) {
    for (const body of fault.kind === "short_body" ? [DESK_BODY] : [DESK_BODY, STREAMED]) {
      const name = `${Object.values(fault).join(" ")}, ${body === STREAMED ? "streamed" : "whole"}`;
      test(`${name}: charged no less than the bill`, async () => {
        const answer = { ...text("x".repeat(480), { output_tokens: 100 }), fault };
        const got: { id: unknown } = { id: undefined };
        const { billed, settled } = await charged(async () => {
          const relayed = await desk.ask("plain", { body }, answer).catch(() => null);
          got.id = relayed?.headers["tollgate-request-id"];
        });
        assert.ok(billed > 0n);
        assert.ok(settled >= billed, `settled ${settled}, billed ${billed}`);
        const rows = await desk.gateway.rows((all) => all[0]?.outcome !== null);
        assert.ok(rows[0]?.estimated, JSON.stringify(rows[0]));
        if (got.id !== undefined) assert.equal(rows[0]?.id, got.id);
      });
    }
  }

  test("a client that hangs up is charged no less than the bill", async () => {
    const slow = {
      ...text("x".repeat(2400), { output_tokens: 100 }),
      delivery: { eventDelayMs: 5 },
    };
    for (const afterMs of [5, 50, 150]) {
      const client = new AbortController();
      const { billed, settled } = await charged(async () => {
        const asked = desk
          .ask("plain", { body: STREAMED, signal: client.signal }, slow)
          .catch(() => null);
        await until("the upstream has the request", () => desk.upstream.inFlight() > 0);
        setTimeout(() => client.abort(), afterMs);
        await asked;
        await until("the upstream is idle", () => desk.upstream.inFlight() === 0);
      });
      assert.ok(settled >= billed, `settled ${settled}, billed ${billed}`);
      const rows = await desk.gateway.rows((all) => all[0]?.outcome === "client_closed");
      assert.equal(rows[0]?.status === 200 || rows[0]?.status === null, true);
    }
  });
});
