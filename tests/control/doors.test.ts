/** Who gets in and how: token, cookie, socket; pages for browsers; and what is no proper call at all. */
import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { freshFolder } from "../cli/run-cli.ts";
import { startApi, type Answer, type Api } from "./api-client.ts";
import { budgetView } from "./memory-budgets.ts";
import { requestDetail, TOKEN } from "./memory-ports.ts";

let api: Api;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

function cookieOf(answer: Answer): string {
  return (answer.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
}

describe("the token", () => {
  for (const authorization of ["", "Bearer", "Bearer wrong", `Basic ${TOKEN}`, TOKEN]) {
    test(`"${authorization.replace(TOKEN, "TOKEN")}" is answered with 401`, async () => {
      const headers = authorization === "" ? {} : { authorization };
      for (const path of ["/api/v1/status", "/api/openapi.json", "/api/v1/virtual-keys/ada"]) {
        const answer = await api.call("GET", path, { token: null, headers });
        assert.equal(answer.status, 401);
        assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer/);
      }
    });
  }

  test("comes before the body: strangers cannot make the gateway read one", async () => {
    const answer = await api.call("POST", "/api/v1/virtual-keys", { token: null, body: "{bad" });
    assert.equal(answer.status, 401);
  });
});

describe("a browser", () => {
  const signIn = (): Promise<Answer> =>
    api.call("POST", "/api/v1/session", { token: null, body: { token: TOKEN } });

  test("signs in for a cookie that no script and no other site can use", async () => {
    const answer = await signIn();
    assert.equal(answer.status, 201);
    const header = answer.headers.get("set-cookie") ?? "";
    for (const part of ["HttpOnly", "SameSite=Strict", "Path=/"]) assert.ok(header.includes(part));
    const headers = { cookie: cookieOf(answer) };
    assert.equal((await api.call("GET", "/api/v1/status", { token: null, headers })).status, 200);
  });

  test("needs x-tollgate-csrf for what changes something, and must come from our own page", async () => {
    const cookie = cookieOf(await signIn());
    const revoke = (headers: Record<string, string>) =>
      api.call("POST", "/api/v1/virtual-keys/ada/revoke", {
        token: null,
        headers: { cookie, ...headers },
      });
    assert.equal((await revoke({})).status, 403);
    assert.equal((await revoke({ "x-tollgate-csrf": "" })).status, 403);
    const elsewhere = { "x-tollgate-csrf": "1", "sec-fetch-site": "same-site" };
    assert.equal((await revoke(elsewhere)).status, 403);
    assert.deepEqual(api.world.changes, []);
    assert.equal((await revoke({ "x-tollgate-csrf": "1" })).status, 200);
    assert.deepEqual(api.world.changes, ["revoke ada by browser"]);
  });

  test("signs out, and the cookie is worth nothing afterwards", async () => {
    const cookie = cookieOf(await signIn());
    const headers = { cookie, "x-tollgate-csrf": "1" };
    const out = await api.call("DELETE", "/api/v1/session", { token: null, headers });
    assert.equal(out.status, 204);
    assert.match(out.headers.get("set-cookie") ?? "", /Max-Age=0/);
    const after = await api.call("GET", "/api/v1/status", { token: null, headers: { cookie } });
    assert.equal(after.status, 401);
  });

  for (const body of [
    { token: "wrong" },
    { token: "" },
    {},
    { token: 1 },
    { token: TOKEN, x: 1 },
  ]) {
    test(`cannot sign in with ${JSON.stringify(body).replace(TOKEN, "TOKEN")}`, async () => {
      const answer = await api.call("POST", "/api/v1/session", { token: null, body });
      assert.ok([400, 401].includes(answer.status));
      assert.equal(answer.headers.get("set-cookie"), null);
    });
  }

  test("a made-up cookie is nobody's", async () => {
    for (const cookie of ["tollgate_session=x", "tollgate_session=", "other=1"]) {
      const answer = await api.call("GET", "/api/v1/status", { token: null, headers: { cookie } });
      assert.equal(answer.status, 401);
    }
  });
});

