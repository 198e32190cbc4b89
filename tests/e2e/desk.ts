/** A gateway with keys for every purpose, and one request at a time to see how it is answered. */
import assert from "node:assert/strict";
import { startGateway, type Gateway, type RequestRow } from "../harness/gateway.ts";
import { SMALL_ENV, smallConfig } from "../harness/gateway-config.ts";
import {
  send,
  type ErrorEnvelope,
  type RawAnswer,
  type RawRequest,
} from "../harness/raw-request.ts";
import { text, type Answer } from "../harness/scripts.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";

export const DESK_MODEL = "claude-opus-5-5";

/** A small request of at most 1,000 tokens of output. */
export const DESK_BODY = JSON.stringify({
  model: DESK_MODEL,
  max_tokens: 1000,
  messages: [{ role: "user", content: "Hi" }],
});

/** What a refusal must look like. A header that is `undefined` must be missing. */
export interface ExpectedRefusal {
  readonly status: number;
  readonly type: string;
  /** The row's `refusal`. */
  readonly code: string;
  readonly headers?: Readonly<Record<string, string | RegExp | undefined>>;
}

export interface Desk {
  readonly upstream: Upstream;
  readonly gateway: Gateway;
  /** Sends a request with the key `id`; the upstream would answer so. Default: `DESK_BODY`, "ok". */
  readonly ask: (id: string, what?: Partial<RawRequest>, answer?: Answer) => Promise<RawAnswer>;
  /** Checks envelope, headers and row of a refusal; gives its sentence. */
  readonly assertRefused: (answer: RawAnswer, expected: ExpectedRefusal) => Promise<string>;
  /** The row of an answer. */
  readonly rowOf: (answer: RawAnswer) => Promise<RequestRow>;
  /** Runs `sending`, and checks that nothing of it reached the upstream. */
  readonly unheard: <T>(sending: () => Promise<T>) => Promise<T>;
  readonly dispose: () => Promise<void>;
}

/** The secret of the key `id`. */
export function secretOf(id: string): string {
  return `vk_${id}_0123456789abcdefghij`;
}

/** Starts a desk whose keys have these further fields each. */
export async function startDesk(keys: Readonly<Record<string, object>>): Promise<Desk> {
  const upstream = await startUpstream(() => text("ok"));
  const secrets = Object.keys(keys).map((id) => [variableOf(id), secretOf(id)] as const);
  const env = { ...SMALL_ENV, ...Object.fromEntries(secrets) };
  const gateway = await startGateway({ config: deskConfig(upstream.url, keys), env });

  async function rowOf(answer: RawAnswer): Promise<RequestRow> {
    const id = answer.headers["tollgate-request-id"];
    const rows = await gateway.rows((all) => all.some((row) => row.id === id));
    const row = rows.find((each) => each.id === id);
    assert.ok(row !== undefined);
    return row;
  }

  return {
    upstream,
    gateway,
    rowOf,
    ask: (id, what = {}, answer = text("ok")) => {
      upstream.answerWith(() => answer);
      const key = { "x-api-key": secretOf(id), "content-type": "application/json" };
      const headers = { ...key, ...what.headers };
      return send(gateway.url, { path: "/v1/messages", body: DESK_BODY, ...what, headers });
    },
    assertRefused: async (answer, expected) => {
      const message = assertEnvelope(answer, expected);
      const { refusal, outcome, status, cost_usd } = await rowOf(answer);
      const seen = { refusal, outcome, status, cost_usd };
      const { code, status: expectedStatus } = expected;
      assert.deepEqual(seen, {
        refusal: code,
        outcome: "refused",
        status: expectedStatus,
        cost_usd: "0",
      });
      return message;
    },
    unheard: async (sending) => {
      // A count is free: near a cap the gateway may ask for one before it refuses.
      const before = upstream.messages().length;
      const result = await sending();
      assert.equal(upstream.messages().length, before, "nothing reached the upstream");
      return result;
    },
    dispose: async () => {
      await gateway.dispose();
      await upstream.stop();
    },
  };
}

/** Checks status, headers and body of an answer in the error envelope; gives its sentence. */
export function assertEnvelope(answer: RawAnswer, expected: Omit<ExpectedRefusal, "code">): string {
  const { status, headers } = answer;
  const envelope = answer.json() as ErrorEnvelope;
  assert.deepEqual(
    { status, type: envelope.type, error: envelope.error.type },
    { status: expected.status, type: "error", error: expected.type },
    envelope.error.message,
  );
  assert.match(headers["content-type"] ?? "", /^application\/json/);
  assert.match(String(headers["tollgate-request-id"]), /^req_[0-9A-Za-z]{24}$/);
  assert.ok(envelope.request_id !== undefined);
  assert.equal(envelope.request_id, headers["request-id"]);
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    if (value instanceof RegExp) assert.match(String(headers[name]), value, name);
    else assert.equal(headers[name], value, name);
  }
  return envelope.error.message;
}

function deskConfig(upstreamUrl: string, keys: Readonly<Record<string, object>>): object {
  const base = smallConfig(upstreamUrl, { server: { max_body_mb: 1, budget_wait_seconds: 1 } });
  const virtualKeys = Object.entries(keys).map(([id, fields]) => ({
    id,
    team: "platform",
    secret: `env:${variableOf(id)}`,
    ...fields,
  }));
  return { ...base, virtual_keys: virtualKeys };
}

function variableOf(id: string): string {
  return `KEY_${id.toUpperCase()}`;
}
