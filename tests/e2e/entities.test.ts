/** Everything made by API alone: it serves, it counts, it survives a restart, it is corrected, it goes. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { nanoOf } from "../harness/bill.ts";
import { startGateway, until, type Gateway, type RequestRow } from "../harness/gateway.ts";
import { SMALL_ENV, UPSTREAM_KEY } from "../harness/gateway-config.ts";
import { send } from "../harness/raw-request.ts";
import { text } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { DESK_BODY } from "./desk.ts";

const MONTH = [{ usd: "50", per: "month" }];
const LITERAL = "sk-ant-a-secret-that-is-written-out";

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

let upstream: Upstream;
let gateway: Gateway;
let secret = "";

before(async () => {
  upstream = await startUpstream(() => text("ok"));
  const file = {
    routing: { fail_over: false },
    customers: [{ id: "filed" }],
    teams: [{ id: "filed", customer: "filed" }],
  };
  gateway = await startGateway({ config: file, env: SMALL_ENV });
});
after(async () => {
  await gateway?.dispose();
  await upstream?.stop();
});

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const type = typeof body === "string" ? "text/csv" : "application/json";
  const response = await fetch(`${gateway.adminUrl}/api/v1/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${gateway.adminToken}`,
      ...(body === undefined ? {} : { "content-type": type }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const answered = await response.text();
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  const parsed = isJson ? (JSON.parse(answered) as Answer["body"]) : { answered };
  return { status: response.status, headers: response.headers, body: parsed };
}

async function made(path: string, fields: object): Promise<Answer> {
  const answer = await call("POST", path, fields);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer;
}

/** Settled amounts by scope: "team/made" → "0.0001". */
async function spent(): Promise<Record<string, string>> {
  const budgets = await gateway.budgets();
  return Object.fromEntries(
    budgets.map(({ scope, settled_usd }) => [`${scope.type}/${scope.id}`, settled_usd]),
  );
}

async function ask(key = secret): Promise<RequestRow> {
  const headers = { "x-api-key": key, "content-type": "application/json" };
  const answer = await send(gateway.url, { path: "/v1/messages", body: DESK_BODY, headers });
  const id = answer.headers["tollgate-request-id"];
  const rows = await gateway.rows((all) => all.some((row) => row.id === id));
  return rows.find((row) => row.id === id) ?? assert.fail();
}

const SCOPES = ["customer/acme", "owner/ada@acme.example", "team/made", "virtual_key/ada"];

