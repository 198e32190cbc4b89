/** Bytes pass through: what the client sends arrives upstream, what upstream sends arrives at the client. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { nanoOf } from "../harness/bill.ts";
import { startGateway, until, type Gateway } from "../harness/gateway.ts";
import { ADA_KEY, SMALL_ENV, smallConfig, UPSTREAM_KEY } from "../harness/gateway-config.ts";
import { send, type RawAnswer } from "../harness/raw-request.ts";
import { text, withThinking, type Delivery } from "../harness/scripts.ts";
import { event } from "../harness/sse.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { deepBody, hostileBody, largeBody } from "./hostile-bodies.ts";

const CASES = 150;
const BODY =
  '{"model":"claude-opus-5-5","max_tokens":100,"messages":[{"role":"user","content":"Hi"}]}';
const STREAMED = BODY.replace("}]}", '}],"stream":true}');
const JSON_HEADERS = { "content-type": "application/json", "anthropic-version": "2023-06-01" };
const KEY_HEADERS = { ...JSON_HEADERS, "x-api-key": ADA_KEY };

describe("bytes through the gateway", () => {
  let alone: Upstream;
  let behind: Upstream;
  let gateway: Gateway;

  before(async () => {
    alone = await startUpstream(() => text("unset"));
    behind = await startUpstream(() => text("unset"));
    const budgets = { key: [{ usd: "100000", per: "day" }] };
    const config = smallConfig(behind.url, { budgets, server: { max_body_mb: 24 } });
    gateway = await startGateway({ config, env: SMALL_ENV });
  });
  after(async () => {
    await gateway?.dispose();
    await Promise.all([alone?.stop(), behind?.stop()]);
  });

  /** Sends the same with and without the gateway; gives both answers. */
  async function both(
    body: string,
    delivery: Delivery = {},
  ): Promise<{ direct: RawAnswer; through: RawAnswer }> {
    const answer = { ...withThinking(text("Grüße 👋 aus 東京"), "Überlegung"), delivery };
    alone.answerWith(() => answer);
    behind.answerWith(() => answer);
    const direct = await send(alone.url, { path: "/v1/messages", headers: KEY_HEADERS, body });
    const through = await send(gateway.url, { path: "/v1/messages", headers: KEY_HEADERS, body });
    return { direct, through };
  }

  async function assertExact(body: string, delivery: Delivery = {}): Promise<void> {
    const { direct, through } = await both(body, delivery);
    assert.equal(
      through.status,
      200,
      `${through.body.toString("utf8").slice(0, 500)}\n${body.slice(0, 2000)}`,
    );
    assert.ok(
      behind.requests.at(-1)?.body.equals(Buffer.from(body, "utf8")),
      "the request's bytes",
    );
    assert.ok(through.body.equals(direct.body), "the answer's bytes");
    assert.equal(through.headers["content-type"], direct.headers["content-type"]);
    assert.equal(through.headers["request-id"], direct.headers["request-id"]);
  }

  test(`${CASES} hostile bodies`, async () => {
    const chunks = fc.constantFrom<NonNullable<Delivery["chunks"]>>(
      "event",
      "whole",
      1,
      3,
      64,
      1000,
    );
    await fc.assert(
      fc.asyncProperty(hostileBody, chunks, (body, size) => {
        JSON.parse(body);
        return assertExact(body, { chunks: size });
      }),
      { numRuns: CASES },
    );
  });

  test("nesting 100,000 deep", () => assertExact(deepBody(100_000)));
  test("20 MB", () => assertExact(largeBody(20_000_000)));

  test("unknown events, pings and CRLF", () => {
    const extra = event("hologram_delta", { index: 9, delta: { type: "depth", value: "…" } }, 0);
    return assertExact(STREAMED, {
      extraEvents: [extra],
      pingEvery: 1,
      lineEnd: "\r\n",
      chunks: 5,
    });
  });

  test("a stream of some megabytes", async () => {
    const answer = {
      ...text("0123456789 ".repeat(100_000), { output_tokens: 90 }),
      delivery: { chunks: 65_536 },
    };
    alone.answerWith(() => answer);
    behind.answerWith(() => answer);
    const what = { path: "/v1/messages", headers: KEY_HEADERS, body: STREAMED };
    const [direct, through] = [await send(alone.url, what), await send(gateway.url, what)];
    assert.ok(direct.body.length > 4_000_000);
    assert.ok(through.body.equals(direct.body));
  });

  test("a body sent in chunks without a length", async () => {
    const headers = { ...KEY_HEADERS, "transfer-encoding": "chunked" };
    await send(gateway.url, { path: "/v1/messages", headers, body: BODY });
    const arrived = behind.requests.at(-1);
    assert.equal(arrived?.body.toString("utf8"), BODY);
    assert.equal(arrived?.headers["content-length"], String(BODY.length));
  });

  for (const query of ["", "?beta=true", "?a=b%2Fc&a=%00&%F0%9F%91%8B", "?"]) {
    for (const prefix of ["", "/anthropic"]) {
      test(`path ${prefix}/v1/messages${query}`, async () => {
        behind.answerWith(() => text("ok"));
        const path = `${prefix}/v1/messages${query}`;
        const answer = await send(gateway.url, { path, headers: KEY_HEADERS, body: BODY });
        assert.equal(answer.status, 200);
        assert.equal(
          behind.requests.at(-1)?.url.replace(/\?$/, ""),
          `/v1/messages${query}`.replace(/\?$/, ""),
        );
      });
    }
  }

  test("a missing max_tokens is the one thing that is put in", async () => {
    const { through } = await both(
      '{"model":"claude-opus-5-5", "messages":[{"role":"user","content":"é"}]}',
    );
    assert.equal(through.status, 200);
    const { max_tokens, ...rest } = behind.requests.at(-1)?.json() ?? { model: "", messages: [] };
    assert.equal(typeof max_tokens, "number");
    assert.deepEqual(rest, {
      model: "claude-opus-5-5",
      messages: [{ role: "user", content: "é" }],
    });
  });

  test("an answer that upstream compresses is readable and paid for", async () => {
    const rowsBefore = (await gateway.rows()).length;
    const billBefore = behind.bill.totalNano;
    const { direct, through } = await both(STREAMED, { gzip: true });
    const plain =
      through.headers["content-encoding"] === "gzip" ? gunzipSync(through.body) : through.body;
    // The two upstreams number their messages apart.
    const unnumbered = (body: Buffer) => body.toString("utf8").replace(/msg_\d+/g, "msg");
    assert.equal(unnumbered(plain), unnumbered(gunzipSync(direct.body)));
    const rows = await gateway.rows((all) => all.length > rowsBefore);
    assert.ok(nanoOf(rows[0]?.cost_usd ?? "0") >= behind.bill.totalNano - billBefore);
  });

  test("request headers: credentials replaced, hop-by-hop dropped, the client's own forwarded", async () => {
    behind.answerWith(() => text("ok"));
    const forwarded = {
      "anthropic-version": "2026-10-21",
      "anthropic-beta": "claude-code-20250219,x-unknown-2027-01-01",
      "x-stainless-retry-count": "0",
      "user-agent": "claude-cli/2.1.330 (external, sdk-cli)",
      "x-claude-code-session-id": "5b0c0000-0000-4000-8000-000000000000",
      "content-type": "application/json",
    };
    const headers = {
      ...forwarded,
      authorization: `Bearer ${ADA_KEY}`,
      "x-api-key": "sk-ant-of-the-developer",
      "proxy-authorization": "Basic c2VjcmV0",
      te: "trailers",
      "keep-alive": "timeout=5",
      connection: "keep-alive, x-of-this-hop",
      "x-of-this-hop": "1",
    };
    const answer = await send(gateway.url, { path: "/v1/messages", headers, body: BODY });
    assert.equal(answer.status, 200);
    const arrived = behind.requests.at(-1);
    assert.ok(arrived !== undefined);
    for (const [name, value] of Object.entries(forwarded))
      assert.equal(arrived.headers[name], value, name);
    assert.equal(arrived.headers["x-api-key"], UPSTREAM_KEY);
    assert.equal(arrived.headers.host, new URL(behind.url).host);
    for (const name of [
      "authorization",
      "proxy-authorization",
      "te",
      "x-of-this-hop",
      "keep-alive",
    ]) {
      assert.equal(arrived.headers[name], undefined, name);
    }
    const all = arrived.rawHeaders.join("\n");
    assert.ok(!all.includes(ADA_KEY) && !all.includes("sk-ant-of-the-developer"));
  });

  test("answer headers: the request ids, and nothing about the provider's account", async () => {
    behind.answerWith(() => ({
      ...text("ok"),
      delivery: { headers: { "set-cookie": "a=b", "x-upstream": "1" } },
    }));
    const answer = await send(gateway.url, {
      path: "/v1/messages",
      headers: KEY_HEADERS,
      body: BODY,
    });
    assert.match(answer.headers["request-id"] as string, /^req_01/);
    const ours = answer.headers["tollgate-request-id"] as string;
    assert.match(ours, /^req_[0-9A-Za-z]{24}$/);
    const names = Object.keys(answer.headers);
    assert.deepEqual(
      names.filter((name) => name.startsWith("anthropic-ratelimit-")),
      [],
    );
    for (const name of ["set-cookie", "x-upstream", "via"]) assert.ok(!names.includes(name), name);
    await gateway.rows((rows) => rows.some((row) => row.id === ours));
  });

  test("count_tokens and models are relayed and cost nothing", async () => {
    const before = (await gateway.budgets()).map((budget) => budget.settled_usd);
    const path = "/v1/messages/count_tokens?beta=true";
    const counted = await send(gateway.url, { path, headers: KEY_HEADERS, body: BODY });
    assert.deepEqual(counted.json(), { input_tokens: Math.ceil(BODY.length / 4) });
    assert.equal(behind.requests.at(-1)?.url, path);
    const id = counted.headers["tollgate-request-id"];
    const rows = await gateway.rows((all) => all.some((row) => row.id === id));
    const row = rows.find((each) => each.id === id);
    assert.deepEqual([row?.task_type, row?.cost_usd], ["count", "0"]);
    const listed = await send(gateway.url, {
      method: "GET",
      path: "/v1/models?limit=1000",
      headers: KEY_HEADERS,
    });
    const models = await send(alone.url, { method: "GET", path: "/v1/models?limit=1000" });
    assert.deepEqual(listed.json(), models.json());
    assert.deepEqual(
      (await gateway.budgets()).map((budget) => budget.settled_usd),
      before,
    );
  });

  test("the reachability probe needs no key", async () => {
    for (const path of ["/api/hello", "/anthropic/api/hello"]) {
      assert.equal((await send(gateway.url, { method: "HEAD", path })).status, 200);
    }
  });

  test("and all of it is on the books", async () => {
    await until("nothing is held", async () =>
      (await gateway.budgets()).every((budget) => nanoOf(budget.held_usd) === 0n),
    );
    const rows = await gateway.rows((all) => all.every((row) => row.outcome !== null));
    const sum = rows.reduce((total, row) => total + nanoOf(row.cost_usd), 0n);
    const settled = (await gateway.budgets()).map((budget) => nanoOf(budget.settled_usd));
    assert.deepEqual(settled, [sum]);
    const estimated = rows.filter((row) => row.estimated);
    assert.deepEqual([estimated.length <= 1, sum >= behind.bill.totalNano], [true, true]);
    if (estimated.length === 0) assert.equal(sum, behind.bill.totalNano);
  });
});