describe("the page at /", () => {
  const form = (path: string, body: string, cookie = ""): Promise<Answer> =>
    api.call("POST", path, {
      token: null,
      body,
      headers: { "content-type": "application/x-www-form-urlencoded", cookie },
    });

  test("asks strangers for the token, and tells them nothing", async () => {
    const { status, text } = await api.call("GET", "/?from=-7d", { token: null });
    assert.equal(status, 200);
    assert.match(text, /<input[^>]*type="password"/);
    assert.ok(!text.includes("9.8.7") && !text.includes("acme"));
  });

  test("runs no script, and its policy allows exactly its style", async () => {
    const { text, headers } = await api.call("GET", "/", { token: null });
    assert.ok(!/<script|\son\w+=|style=|javascript:/i.test(text));
    const style = /<style>([^]*)<\/style>/.exec(text)?.[1] ?? "";
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style));
    const policy = headers.get("content-security-policy") ?? "";
    assert.ok(policy.includes(`'sha256-${Buffer.from(digest).toString("base64")}'`));
    assert.ok(policy.includes("frame-ancestors 'none'"));
  });

  test("signs in by form, shows budgets and requests, and signs out by form", async () => {
    const wrong = await form("/sign-in", "token=wrong");
    assert.equal(wrong.status, 401);
    assert.match(wrong.text, /not the admin token/);
    const signedIn = await form("/sign-in", `token=${TOKEN}`);
    assert.deepEqual([signedIn.status, signedIn.headers.get("location")], [303, "/"]);
    const cookie = cookieOf(signedIn);
    api.world.budgets.push(budgetView({ settled: 3_000_000_000_000n, held: 4_000_000n }));
    api.world.requests.push(
      requestDetail("req_1", { outcome: "refused", refusal: "rate_limited" }),
    );
    const { text } = await api.call("GET", "/", { token: null, headers: { cookie } });
    for (const shown of [
      "9.8.7",
      "Enforcing",
      "$3,000.00",
      "&lt;$0.01",
      "$1,000.00",
      "rate_limited",
      "$0.0006",
      "refused key main with 401",
      "http://127.0.0.1:8080/anthropic",
    ]) {
      assert.ok(text.includes(shown), `${shown} in ${text}`);
    }
    const token = /name="form_token" value="([^"]+)"/.exec(text)?.[1] ?? "";
    await form("/sign-out", "form_token=guess", cookie);
    const still = await api.call("GET", "/api/v1/status", { token: null, headers: { cookie } });
    assert.equal(still.status, 200, "a form of another page signs nobody out");
    assert.equal((await form("/sign-out", `form_token=${token}`, cookie)).status, 303);
    const gone = await api.call("GET", "/api/v1/status", { token: null, headers: { cookie } });
    assert.equal(gone.status, 401);
  });

  test("escapes what clients have named", async () => {
    const hostile = `<img src=x onerror=alert(1)>"'&\u202E\u0000`;
    api.world.requests.push(requestDetail("req_1", { model: hostile, virtual_key: hostile }));
    api.world.budgets.push(budgetView({ scope: { type: "team", id: hostile } }));
    const { text } = await api.get("/");
    assert.ok(!text.includes("<img"));
    assert.ok(text.includes("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;[U+202E][U+0000]"));
  });

  test("comes while the views are in trouble, and says that nothing is refused in observe mode", async () => {
    api.world.trouble = new Error("boom");
    api.world.mode = "observe";
    const { status, text } = await api.get("/");
    assert.equal(status, 200);
    assert.match(text, /cannot be read now/);
    assert.match(text, /Observing/);
    assert.ok(!text.includes("boom"));
  });
});