describe("entities made by API alone", () => {
  test("are made from the outermost inwards, and a request spends at each level", async () => {
    const early = await call("POST", "teams", { id: "made", customer: "acme" });
    assert.deepEqual([early.status, early.body["parameter"]], [400, "customer"]);
    await made("customers", { id: "acme", name: "Acme Corp", budgets: MONTH });
    await made("teams", { id: "made", customer: "acme", labels: { floor: "4" }, budgets: MONTH });
    await made("owners", { id: "ada@acme.example", team: "made", budgets: MONTH });
    const keys = [{ id: "main", secret: LITERAL }];
    const provider = { id: "made", kind: "anthropic", base_url: upstream.url, keys };
    const literal = await call("POST", "providers", provider);
    assert.deepEqual([literal.status, literal.body["parameter"]], [400, "keys[0].secret"]);
    assert.ok(!JSON.stringify(literal.body).includes(LITERAL));
    const reference = [{ id: "main", secret: "env:UPSTREAM_KEY" }];
    const answer = await made("providers", { ...provider, keys: reference });
    assert.deepEqual(answer.body["keys"], [{ id: "main", weight: 1 }]);
    const fields = { id: "ada", team: "made", owner: "ada@acme.example", budgets: MONTH };
    secret = String((await made("virtual-keys", fields)).body["secret"]);
    const row = await ask();
    assert.deepEqual([row.outcome, row.customer, row.team], ["ok", "acme", "made"]);
    assert.deepEqual(row["labels"], { floor: "4" });
    assert.equal(nanoOf(row.cost_usd), upstream.bill.totalNano);
    const amounts = await spent();
    assert.deepEqual(Object.keys(amounts).toSorted(), SCOPES);
    for (const scope of SCOPES) assert.equal(amounts[scope], row.cost_usd, scope);
  });

  test("those of the file, duplicates and dangling references are refused", async () => {
    const refused: [string, string, unknown, number, RegExp][] = [
      ["POST", "teams", { id: "filed", customer: "acme" }, 409, /exists already/],
      ["POST", "customers", { id: "acme" }, 409, /exists already/],
      ["PATCH", "teams/filed", { name: "x" }, 409, /configuration file/],
      ["DELETE", "customers/filed", undefined, 409, /configuration file/],
      ["DELETE", "customers/acme", undefined, 409, /team made/],
      ["DELETE", "teams/made", undefined, 409, /owner ada@acme\.example; virtual key ada/],
      ["PATCH", "teams/made", { customer: "nobody" }, 400, /no customer has the id "nobody"/],
      ["PATCH", "teams/made", { id: "other" }, 400, /id cannot be changed/],
      ["PATCH", "owners/ada@acme.example", { team: "filed" }, 409, /make them agree/],
      ["PATCH", "teams/none", {}, 404, /none/],
      ["DELETE", "owners/none", undefined, 404, /none/],
    ];
    for (const [method, path, body, status, detail] of refused) {
      const answer = await call(method, path, body);
      assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
      assert.match(String(answer.body["detail"]), detail);
    }
  });

  test("If-Match tells a change of a hidden reference too; Idempotency-Key answers repeats", async () => {
    const path = "providers/made";
    const etag = (await call("GET", path)).headers.get("etag") ?? "";
    const keys = [{ id: "main", secret: "env:ADA_KEY" }];
    const changed = await call("PATCH", path, { keys }, { "if-match": etag });
    assert.equal(changed.status, 200, JSON.stringify(changed.body));
    const late = await call("PATCH", path, { keys }, { "if-match": etag });
    assert.equal(late.status, 412);
    const back = { keys: [{ id: "main", secret: "env:UPSTREAM_KEY" }] };
    assert.equal((await call("PATCH", path, back)).status, 200);
    const repeat = { "idempotency-key": "team" };
    const both = await Promise.all([
      call("POST", "teams", { id: "twice", customer: "acme" }, repeat),
      call("POST", "teams", { id: "twice", customer: "acme" }, repeat),
    ]);
    assert.deepEqual(
      both.map(({ status }) => status),
      [201, 201],
    );
    const racing = await Promise.all(
      ["a", "b"].map((name) => call("POST", "teams", { id: "raced", customer: "acme", name })),
    );
    assert.deepEqual(racing.map(({ status }) => String(status)).toSorted(), ["201", "409"]);
    for (const id of ["twice", "raced"])
      assert.equal((await call("DELETE", `teams/${id}`)).status, 204);
  });

  test("a key that moves spends elsewhere from then on; what was spent stays", async () => {
    const before = await spent();
    await made("teams", { id: "second", customer: "acme", budgets: MONTH });
    const moved = await call("PATCH", "virtual-keys/ada", { team: "second", owner: null });
    assert.equal(moved.status, 200, JSON.stringify(moved.body));
    const row = await ask();
    const now = await spent();
    assert.equal(now["team/made"], before["team/made"]);
    assert.equal(now["team/second"], row.cost_usd);
    const back = { team: "made", owner: "ada@acme.example" };
    assert.equal((await call("PATCH", "virtual-keys/ada", back)).status, 200);
    assert.equal((await call("DELETE", "teams/second")).status, 204);
    assert.ok(!("team/second" in (await spent())), "a removed team has no budget");
    assert.deepEqual((await gateway.rows()).find(({ id }) => id === row.id)?.team, "second");
  });

  test("are there after a restart, with their counters; a clean one and a kill", async () => {
    for (const end of [() => gateway.stop(), () => gateway.kill9()]) {
      const before = await spent();
      await end();
      await gateway.restart();
      assert.deepEqual(await spent(), before);
      assert.equal((await ask()).outcome, "ok");
      const team = await call("GET", "teams/made");
      assert.deepEqual([team.body["source"], team.body["customer"]], ["api", "acme"]);
    }
  });

  test("a file that takes away what they need keeps the gateway from starting, and says so", async () => {
    const { writeFileSync, readFileSync } = await import("node:fs");
    const text0 = readFileSync(gateway.configFile, "utf8");
    await gateway.stop();
    writeFileSync(gateway.configFile, JSON.stringify({ customers: [{ id: "acme" }] }));
    await assert.rejects(gateway.restart(), /api:1:1 added_|duplicate id "acme"/);
    writeFileSync(gateway.configFile, text0);
    await gateway.restart();
    assert.equal((await ask()).outcome, "ok");
  });
});

