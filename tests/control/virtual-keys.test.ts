/** Changes of virtual keys over the API: secrets shown once, conditions, repeats, refusals. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { mergePatch } from "../../src/control/merge-patch.ts";
import { JournalUnavailable } from "../../src/journal/journal.ts";
import { startApi, type Api } from "./api-client.ts";

const PATH = "/api/v1/virtual-keys";
const NEW = { id: "new", team: "platform", name: "New" };

describe("virtual keys", () => {
  let api: Api;
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(() => api.close());

  test("a made key's secret is in the answer, and nowhere afterwards", async () => {
    const made = await api.call("POST", PATH, { body: NEW });
    assert.equal(made.status, 201);
    assert.equal(made.headers.get("location"), `${PATH}/new`);
    assert.equal(made.body["secret"], "vk_made-1");
    assert.equal(made.body["name"], "New");
    assert.equal(made.body["source"], "api");
    for (const path of [PATH, `${PATH}/new`]) {
      assert.ok(!(await api.get(path)).text.includes("vk_made"));
    }
    assert.deepEqual(api.world.changes, ["create new by token"]);
    assert.ok(!JSON.stringify(api.world.logged).includes("vk_made"));
  });

  test("what is wrong with a new key is told by its field", async () => {
    const wrong = await api.call("POST", PATH, { body: { ...NEW, team: "nope" } });
    assert.deepEqual([wrong.status, wrong.body["parameter"]], [400, "team"]);
    const duplicate = await api.call("POST", PATH, { body: { ...NEW, id: "ada" } });
    assert.equal(duplicate.status, 409);
    for (const body of ["[]", '"text"', "1", "null"]) {
      const { status } = await api.call("POST", PATH, { body });
      assert.equal(status, 400, body);
    }
    assert.deepEqual(api.world.changes, []);
  });

  test("a patch changes, null takes away, and a key of the file stays as it is", async () => {
    await api.call("POST", PATH, { body: NEW });
    const headers = { "content-type": "application/merge-patch+json" };
    const named = await api.call("PATCH", `${PATH}/new`, { body: { name: "Other" }, headers });
    assert.deepEqual([named.status, named.body["name"]], [200, "Other"]);
    const inFile = await api.call("PATCH", `${PATH}/ada`, { body: { name: "x" } });
    assert.equal(inFile.status, 409);
    assert.equal((await api.call("PATCH", `${PATH}/nobody`, { body: {} })).status, 404);
  });

  test("a key is removed once", async () => {
    await api.call("POST", PATH, { body: NEW });
    assert.equal((await api.call("DELETE", `${PATH}/new`)).status, 204);
    assert.equal((await api.call("DELETE", `${PATH}/new`)).status, 404);
    assert.equal((await api.call("DELETE", `${PATH}/ada`)).status, 409);
  });

  test("rotate gives a secret, with an overlap or without; revoke ends it", async () => {
    const at = `${PATH}/ada/rotate`;
    const rotated = await api.call("POST", at, { body: { overlap_seconds: 60 } });
    assert.deepEqual([rotated.status, rotated.body["secrets"]], [200, 2]);
    assert.equal((await api.call("POST", at)).body["secret"], "vk_made-2");
    const revoked = await api.call("POST", `${PATH}/ada/revoke`);
    assert.equal(revoked.body["state"], "revoked");
    assert.equal(revoked.body["revoked"], "1970-01-01T00:00:01.000Z");
    assert.deepEqual(api.world.changes, [
      "rotate ada by token overlap 60",
      "rotate ada by token overlap 0",
      "revoke ada by token",
    ]);
  });

  test("wrong overlaps and fields are refused", async () => {
    const bodies = [{ overlap_seconds: -1 }, { overlap_seconds: 1.5 }, { overlap_seconds: "1" }];
    for (const body of [...bodies, { overlap_seconds: 1e9 }, { overlap: 1 }]) {
      const { status, body: problem } = await api.call("POST", `${PATH}/ada/rotate`, { body });
      assert.equal(status, 400, JSON.stringify(body));
      assert.match(String(problem["parameter"]), /^overlap/);
    }
    assert.equal((await api.call("POST", `${PATH}/nobody/rotate`)).status, 404);
    assert.equal((await api.call("POST", `${PATH}/nobody/revoke`)).status, 404);
    assert.equal((await api.call("POST", `${PATH}/ada/revoke`, { body: { now: 1 } })).status, 400);
  });

  test("If-Match lets only the first of two writers through", async () => {
    await api.call("POST", PATH, { body: NEW });
    const etag = (await api.get(`${PATH}/new`)).headers.get("etag") ?? "";
    assert.match(etag, /^"[0-9a-f]{32}"$/);
    const change = (name: string, tag: string) =>
      api.call("PATCH", `${PATH}/new`, { body: { name }, headers: { "if-match": tag } });
    const first = await change("first", etag);
    assert.equal(first.status, 200);
    const second = await change("second", etag);
    assert.equal(second.status, 412);
    assert.equal(second.headers.get("etag"), first.headers.get("etag"));
    assert.equal((await change("third", `"x", ${first.headers.get("etag")}`)).status, 200);
    assert.equal((await change("fourth", "*")).status, 200);
    for (const [method, path] of [
      ["DELETE", `${PATH}/new`],
      ["POST", `${PATH}/new/rotate`],
      ["POST", `${PATH}/new/revoke`],
    ] as const) {
      const { status } = await api.call(method, path, { headers: { "if-match": etag } });
      assert.equal(status, 412, path);
    }
  });

  test("a repeat with the same Idempotency-Key changes nothing", async () => {
    const headers = { "idempotency-key": "k1" };
    const both = await Promise.all([
      api.call("POST", PATH, { body: NEW, headers }),
      api.call("POST", PATH, { body: NEW, headers }),
    ]);
    const again = await api.call("POST", PATH, { body: NEW, headers });
    for (const answer of [...both, again]) {
      assert.deepEqual([answer.status, answer.body["secret"]], [201, "vk_made-1"]);
    }
    assert.equal(api.world.changes.length, 1);
    const other = await api.call("POST", PATH, { body: { ...NEW, id: "two" }, headers });
    assert.deepEqual([other.status, other.body["code"]], [409, "idempotency_key_reused"]);
    assert.equal((await api.call("POST", `${PATH}/new/rotate`, { headers })).status, 200);
    assert.equal(
      (await api.call("POST", PATH, { body: NEW, headers: { "idempotency-key": "" } })).status,
      400,
    );
  });

  test("a call that failed may be tried again with its key", async () => {
    const headers = { "idempotency-key": "k2" };
    const body = { ...NEW, team: "nope" };
    assert.equal((await api.call("POST", PATH, { body, headers })).status, 400);
    assert.equal((await api.call("POST", PATH, { body: NEW, headers })).status, 201);
  });

  test("a journal that cannot be written is told as 503", async () => {
    Object.assign(api.world.ports.keys, {
      revoke: () => Promise.reject(new JournalUnavailable("full")),
    });
    const { status, body } = await api.call("POST", `${PATH}/ada/revoke`);
    assert.deepEqual([status, body["code"]], [503, "unavailable"]);
  });

  test("the list filters by team and owner", async () => {
    await api.call("POST", PATH, { body: NEW });
    const ids = async (query: string) =>
      ((await api.get(PATH + query)).body["data"] as { id: string }[]).map(({ id }) => id);
    assert.deepEqual(await ids(""), ["ada", "new"]);
    assert.deepEqual(await ids("?owner=ada@acme.example"), ["ada"]);
    assert.deepEqual(await ids("?team=research"), []);
  });
});

test("merge patches follow the examples of RFC 7396", () => {
  const cases = [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ a: "foo" }, "bar", "bar"],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, expected] of cases) {
    assert.deepEqual(mergePatch(target, patch), expected);
  }
  const hostile: unknown = JSON.parse('{"__proto__": {"admin": true}}');
  assert.equal(({} as { admin?: boolean }).admin, undefined);
  assert.deepEqual(Object.keys(mergePatch({}, hostile) as object), ["__proto__"]);
});
