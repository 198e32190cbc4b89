/** A team in shadow at a running gateway: served, reported, and enforced by one change. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startGateway, type Gateway, type RequestRow } from "../harness/gateway.ts";
import { SMALL_ENV } from "../harness/gateway-config.ts";
import { send } from "../harness/raw-request.ts";
import { text } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { DESK_BODY } from "./desk.ts";

describe("a team in shadow", () => {
  let upstream: Upstream;
  let gateway: Gateway;
  let secret = "";

  before(async () => {
    upstream = await startUpstream(() => text("ok"));
    gateway = await startGateway({ config: { routing: { fail_over: false } }, env: SMALL_ENV });
    await call("POST", "providers", {
      id: "anthropic",
      kind: "anthropic",
      base_url: upstream.url,
      keys: [{ id: "main", secret: "env:UPSTREAM_KEY" }],
    });
    await call("POST", "customers", {
      id: "acme",
      rate_limits: [{ requests: 6, per: "month" }],
    });
    const limits = { rate_limits: [{ requests: 2, per: "month" }] };
    await call("POST", "teams", { id: "new", customer: "acme", mode: "observe", ...limits });
    const key = await call("POST", "virtual-keys", { id: "ada", team: "new", owner: "ada@acme" });
    secret = String(key["secret"]);
  });
  after(async () => {
    await gateway?.dispose();
    await upstream?.stop();
  });

  async function call(method: string, path: string, body?: object) {
    const response = await fetch(`${gateway.adminUrl}/api/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${gateway.adminToken}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as Readonly<Record<string, unknown>>;
    assert.ok(response.status < 300, JSON.stringify(answer));
    return answer;
  }

  async function ask(): Promise<RequestRow> {
    const headers = { "x-api-key": secret, "content-type": "application/json" };
    const answer = await send(gateway.url, { path: "/v1/messages", body: DESK_BODY, headers });
    const id = answer.headers["tollgate-request-id"];
    const rows = await gateway.rows((all) => all.some((row) => row.id === id));
    return rows.find((row) => row.id === id) ?? assert.fail();
  }

  const fateOf = (row: RequestRow) => [row.status, row.refusal, row["refusal_by"]];

  test("serves beyond its limit, and each row says who would have refused", async () => {
    assert.deepEqual(fateOf(await ask()), [200, null, null]);
    assert.deepEqual(fateOf(await ask()), [200, null, null]);
    assert.deepEqual(fateOf(await ask()), [200, "rate_limited", "team/new"]);
    assert.deepEqual(fateOf(await ask()), [200, "rate_limited", "team/new"]);
  });

  test("is reported with whom it would have hit, and what that would have saved", async () => {
    const report = await call("GET", "shadow/report");
    assert.equal(report["observed_requests"], 4);
    const [scope, ...others] = report["scopes"] as Record<string, unknown>[];
    assert.equal(others.length, 0);
    assert.deepEqual(scope?.["scope"], { type: "team", id: "new" });
    assert.deepEqual(scope["would_refuse"], { rate_limited: 2 });
    const rows = await gateway.rows((all) => all.length === 4);
    const refused = rows.filter(({ refusal }) => refusal !== null);
    const saved = refused.reduce((sum, row) => sum + Number(row.cost_usd), 0);
    assert.ok(Math.abs(Number(scope["saved_usd"]) - saved) < 1e-9 && saved > 0);
    const [hit] = scope["hit"] as Record<string, unknown>[];
    assert.deepEqual([hit?.["virtual_key"], hit?.["requests"]], ["ada", 2]);
    const other = await call("GET", "shadow/report?scope_type=customer&scope_id=acme");
    assert.deepEqual(other["scopes"], []);
    const before = await call(
      "GET",
      "shadow/report?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z",
    );
    assert.equal(before["observed_requests"], 0);
  });

  test("and on the command line", async () => {
    const { code, output } = await gateway.cli("shadow");
    assert.equal(code, 0);
    assert.match(output, /team\/new/);
    assert.match(output, /rate_limited 2/);
    assert.match(output, /ada/);
  });

  test("keeps the limits of the scopes above it", async () => {
    for (let index = 0; index < 2; index++) assert.equal((await ask()).status, 200);
    assert.deepEqual(fateOf(await ask()), [429, "rate_limited", "customer/acme"]);
    await call("PATCH", "customers/acme", { rate_limits: [] });
    assert.deepEqual(fateOf(await ask()), [200, "rate_limited", "team/new"]);
  });

  test("is in shadow still when the gateway starts again", async () => {
    assert.equal(await gateway.stop(), 0);
    await gateway.restart();
    assert.deepEqual(fateOf(await ask()), [200, "rate_limited", "team/new"]);
  });

  test("is enforced by one change, and let go by another", async () => {
    assert.equal((await call("PATCH", "teams/new", { mode: "enforce" }))["mode"], "enforce");
    assert.deepEqual(fateOf(await ask()), [429, "rate_limited", "team/new"]);
    await call("PATCH", "teams/new", { mode: "observe" });
    // The shadow starts from what the books say.
    assert.deepEqual(fateOf(await ask()), [200, "rate_limited", "team/new"]);
  });
});