describe("many keys at once", () => {
  const COUNT = 300;
  const header = "id,team,owner,budget,label:cost_center,provider,models";
  const rows = Array.from(
    { length: COUNT },
    (_, index) => `k${index},made,,30/day;250/month,"a, ""b""",made,claude-*`,
  );

  test("all or none: a fault names its line and column", async () => {
    const faulty = [header, ...rows.slice(0, 3), "bad,nowhere,,1/day,,,", "worse,made,,1/dya,,,"];
    const answer = await call("POST", "virtual-keys", faulty.join("\n"));
    assert.equal(answer.status, 400);
    assert.match(
      String(answer.body["detail"]),
      /line 5, column team: no team has the id "nowhere"/,
    );
    const faults = answer.body["faults"] as { line: number; column: string }[];
    assert.deepEqual(
      faults.map(({ line, column }) => [line, column]),
      [
        [5, "team"],
        [6, "budget"],
      ],
    );
    assert.equal((await call("GET", "virtual-keys/k0")).status, 404);
  });

  test("each opens the gateway with the secret of its line", async () => {
    const answer = await call("POST", "virtual-keys", [header, ...rows].join("\r\n"), {
      accept: "text/csv",
    });
    assert.equal(answer.status, 201);
    const lines = String(answer.body["answered"]).trimEnd().split("\r\n");
    assert.equal(lines.length, COUNT + 1);
    const [id = "", , team, , key = ""] = lines[7]?.split(",") ?? [];
    assert.deepEqual([id, team], ["k6", "made"]);
    const row = await ask(key);
    assert.deepEqual([row.outcome, row.virtual_key], ["ok", "k6"]);
    assert.deepEqual(row["labels"], { floor: "4", cost_center: 'a, "b"' });
    const again = await call("POST", "virtual-keys", [header, rows[6]].join("\n"));
    assert.equal(again.status, 409);
    assert.match(String(again.body["detail"]), /line 2, column id/);
  });
});

