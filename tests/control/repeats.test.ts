/** An `Idempotency-Key` outlives the process: after a restart a repeat changes nothing and is answered as before. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DESK_BODY } from "../e2e/desk.ts";
import { startGateway, type Gateway } from "../harness/gateway.ts";
import { ADA_KEY, SMALL_ENV, smallConfig } from "../harness/gateway-config.ts";
import { send } from "../harness/raw-request.ts";
import { text } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
}

interface Call {
  readonly path: string;
  readonly key: string;
  readonly body: unknown;
  readonly accept?: string;
}

let upstream: Upstream;
let gateway: Gateway;

before(async () => {
  upstream = await startUpstream(() => ({
    ...text("ok"),
    fault: { kind: "reset_before_head" },
  }));
  gateway = await startGateway({ config: smallConfig(upstream.url), env: SMALL_ENV });
});
after(async () => {
  await gateway?.dispose();
  await upstream?.stop();
});

async function call({ path, key, body, accept = "application/json" }: Call): Promise<Answer> {
  const isCsv = typeof body === "string";
  const response = await fetch(`${gateway.adminUrl}/api/v1/${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${gateway.adminToken}`,
      "content-type": isCsv ? "text/csv" : "application/json",
      "idempotency-key": key,
      accept,
    },
    body: isCsv ? body : JSON.stringify(body),
  });
  const answered = await response.text();
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  const parsed = (isJson ? JSON.parse(answered) : {}) as Answer["body"];
  return { status: response.status, body: parsed, text: answered };
}

/** Numbers of the journal's lines that changed something. */
async function changes(): Promise<number[]> {
  const page = (await gateway.api("/api/v1/audit/records?limit=1000")) as {
    data: { seq: number; type: string }[];
  };
  const changing = page.data.filter(({ type }) => /^(?:admin_change|correction)$/.test(type));
  return changing.map(({ seq }) => seq);
}

const TEAM = { path: "teams", key: "t", body: { id: "made", customer: "acme" } };
const KEY = { path: "virtual-keys", key: "k", body: { id: "bob", team: "platform" } };
const MANY = { path: "virtual-keys", key: "m", body: "id,team\nx,platform\ny,platform\n" };
const ROTATE = { path: "virtual-keys/ada/rotate", key: "r", body: { overlap_seconds: 3600 } };
const REVOKE = { path: "virtual-keys/bob/revoke", key: "v", body: {} };

describe("repeats after a restart", () => {
  let correction: Call;
  let first: Record<string, Answer> = {};
  let written: number[];

  before(async () => {
    const headers = { "x-api-key": ADA_KEY, "content-type": "application/json" };
    const refused = await send(gateway.url, { path: "/v1/messages", body: DESK_BODY, headers });
    const id = String(refused.headers["tollgate-request-id"]);
    await gateway.rows((rows) => rows.some((row) => row.id === id && row.estimated));
    const said = { cost_usd: "0.001", reason: "invoice 7" };
    correction = { path: `requests/${id}/correction`, key: "c", body: said };
    first = {
      team: await call(TEAM),
      key: await call(KEY),
      many: await call(MANY),
      rotate: await call(ROTATE),
      revoke: await call(REVOKE),
      correction: await call(correction),
    };
    written = await changes();
    assert.deepEqual(
      Object.values(first).map(({ status }) => status),
      [201, 201, 201, 200, 200, 200],
      JSON.stringify(first),
    );
  });

  const restarts: [string, () => Promise<unknown>][] = [
    ["kill -9, from the journal", () => gateway.kill9()],
    ["a clean stop, from the snapshot", () => gateway.stop()],
  ];
  for (const [name, end] of restarts) {
    test(`${name}: the same status and entity, and nothing is written`, async () => {
      await end();
      await gateway.restart();
      const team = await call(TEAM);
      assert.deepEqual([team.status, team.body], [201, first["team"]?.body]);
      const revoked = await call(REVOKE);
      assert.deepEqual([revoked.status, revoked.body], [200, first["revoke"]?.body]);
      const corrected = await call(correction);
      assert.deepEqual([corrected.status, corrected.body], [200, first["correction"]?.body]);
      assert.deepEqual(await changes(), written);
    });
  }

  test("a secret is not told again: it is null, and the answer says what to do", async () => {
    for (const [asked, status, id] of [
      [KEY, 201, "bob"],
      [ROTATE, 200, "ada"],
    ] as const) {
      const { body, ...answer } = await call(asked);
      assert.deepEqual([answer.status, body["id"], body["secret"]], [status, id, null]);
      assert.match(String(body["note"]), new RegExp(`POST /api/v1/virtual-keys/${id}/rotate`));
    }
    const many = await call(MANY);
    const data = many.body["data"] as { id: string; secret: string | null }[];
    assert.equal(many.status, 201);
    assert.deepEqual(
      data.map(({ id, secret }) => [id, secret]),
      [
        ["x", null],
        ["y", null],
      ],
    );
    const csv = await call({ ...MANY, accept: "text/csv" });
    assert.equal(csv.text, "id,name,team,owner,secret\r\nx,,platform,,\r\ny,,platform,,\r\n");
    assert.deepEqual(await changes(), written);
  });

  test("another body under the same key is refused, the same key elsewhere is another one", async () => {
    for (const asked of [TEAM, KEY]) {
      const other = await call({ ...asked, body: { ...asked.body, name: "Other" } });
      assert.deepEqual([other.status, other.body["code"]], [409, "idempotency_key_reused"]);
    }
    assert.deepEqual(await changes(), written);
    const elsewhere = await call({ ...KEY, key: TEAM.key, body: { ...KEY.body, id: "eve" } });
    assert.equal(elsewhere.status, 201);
    assert.match(String(elsewhere.body["secret"]), /^vk_/);
  });

  test("what was removed since is not made again", async () => {
    const path = `${gateway.adminUrl}/api/v1/teams/made`;
    const headers = { authorization: `Bearer ${gateway.adminToken}` };
    assert.equal((await fetch(path, { method: "DELETE", headers })).status, 204);
    const { status, body } = await call(TEAM);
    assert.deepEqual([status, body["code"], body["value"]], [409, "conflict", "made"]);
  });
});