describe("the socket", () => {
  const ask = (path: string, socketPath: string): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const request = httpRequest({ socketPath, path }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      });
      request.on("error", reject).end();
    });

  test("needs no token, is its user's alone, replaces a dead one and goes with the server", async () => {
    const path = join(freshFolder(), "control.sock");
    writeFileSync(path, "left behind");
    await api.server.listenSocket(path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal((await ask("/api/v1/status", path)).status, 200);
    assert.match((await ask("/", path)).text, /Enforcing/);
    await api.server.close();
    assert.equal(statSync(path, { throwIfNoEntry: false }), undefined);
  });

  test("says why where it cannot be made", async () => {
    const folder = freshFolder();
    await assert.rejects(
      api.server.listenSocket(join(folder, "no", "control.sock")),
      /ENOENT|EACCES/,
    );
    await assert.rejects(api.server.listenSocket(join(folder, "x".repeat(200))));
  });
});

describe("what is no proper call", () => {
  test("unknown paths and methods", async () => {
    const nowhere = await api.get("/api/v1/planets");
    assert.deepEqual([nowhere.status, nowhere.body["code"]], [404, "not_found"]);
    const wrong = await api.call("PUT", "/api/v1/virtual-keys/ada", { body: {} });
    assert.equal(wrong.status, 405);
    assert.equal(wrong.headers.get("allow"), "HEAD, GET, PATCH, DELETE");
    assert.equal((await api.call("OPTIONS", "/api/v1/budgets")).status, 405);
    assert.equal((await api.get("/api/v1/teams/%E0%A4%A")).status, 400);
  });

  test("HEAD answers like GET, without a body", async () => {
    const answer = await fetch(`${api.url}/api/v1/status`, {
      method: "HEAD",
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    assert.deepEqual([answer.status, await answer.text()], [200, ""]);
  });

  for (const body of ["{bad", `{"id": "vk_secret-in-broken-json-0123`, '{"__proto__": {"a": 1}}']) {
    test(`the body ${body} is answered with 400 that does not repeat it`, async () => {
      const answer = await api.call("POST", "/api/v1/virtual-keys", { body });
      assert.equal(answer.status, 400);
      assert.ok(!answer.text.includes("secret-in"));
    });
  }

  test("bodies above 1 MiB, of other types, and forms where JSON is due", async () => {
    const large = await api.call("POST", "/api/v1/virtual-keys", {
      body: { id: "x".repeat(1024 * 1024) },
    });
    assert.equal(large.status, 413);
    for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
      const answer = await api.call("POST", "/api/v1/session", {
        token: null,
        body: `token=${TOKEN}`,
        headers: { "content-type": type },
      });
      assert.equal(answer.status, 415, type);
    }
  });

  test("a fault of the gateway is told without its inside, and logged with it", async () => {
    api.world.trouble = new Error("inside /etc/passwd");
    const { status, body, text } = await api.get("/api/v1/usage");
    assert.deepEqual([status, body["code"]], [500, "internal"]);
    assert.ok(!text.includes("inside"));
    assert.match(JSON.stringify(api.world.logged), /inside \/etc\/passwd/);
  });

  test("bytes that are no HTTP get a problem, too", async () => {
    const socket = connect(Number(new URL(api.url).port), "127.0.0.1");
    socket.end("nonsense\r\n\r\n");
    let text = "";
    for await (const chunk of socket.setEncoding("utf8")) text += String(chunk);
    assert.match(text, /^HTTP\/1\.1 400 /);
    assert.match(text, /application\/problem\+json/);
  });
});

test("changes are logged with who made them", async () => {
  await api.call("POST", "/api/v1/virtual-keys/ada/revoke");
  await api.get("/api/v1/virtual-keys");
  const messages = api.world.logged.map(({ message }) => message);
  assert.deepEqual(messages, ["control API: POST /api/v1/virtual-keys/{id}/revoke"]);
});

test("close lets calls in flight end", async () => {
  const { usage } = api.world.ports.views;
  Object.assign(api.world.ports.views, {
    usage: async (query: Parameters<typeof usage>[0]) => {
      await delay(100);
      return usage(query);
    },
  });
  const answer = api.get("/api/v1/usage");
  await delay(30);
  await api.close();
  assert.equal((await answer).status, 200);
});