describe("a correction", () => {
  const charged = async (): Promise<RequestRow> => {
    upstream.answerWith(() => ({ ...text("ok"), fault: { kind: "reset_before_head" } }));
    const row = await ask();
    upstream.answerWith(() => text("ok"));
    assert.equal(row.estimated, true);
    return row;
  };
  const correct = (id: string, body: object, headers = {}) =>
    call("POST", `requests/${id}/correction`, body, headers);

  test("replaces the estimate in the row and in every window, once, and lasts", async () => {
    const row = await charged();
    const before = await spent();
    const cost = "0.000000123";
    const said = { cost_usd: cost, reason: "invoice 7" };
    const headers = { "idempotency-key": "c1" };
    const answers = await Promise.all([
      correct(row.id, said, headers),
      correct(row.id, said, headers),
    ]);
    for (const { status, body } of answers) {
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual([body["cost_usd"], body["estimated"]], [cost, false]);
    }
    const again = await correct(row.id, said);
    assert.deepEqual([again.status, again.body["code"]], [409, "conflict"]);
    const after = await spent();
    for (const scope of SCOPES) {
      const delta = nanoOf(after[scope] ?? "0") - nanoOf(before[scope] ?? "0");
      assert.equal(delta, nanoOf(cost) - nanoOf(row.cost_usd), scope);
    }
    const detail = await call("GET", `requests/${row.id}`);
    const [attempt] = detail.body["attempts"] as { corrections: object[] }[];
    assert.equal(attempt?.corrections.length, 1);
    const sum = (await gateway.rows()).reduce((total, each) => total + nanoOf(each.cost_usd), 0n);
    assert.equal(nanoOf(after["customer/acme"] ?? "0"), sum);
    await gateway.kill9();
    await gateway.restart();
    assert.deepEqual(await spent(), after);
  });

  test("reaches a budget that was added after the charge", async () => {
    const row = await charged();
    const rolling = { budgets: [...MONTH, { usd: "40", rolling: "5h" }] };
    assert.equal((await call("PATCH", "teams/made", rolling)).status, 200);
    const settled = async (): Promise<bigint> => {
      const added = (await gateway.budgets()).find(({ per }) => per === "5h");
      return nanoOf(added?.settled_usd ?? "0");
    };
    const before = await settled();
    assert.ok(before >= nanoOf(row.cost_usd));
    assert.equal((await correct(row.id, { cost_usd: "0", reason: "not billed" })).status, 200);
    assert.equal(before - (await settled()), nanoOf(row.cost_usd));
  });

  test("is refused where it makes no sense", async () => {
    const row = await charged();
    const reason = "invoice";
    const wrong = [
      { cost_usd: "-1", reason },
      { cost_usd: "0.0000000001", reason },
      { cost_usd: 1, reason },
      { cost_usd: "1e3", reason },
      { cost_usd: "1", reason: "  " },
      { cost_usd: "1" },
      { cost_usd: "1", reason, attempt: 0 },
      { cost_usd: "1", reason, attempt: 9 },
      { cost_usd: "1", reason, more: 1 },
    ];
    for (const body of wrong)
      assert.equal((await correct(row.id, body)).status, 400, JSON.stringify(body));
    assert.equal((await correct("req_none", { cost_usd: "1", reason })).status, 404);
    const exact = await ask();
    assert.equal((await correct(exact.id, { cost_usd: "1", reason })).status, 409);
    const { code, output } = await gateway.cli(
      "correct",
      row.id,
      "--cost",
      "0.5",
      "--reason",
      "by hand",
      "--attempt",
      "1",
    );
    assert.equal(code, 0, output);
    assert.match(output, /it costs \$0\.50/);
  });
});

test("afterwards they can be removed from the innermost outwards, and their budgets go", async () => {
  const { data } = (await gateway.api("/api/v1/virtual-keys?team=made&limit=1000")) as {
    data: { id: string }[];
  };
  assert.ok(data.length > 300);
  const page = (await gateway.api("/api/v1/audit/records?limit=1")) as { data: unknown[] };
  assert.equal(page.data.length, 1);
  for (const { id } of data.slice(-3))
    assert.equal((await call("DELETE", `virtual-keys/${id}`)).status, 204);
  assert.equal((await call("DELETE", "owners/ada@acme.example")).status, 204);
  const amounts = await spent();
  assert.ok(!("owner/ada@acme.example" in amounts));
  await until(
    "the journal is whole",
    async () => (await gateway.cli("audit", "verify")).code === 0,
  );
  const before = await spent();
  assert.equal(await gateway.stop(), 0);
  const { readFileSync, readdirSync } = await import("node:fs");
  const folder = `${gateway.dataDir}/journal`;
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const journal = files
    .filter((name) => name.endsWith(".ndjson"))
    .map((name) => readFileSync(`${folder}/${name}`, "utf8"))
    .join("");
  for (const hidden of [LITERAL, UPSTREAM_KEY, secret]) assert.ok(!journal.includes(hidden));
  assert.match(
    journal,
    /"actor":"token","action":"update","entity":"team","id":"made","before":\{/,
  );
  await gateway.restart();
  assert.deepEqual(await spent(), before);
});
