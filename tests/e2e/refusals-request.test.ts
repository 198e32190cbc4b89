/** Refusals of what is wrong with the request itself: its path, its key, its body. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { send } from "../harness/raw-request.ts";
import { assertEnvelope, DESK_BODY, secretOf, startDesk, type Desk } from "./desk.ts";

const MEGABYTE = 1024 * 1024;
const NOT_FOUND = { status: 404, type: "not_found_error" };
const UNAUTHORIZED = {
  status: 401,
  type: "authentication_error",
  headers: { "x-should-retry": "false" },
};
const TOO_LARGE = { status: 413, type: "request_too_large", code: "body_too_large" };
const BAD_REQUEST = { status: 400, type: "invalid_request_error", code: "bad_request" };

let desk: Desk;
before(async () => {
  desk = await startDesk({ plain: {}, gone: {}, expired: { expires: "2026-01-01T00:00:00Z" } });
});
after(() => desk?.dispose());

describe("a path that is not listed", () => {
  const paths = [
    "/",
    "/v1/complete",
    "/v1/messages/",
    "/anthropic/v1/files",
    "/v1/messages/../models",
    "//v1/messages",
    "/anthropicv1/messages",
    "/anthropic/anthropic/v1/messages",
    "/V1/messages",
  ];
  for (const path of paths) {
    test(path, async () => {
      assertEnvelope(await desk.unheard(() => desk.ask("plain", { path })), NOT_FOUND);
    });
  }
});

describe("a key that is no key", () => {
  const credentials: Readonly<Record<string, Record<string, string>>> = {
    "none at all": {},
    unknown: { "x-api-key": "vk_unknown0123456789abcdef" },
    "a provider's": { authorization: "Bearer sk-ant-api03-something" },
    "with a wrong scheme": { authorization: `Basic ${secretOf("plain")}` },
    empty: { "x-api-key": "" },
    "unknown in x-api-key beside a good bearer": {
      "x-api-key": "vk_unknown0123456789abcdef",
      authorization: `Bearer ${secretOf("plain")}`,
    },
  };
  for (const [name, headers] of Object.entries(credentials)) {
    test(name, async () => {
      const what = { path: "/v1/messages", headers, body: DESK_BODY };
      const answer = await desk.unheard(() => send(desk.gateway.url, what));
      await desk.assertRefused(answer, { ...UNAUTHORIZED, code: "unknown_key" });
    });
  }

  test("expired", async () => {
    const answer = await desk.unheard(() => desk.ask("expired"));
    await desk.assertRefused(answer, { ...UNAUTHORIZED, code: "revoked_key" });
  });

  test("revoked, from the next request on", async () => {
    const { adminUrl, adminToken } = desk.gateway;
    assert.equal((await desk.ask("gone")).status, 200);
    const headers = { authorization: `Bearer ${adminToken}` };
    const path = "/api/v1/virtual-keys/gone/revoke";
    const revoked = await fetch(`${adminUrl}${path}`, { method: "POST", headers });
    assert.equal(revoked.status, 200, await revoked.text());
    const answer = await desk.unheard(() => desk.ask("gone"));
    await desk.assertRefused(answer, { ...UNAUTHORIZED, code: "revoked_key" });
  });

  test("but a good bearer beside a provider's key is good", async () => {
    const headers = { "x-api-key": "sk-ant-x", authorization: `Bearer ${secretOf("plain")}` };
    assert.equal((await desk.ask("plain", { headers })).status, 200);
  });
});

describe("a body", () => {
  const large = Buffer.alloc(MEGABYTE + 1, "x");

  test("that is too large by its length", async () => {
    const answer = await desk.unheard(() => desk.ask("plain", { body: large }));
    await desk.assertRefused(answer, TOO_LARGE);
  });

  test("that is too large and has no length", async () => {
    const headers = { "transfer-encoding": "chunked" };
    const answer = await desk.unheard(() => desk.ask("plain", { body: large, headers }));
    await desk.assertRefused(answer, TOO_LARGE);
  });

  test("that is encoded", async () => {
    const what = { body: gzipSync(DESK_BODY), headers: { "content-encoding": "gzip" } };
    const answer = await desk.unheard(() => desk.ask("plain", what));
    await desk.assertRefused(answer, BAD_REQUEST);
  });

  const malformed: readonly (readonly [body: string, offset: number])[] = [
    ["", 0],
    [" ", 1],
    ["{", 1],
    ["[]", 0],
    ["null", 0],
    ['"text"', 0],
    ['{"model":"a"', 12],
    [`${DESK_BODY}x`, DESK_BODY.length],
    [`${DESK_BODY} {}`, DESK_BODY.length + 1],
    ['{"model" "a"}', 9],
    ["{model:1}", 1],
    ['{"model":"a",}', 13],
    ["{'model':'a'}", 1],
    ['{"model":"a","max_tokens":1,"messages":[}', 40],
  ];
  for (const [body, offset] of malformed) {
    test(`that is malformed at ${offset}: ${body.slice(0, 45)}`, async () => {
      const answer = await desk.unheard(() => desk.ask("plain", { body }));
      const message = await desk.assertRefused(answer, BAD_REQUEST);
      assert.match(message, new RegExp(`\\b${offset}\\b`));
    });
  }

  const governed = [
    "model stream max_tokens thinking metadata tools speed inference_geo service_tier",
    "context_management output_config mcp_servers cache_control fallbacks container system messages",
  ];
  for (const name of governed.join(" ").split(" ")) {
    test(`with ${name} twice`, async () => {
      const first = `{"${name}":null,"x":1,`;
      const escaped = `\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}`;
      for (const again of [name, escaped]) {
        const body = `${first}"${again}":null}`;
        const answer = await desk.unheard(() => desk.ask("plain", { body }));
        const message = await desk.assertRefused(answer, BAD_REQUEST);
        assert.ok(message.includes(name), message);
        assert.match(message, new RegExp(`\\b${first.length}\\b`));
      }
    });
  }
});
