/** What is done to a gateway as a whole: a new admin token, and the place where a backup ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startApi } from "./api-client.ts";
import { TOKEN } from "./memory-ports.ts";

test("a new admin token is told once, and ends the browsers' sessions", async () => {
  const api = await startApi();
  try {
    const signedIn = await api.call("POST", "/api/v1/session", {
      token: null,
      body: { token: TOKEN },
    });
    const [cookie = ""] = (signedIn.headers.get("set-cookie") ?? "").split(";");
    const asBrowser = { token: null, headers: { cookie } };
    assert.equal((await api.call("GET", "/api/v1/status", asBrowser)).status, 200);
    const reset = await api.call("POST", "/api/v1/admin/reset-token", { body: {} });
    assert.deepEqual([reset.status, reset.body["token"]], [200, "tga_made-anew"]);
    assert.equal(reset.headers.get("cache-control"), "no-store");
    assert.equal((await api.call("GET", "/api/v1/status", asBrowser)).status, 401);
    assert.ok(!JSON.stringify(api.world.logged).includes("tga_"));
  } finally {
    await api.close();
  }
});

test("a token of the configuration cannot be reset; nobody without it resets one", async () => {
  const api = await startApi();
  try {
    const path = "/api/v1/admin/reset-token";
    assert.equal((await api.call("POST", path, { token: null, body: {} })).status, 401);
    api.world.tokenIsMade = false;
    const refused = await api.call("POST", path, { body: {} });
    assert.equal(refused.status, 409);
    assert.match(refused.text, /admin\.token/);
  } finally {
    await api.close();
  }
});

test("a backup's place is told once everything is synced; a disk that does not is 503", async () => {
  const api = await startApi();
  try {
    const { status, body } = await api.call("POST", "/api/v1/backups", { body: {} });
    const place = { segment: 1, offset: 700, seq: 7, hash: "ab".repeat(32), time: null };
    assert.deepEqual([status, body], [201, { node: "nAAAAAAAA", ...place }]);
    api.world.trouble = new Error("EIO");
    const refused = await api.call("POST", "/api/v1/backups", { body: {} });
    assert.equal(refused.status, 503);
    assert.match(JSON.stringify(api.world.logged), /could not begin.*EIO/);
  } finally {
    await api.close();
  }
});

test("the status tells what is in flight and where the books contradict themselves", async () => {
  const api = await startApi();
  try {
    api.world.breaches.push("cap_kept of a window: it is wrong");
    const { body } = await api.get("/api/v1/status");
    assert.deepEqual(body["in_flight"], { attempts: 2, held_usd: "1.5" });
    assert.deepEqual(body["invariant_breaches"], ["cap_kept of a window: it is wrong"]);
  } finally {
    await api.close();
  }
});
