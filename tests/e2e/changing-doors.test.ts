/** What a session brings from another dialect's door, and counts that fail: the client notices neither. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { startGateway, type Gateway } from "../harness/gateway.ts";
import { send, type RawAnswer } from "../harness/raw-request.ts";

const MODEL = "claude-opus-4-6";
const KEYS = { native: "vk_native0123456789abcdefg", mixed: "vk_mixed0123456789abcdefgh" };
const SECRETS = { NATIVE_KEY: KEYS.native, MIXED_KEY: KEYS.mixed, UPSTREAM_KEY: "sk-test" };

interface Asked {
  readonly url: string;
  readonly body: string;
}

let gateway: Gateway;
let anthropic: Server;
const asked: Asked[] = [];
/** Status of the next counts. */
let countStatus = 200;

before(async () => {
  anthropic = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const url = request.url ?? "";
      asked.push({ url, body: Buffer.concat(pieces).toString() });
      const isCount = url.includes("count_tokens");
      response.writeHead(isCount ? countStatus : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(isCount ? countAnswer() : MESSAGE));
    });
  });
  await new Promise<void>((resolve) => anthropic.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(anthropic.address() as AddressInfo).port}`;
  const keys = [{ id: "main", secret: "env:UPSTREAM_KEY" }];
  gateway = await startGateway({
    env: SECRETS,
    config: {
      version: 1,
      providers: [
        { id: "anthropic", kind: "anthropic", base_url: url, keys },
        { id: "openai", kind: "openai", base_url: url, keys },
      ],
      customers: [{ id: "acme" }],
      teams: [{ id: "platform", customer: "acme" }],
      virtual_keys: [
        {
          id: "native",
          team: "platform",
          secret: "env:NATIVE_KEY",
          providers: [{ id: "anthropic" }],
        },
        {
          id: "mixed",
          team: "platform",
          secret: "env:MIXED_KEY",
          providers: [{ id: "anthropic" }, { id: "openai" }],
        },
      ],
    },
  });
});
after(async () => {
  await gateway?.dispose();
  anthropic?.closeAllConnections();
  anthropic?.close();
});

const MESSAGE = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: MODEL,
  content: [{ type: "text", text: "yes" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 9, output_tokens: 1 },
};

function countAnswer(): object {
  if (countStatus === 200) return { input_tokens: 77 };
  const type = countStatus === 400 ? "invalid_request_error" : "overloaded_error";
  return { type: "error", error: { type, message: "no" } };
}

function ask(key: keyof typeof KEYS, body: string, path = "/v1/messages"): Promise<RawAnswer> {
  const headers = { "x-api-key": KEYS[key], "content-type": "application/json" };
  return send(gateway.url, { path, headers, body });
}

const THOUGHT = '{"type":"thinking","thinking":"hm","signature":""}, ';
const bodyWith = (thought: string) =>
  `{"model":"${MODEL}", "max_tokens":50,"messages":[{"role":"user","content":"a"},` +
  `{"role":"assistant","content":[${thought}{"type":"text","text":"b"}]},` +
  '{"role":"user","content":"c"}]}';

describe("thinking of another door", () => {
  test("is taken out where the key has doors of another dialect, and told", async () => {
    const got = await ask("mixed", bodyWith(THOUGHT));
    assert.equal(got.status, 200, got.body.toString());
    assert.equal(got.headers["tollgate-dropped"], "thinking.signature");
    assert.equal(asked.at(-1)?.body, bodyWith(""));
  });

  test("is not looked for where it has none: bytes pass", async () => {
    const got = await ask("native", bodyWith(THOUGHT));
    assert.equal(got.headers["tollgate-dropped"], undefined);
    assert.equal(asked.at(-1)?.body, bodyWith(THOUGHT));
  });
});

describe("a count", () => {
  const count = (key: keyof typeof KEYS) => {
    const question = JSON.stringify({ model: MODEL, messages: [{ role: "user", content: "Hi!" }] });
    return ask(key, question, "/v1/messages/count_tokens");
  };

  async function assertCounted(got: RawAnswer, status: number, outcome: string): Promise<void> {
    assert.equal(got.status, status, got.body.toString());
    const id = got.headers["tollgate-request-id"];
    const rows = await gateway.rows((all) => all.some((row) => row.id === id));
    const row = rows.find((each) => each.id === id);
    assert.deepEqual([row?.task_type, row?.cost_usd, row?.outcome], ["count", "0", outcome]);
  }

  test("is the provider's own where it gives one", async () => {
    countStatus = 200;
    const got = await count("native");
    await assertCounted(got, 200, "ok");
    assert.deepEqual(got.json(), { input_tokens: 77 });
    assert.equal(got.headers["tollgate-estimated"], undefined);
  });

  test("that fails is estimated, and says so", async () => {
    countStatus = 529;
    const got = await count("native");
    await assertCounted(got, 200, "ok");
    assert.equal(got.headers["tollgate-estimated"], "input_tokens");
    const { input_tokens: tokens } = got.json() as { input_tokens: number };
    assert.ok(tokens > 0 && tokens < 100, String(tokens));
  });

  test("that the provider refuses for the request's sake tells why", async () => {
    countStatus = 400;
    const got = await count("native");
    await assertCounted(got, 400, "upstream_error");
    assert.equal(got.headers["tollgate-estimated"], undefined);
  });
});
