/** What the configuration decides, seen from outside: observe mode, reloads, scopes, rotation, time-outs. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { lineNano, nanoOf, usdText } from "../harness/bill.ts";
import { settledRows, startGateway, until, type Gateway } from "../harness/gateway.ts";
import {
  ADA_KEY,
  SMALL_ENV,
  smallConfig,
  UPSTREAM_KEY,
  type SmallConfig,
} from "../harness/gateway-config.ts";
import { send, type RawAnswer } from "../harness/raw-request.ts";
import { text } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";

const MODEL = "claude-opus-5-5";
const HEADERS = { "x-api-key": ADA_KEY, "content-type": "application/json" };

function ask(gateway: Gateway, model = MODEL, headers: object = HEADERS): Promise<RawAnswer> {
  const body = JSON.stringify({
    model,
    max_tokens: 100,
    messages: [{ role: "user", content: "hello" }],
  });
  return send(gateway.url, { path: "/anthropic/v1/messages", headers: { ...headers }, body });
}

function codeOf(answer: RawAnswer): string {
  return `${answer.status} ${(answer.json() as { error?: { type: string } }).error?.type ?? "ok"}`;
}

function billed(upstream: Upstream): bigint {
  return upstream.bill.lines.reduce((sum, line) => sum + lineNano(line), 0n);
}

async function reload(gateway: Gateway, config: object): Promise<void> {
  const seen = gateway.logs().length;
  await writeFile(gateway.configFile, JSON.stringify(config, null, 2));
  await until("the file is read again", () =>
    /configuration (in force|kept)/.test(gateway.logs().slice(seen)),
  );
}

describe("observe mode", () => {
  let upstream: Upstream;
  let gateway: Gateway;
  before(async () => {
    upstream = await startUpstream(() => text("ok", { input_tokens: 1000, output_tokens: 50 }));
    const key = {
      rate_limits: [{ requests: 3, per: "day" }],
      providers: [{ id: "anthropic", models: ["claude-opus-*"] }],
      budgets: [{ usd: "0.02", per: "day" }],
    };
    const config = { mode: "observe", ...smallConfig(upstream.url, { key }) };
    gateway = await startGateway({ config, env: SMALL_ENV });
  });
  after(async () => {
    await gateway?.dispose();
    await upstream?.stop();
  });

  test("serves all, and says what enforcement would have refused", async () => {
    for (let index = 0; index < 4; index++) assert.equal((await ask(gateway)).status, 200);
    assert.equal((await ask(gateway, "claude-sonnet-5-5")).status, 200);
    const rows = await settledRows(gateway);
    // In the shadow only what was admitted has spent: two requests, and a third does not fit.
    assert.deepEqual(rows.map((row) => row.refusal).toReversed(), [
      null,
      null,
      "request_exceeds_budget",
      "request_exceeds_budget",
      "model_not_allowed",
    ]);
    assert.ok(rows.every((row) => row.outcome === "ok" && row.status === 200));
  });

  test("and the books count everything", async () => {
    const [budget] = await gateway.budgets();
    assert.equal(budget?.settled_usd, usdText(billed(upstream)));
  });
});

describe("a reload", () => {
  let upstream: Upstream;
  let gateway: Gateway;
  const configOf = (options: SmallConfig) => smallConfig(upstream.url, options);
  before(async () => {
    upstream = await startUpstream(() => text("ok", { input_tokens: 1000, output_tokens: 50 }));
    gateway = await startGateway({
      config: configOf({ budgets: { key: [{ usd: "1", per: "day" }] } }),
      env: SMALL_ENV,
    });
    for (let index = 0; index < 3; index++) assert.equal((await ask(gateway)).status, 200);
  });
  after(async () => {
    await gateway?.dispose();
    await upstream?.stop();
  });

  test("gives an added budget what its scope has spent, and keeps the others' counts", async () => {
    await reload(
      gateway,
      configOf({
        budgets: {
          customer: [{ usd: "5", per: "month" }],
          team: [{ usd: "4", per: "total" }],
          key: [{ usd: "2", per: "day" }],
        },
      }),
    );
    const budgets = await gateway.budgets();
    assert.equal(budgets.length, 3);
    for (const budget of budgets)
      assert.equal(budget.settled_usd, usdText(billed(upstream)), budget.id);
  });

  test("with a fault keeps what is in force and says why", async () => {
    const seen = gateway.logs().length;
    await reload(gateway, { ...configOf({}), tems: [] });
    assert.match(gateway.logs().slice(seen), /tems.*teams/);
    assert.equal((await ask(gateway)).status, 200);
    assert.equal((await gateway.budgets()).length, 3);
  });

  test("names the settings that wait for the next start", async () => {
    const seen = gateway.logs().length;
    await reload(gateway, configOf({ server: { drain_seconds: 7 } }));
    await until("it is told", () =>
      /next start: server\.drain_seconds/.test(gateway.logs().slice(seen)),
    );
  });

  test("lowers a cap below what is spent: the headroom is negative and the next request stops", async () => {
    await reload(gateway, configOf({ budgets: { key: [{ usd: "0.001", per: "day" }] } }));
    const [budget] = await gateway.budgets();
    assert.ok(nanoOf(budget?.remaining_usd ?? "0") < 0n, budget?.remaining_usd);
    assert.equal(codeOf(await ask(gateway)), "429 billing_error");
  });

  test("survives a restart with every count", async () => {
    const before = await gateway.budgets();
    await gateway.kill9();
    await gateway.restart();
    const after = await gateway.budgets();
    assert.deepEqual(after, before);
  });
});

describe("scopes and keys", () => {
  let upstream: Upstream;
  let gateway: Gateway;
  before(async () => {
    upstream = await startUpstream(() => text("ok"));
    const key = { providers: [{ id: "anthropic", models: ["claude-opus-*", "claude-mystery-1"] }] };
    const config = { unknown_models: "refuse", ...smallConfig(upstream.url, { key }) };
    gateway = await startGateway({ config, env: SMALL_ENV });
  });
  after(async () => {
    await gateway?.dispose();
    await upstream?.stop();
  });

  test("models lists what the key may use, and no more", async () => {
    const answer = await send(gateway.url, {
      method: "GET",
      path: "/v1/models?limit=1000",
      headers: HEADERS,
    });
    const ids = (answer.json() as { data: { id: string }[] }).data.map(({ id }) => id);
    assert.deepEqual(ids, ["claude-opus-5-5"]);
  });

  test("a model without a price is refused where the file says so", async () => {
    assert.equal(codeOf(await ask(gateway, "claude-mystery-1")), "402 permission_error");
    assert.equal(codeOf(await ask(gateway, "claude-sonnet-5-5")), "402 permission_error");
  });

  test("a rotated key's old secret counts until its overlap ends, a revoked one never", async () => {
    const rotate = async (body: object): Promise<string> => {
      const answer = await send(gateway.adminUrl, {
        path: "/api/v1/virtual-keys/ada/rotate",
        headers: {
          authorization: `Bearer ${gateway.adminToken}`,
          "content-type": "application/json",
        },
        body: JSON.stringify(body),
      });
      assert.equal(answer.status, 200, answer.body.toString("utf8"));
      return (answer.json() as { secret: string }).secret;
    };
    const first = await rotate({ overlap_seconds: 600 });
    const status = async (key: string) =>
      (await ask(gateway, MODEL, { ...HEADERS, "x-api-key": key })).status;
    assert.deepEqual([await status(ADA_KEY), await status(first)], [200, 200]);
    const second = await rotate({});
    assert.deepEqual([await status(first), await status(second)], [401, 200]);
    await gateway.kill9();
    await gateway.restart();
    assert.deepEqual([await status(first), await status(second)], [401, 200]);
  });

  test("no secret is in the log, the journal or the views", async () => {
    const { readFileSync, readdirSync, statSync } = await import("node:fs");
    const files = readdirSync(gateway.dataDir, { recursive: true, encoding: "utf8" })
      .map((name) => `${gateway.dataDir}/${name}`)
      .filter((path) => statSync(path).isFile());
    const all = files.map((path) => readFileSync(path, "latin1")).join("\n") + gateway.logs();
    for (const secret of [ADA_KEY, UPSTREAM_KEY, gateway.adminToken])
      assert.ok(!all.includes(secret), "a secret lies about");
  });
});

describe("time-outs", () => {
  let upstream: Upstream;
  let gateway: Gateway;
  before(async () => {
    upstream = await startUpstream(() => text("ok"));
    const timeouts = { first_byte: "1s", idle: "1s", body_idle: "1s" };
    gateway = await startGateway({
      config: smallConfig(upstream.url, { server: { timeouts } }),
      env: SMALL_ENV,
    });
  });
  after(async () => {
    await gateway?.dispose();
    await upstream?.stop();
  });

  test("an upstream that never answers is a 503, and charged by estimate", async () => {
    upstream.answerWith(() => ({ ...text("late"), delivery: { headDelayMs: 5_000 } }));
    assert.equal(codeOf(await ask(gateway)), "503 api_error");
    const [row] = await settledRows(gateway);
    assert.deepEqual([row?.refusal, row?.estimated], ["no_provider_available", true]);
  });

  test("a body that stalls is a 400", async () => {
    const { connect } = await import("node:net");
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: ${ADA_KEY}\r\ncontent-length: 100\r\n\r\n{"model"`,
    );
    const answer = await new Promise<string>((resolve) => {
      socket.on("data", (chunk) => resolve(chunk.toString("utf8")));
    });
    socket.destroy();
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.match(answer, /body_idle/);
  });
});
