/** Changes of customers, teams, owners and providers over the API, keys from CSV, and corrections. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { startApi, type Api } from "./api-client.ts";
import { requestDetail } from "./memory-ports.ts";

const NEW = [
  ["customers", { id: "beta", name: "Beta" }],
  ["teams", { id: "new", customer: "acme", labels: { floor: "4" } }],
  ["owners", { id: "bob@acme.example", team: "platform" }],
  [
    "providers",
    { id: "second", kind: "anthropic", keys: [{ id: "k", secret: "env:UPSTREAM_KEY" }] },
  ],
] as const;

let api: Api;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

for (const [plural, fields] of NEW) {
  const path = `/api/v1/${plural}`;
  const one = `${path}/${encodeURIComponent(fields.id)}`;

  test(`${plural} are made, shown, changed and removed, under conditions`, async () => {
    const made = await api.call("POST", path, { body: fields });
    assert.equal(made.status, 201, made.text);
    assert.equal(made.headers.get("location"), one);
    assert.equal(made.body["source"], "api");
    const etag = made.headers.get("etag") ?? "";
    assert.match(etag, /^"[0-9a-f]{32}"$/);
    assert.equal((await api.get(one)).headers.get("etag"), etag);
    const patch =
      plural === "providers" ? { base_url: "https://other.example" } : { name: "Other" };
    const change = { body: patch, headers: { "if-match": etag } };
    const changed = await api.call("PATCH", one, change);
    assert.equal(changed.status, 200, changed.text);
    assert.notEqual(changed.headers.get("etag"), etag);
    for (const method of ["PATCH", "DELETE"])
      assert.equal((await api.call(method, one, change)).status, 412, method);
    const ids = (await api.get(path)).body["data"] as { id: string; source: string }[];
    assert.ok(ids.some(({ id, source }) => id === fields.id && source === "api"));
    assert.ok(ids.some(({ source }) => source === "file"));
    assert.equal((await api.call("DELETE", one)).status, 204);
    assert.equal((await api.call("DELETE", one)).status, 404);
    assert.equal((await api.get(one)).status, 404);
    const kind = plural.slice(0, -1);
    assert.deepEqual(
      api.world.changes,
      ["create", "update", "delete"].map((action) => `${action} ${kind} ${fields.id} by token`),
    );
  });

  test(`a repeat of a new one of ${plural} gets the first answer`, async () => {
    const headers = { "idempotency-key": "again" };
    const first = await api.call("POST", path, { body: fields, headers });
    const second = await api.call("POST", path, { body: fields, headers });
    assert.deepEqual([second.status, second.body], [first.status, first.body]);
    assert.equal(api.world.changes.length, 1);
  });

  test(`what is no object, or no JSON, makes none of ${plural}`, async () => {
    for (const body of ["[]", '"text"', "null", "{"])
      assert.equal((await api.call("POST", path, { body })).status, 400, body);
    const csv = { body: "id\nx", headers: { "content-type": "text/csv" } };
    assert.equal((await api.call("POST", path, csv)).status, 415);
    assert.deepEqual(api.world.changes, []);
  });
}

describe("virtual keys from CSV", () => {
  const PATH = "/api/v1/virtual-keys";
  const csv = (body: string, headers = {}) =>
    api.call("POST", PATH, { body, headers: { "content-type": "text/csv", ...headers } });

  test("are answered as a list with their secrets, or as CSV", async () => {
    const made = await csv("id,team\na,platform\nb,platform\n");
    assert.equal(made.status, 201, made.text);
    const data = made.body["data"] as { id: string; secret: string }[];
    assert.deepEqual(
      data.map(({ id, secret }) => [id, secret]),
      [
        ["a", "vk_made-1"],
        ["b", "vk_made-2"],
      ],
    );
    assert.equal(made.body["next_cursor"], null);
    const printed = await csv("id,team\nc,platform\n", { accept: "text/csv" });
    assert.equal(printed.headers.get("content-type"), "text/csv; charset=utf-8");
    assert.equal(printed.text, "id,name,team,owner,secret\r\nc,,platform,,vk_made-3\r\n");
    assert.ok(!JSON.stringify(api.world.logged).includes("vk_made"));
  });

  test("a repeat gets the first answer; faults name line and column", async () => {
    const headers = { "idempotency-key": "many" };
    const text = "id,team\na,platform\n";
    assert.equal((await csv(text, headers)).status, 201);
    assert.equal((await csv(text, headers)).status, 201);
    assert.equal((await csv(`${text}b,platform\n`, headers)).status, 409);
    const wrong = await csv("id,team\nb,nope\n");
    assert.equal(wrong.status, 400);
    assert.deepEqual(wrong.body["faults"], [{ line: 2, column: "team", message: "no such team" }]);
    const there = await csv("id,team\nada,platform\n");
    assert.deepEqual([there.status, there.body["code"]], [409, "conflict"]);
    assert.equal(api.world.changes.length, 1);
  });

  test("more than ten mebibytes are refused, and more than one as JSON", async () => {
    const wide = `id,team,name\na,platform,${"n".repeat(2 * 1024 * 1024)}\n`;
    assert.equal((await csv(wide)).status, 201);
    const json = { id: "x", team: "platform", name: "n".repeat(1024 * 1024) };
    assert.equal((await api.call("POST", PATH, { body: json })).status, 413);
    const response = await csv("x".repeat(10 * 1024 * 1024 + 1)).catch(() => null);
    // The server may close before all is sent.
    if (response !== null) assert.match(String(response.body["detail"]), /10485760/);
    assert.equal(api.world.keys.has("x"), false);
  });
});

describe("corrections", () => {
  const correct = (id: string, body: object, headers = {}) =>
    api.call("POST", `/api/v1/requests/${id}/correction`, { body, headers });

  test("pass on what is stated, once for each key, and answer with the request", async () => {
    api.world.requests.push(requestDetail("req_1"));
    const headers = { "idempotency-key": "c" };
    const body = { cost_usd: "0.000000001", reason: " invoice 7 ", attempt: 2 };
    for (const _ of [1, 2]) {
      const answer = await correct("req_1", body, headers);
      assert.deepEqual([answer.status, answer.body["id"]], [200, "req_1"]);
    }
    assert.deepEqual(api.world.corrections, [
      { request: "req_1", attempt: 2, cost: 1n, reason: "invoice 7" },
    ]);
    assert.equal((await correct("req_1", { ...body, attempt: 7 })).status, 409);
    assert.equal((await correct("req_2", body)).status, 404);
  });

  test("amounts and reasons that are none are refused by name", async () => {
    for (const [body, parameter] of [
      [{ cost_usd: "-0.1", reason: "r" }, "cost_usd"],
      [{ cost_usd: "0.0000000001", reason: "r" }, "cost_usd"],
      [{ cost_usd: "10000000000", reason: "r" }, "cost_usd"],
      [{ cost_usd: 1, reason: "r" }, "cost_usd"],
      [{ reason: "r" }, "cost_usd"],
      [{ cost_usd: "1", reason: " " }, "reason"],
      [{ cost_usd: "1", reason: "r".repeat(1001) }, "reason"],
      [{ cost_usd: "1" }, "reason"],
      [{ cost_usd: "1", reason: "r", attempt: 1.5 }, "attempt"],
      [{ cost_usd: "1", reason: "r", of: 1 }, "of"],
    ] as const) {
      const answer = await correct("req_1", body);
      assert.deepEqual([answer.status, answer.body["parameter"]], [400, parameter]);
    }
    assert.deepEqual(api.world.corrections, []);
  });
});
