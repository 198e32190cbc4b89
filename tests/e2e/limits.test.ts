/** Limits on tokens and cost through the real gateway: never passed by what is billed, and a true time to come back. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { lineNano, type BillLine } from "../harness/bill.ts";
import { settledRows, startGateway, type Gateway, type RequestRow } from "../harness/gateway.ts";
import { SMALL_ENV, smallConfig } from "../harness/gateway-config.ts";
import { send, type RawAnswer } from "../harness/raw-request.ts";
import { text } from "../harness/scripts.ts";
import { integer, randomAnswer, randomOf } from "../harness/scripts-random.ts";
import { startUpstream, type Upstream } from "../harness/upstream.ts";
import { DESK_BODY, DESK_MODEL, startDesk, type Desk } from "./desk.ts";
import { inParallel } from "./load.ts";

const SEED = Number(process.env["TOLLGATE_SEED"] ?? Date.now() % 1_000_000);
const REQUESTS = 500;
const AT_ONCE = 100;
const MAX_TOKENS = 300;
const INPUT_TOKENS = 2_000;
const TRIES = 6;
const RETRY_MS = 30;
const KEYS = ["a1", "a2", "b1", "b2"];
const AGENTS = [null, "x", "y"];

interface Limit {
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly usd?: string;
  readonly per: string;
}

/** Each limit is the only one of its scope; all of them bind somewhere. */
const LIMITS: Readonly<Record<string, Limit>> = {
  "customer/acme": { usd: "0.8", per: "total" },
  "team/a": { output_tokens: 10_000, per: "total" },
  "virtual_key/a2": { input_tokens: 30_000, per: "total" },
  "provider_config/b1/anthropic": { output_tokens: 6_000, per: "total" },
  "virtual_key/b2": { input_tokens: 9_000, per: "session" },
  "virtual_key/b1": { output_tokens: 1_500, per: "subagent" },
};

describe(`five hundred requests, a hundred at once, seed ${SEED}`, () => {
  let upstream: Upstream;
  let gateway: Gateway;
  let rows: RequestRow[];
  /** The most that was billed in any window of a scope's limit, in its unit; cost in nano-dollars. */
  let most: Map<string, number>;

  before(async () => {
    const random = randomOf(SEED);
    upstream = await startUpstream((request) =>
      randomAnswer(random, { inputTokens: INPUT_TOKENS, faults: 0.05 }, request),
    );
    const secrets = KEYS.map((key) => [`KEY_${key.toUpperCase()}`, secretOf(key)] as const);
    const env = { ...SMALL_ENV, ...Object.fromEntries(secrets) };
    gateway = await startGateway({ config: configOf(upstream.url), env });
    let left = REQUESTS;
    await inParallel(AT_ONCE, () => (left-- > 0 ? insist(gateway.url, randomCall(random)) : null));
    rows = await settledRows(gateway);
    most = mostOf(upstream.bill.lines);
  });
  after(async () => {
    await gateway?.dispose();
    await upstream?.stop();
  });

  test("the upstream's bill is within every limit", () => {
    for (const [scope, limit] of Object.entries(LIMITS)) {
      const billed = most.get(scope) ?? 0;
      assert.ok(billed <= capOf(limit), `${scope}: billed ${billed} of ${capOf(limit)}`);
    }
  });

  test("every limit was used and has refused something", () => {
    for (const [scope, limit] of Object.entries(LIMITS)) {
      const billed = most.get(scope) ?? 0;
      assert.ok(billed * 2 > capOf(limit), `${scope}: billed only ${billed} of ${capOf(limit)}`);
    }
    assert.ok(rows.some((row) => row.refusal === "rate_limited"));
    assert.ok(!rows.some(({ refusal }) => refusal?.includes("budget") === true));
  });

  test("the books say no more than the limits, and hold nothing", async () => {
    for (const key of KEYS) {
      const headers = { "x-api-key": secretOf(key) };
      const me = (await send(gateway.url, { path: "/me", method: "GET", headers })).json();
      for (const { limit, used, limit_usd, used_usd } of (me as Me).limits)
        assert.ok(Number(used ?? used_usd) <= Number(limit ?? limit_usd), JSON.stringify(me));
    }
  });

  test("the journal verifies", async () => {
    const verified = await gateway.cli("audit", "verify", gateway.dataDir);
    assert.equal(verified.code, 0, verified.output);
  });
});

interface Me {
  readonly limits: readonly {
    readonly unit: string;
    readonly per: string;
    readonly scope: { readonly type: string; readonly id: string };
    readonly limit?: number;
    readonly used?: number;
    readonly limit_usd?: string;
    readonly used_usd?: string;
  }[];
}

interface Call {
  readonly key: string;
  /** `key.number.agent`, by which lines of the bill are found. */
  readonly session: string;
  readonly agent: string | null;
  readonly stream: boolean;
  readonly maxTokens: number;
}

function randomCall(random: () => number): Call {
  const key = KEYS[integer(random, 0, KEYS.length - 1)] ?? "a1";
  const agent = AGENTS[integer(random, 0, AGENTS.length - 1)] ?? null;
  return {
    key,
    session: `${key}.${integer(random, 1, 2)}.${agent}`,
    agent,
    stream: random() < 0.8,
    maxTokens: integer(random, MAX_TOKENS / 2, MAX_TOKENS),
  };
}

/** Sends a request again while it is told to come back. */
async function insist(origin: string, call: Call): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const answer = await sendCall(origin, call);
    if (answer?.status !== 429 || answer.headers["x-should-retry"] === "false") return;
    await delay(RETRY_MS);
  }
}

function sendCall(origin: string, call: Call): Promise<RawAnswer | null> {
  const body = JSON.stringify({
    model: DESK_MODEL,
    max_tokens: call.maxTokens,
    messages: [{ role: "user", content: `Request ${call.session}` }],
    stream: call.stream,
  });
  const headers = {
    "x-api-key": secretOf(call.key),
    "x-claude-code-session-id": call.session,
    "content-type": "application/json",
    ...(call.agent === null ? {} : { "x-claude-code-agent-id": call.agent }),
  };
  return send(origin, { path: "/v1/messages", headers, body }).catch(() => null);
}

/** Which lines count in a scope's limit, and in which of its windows. */
function windowOf(scope: string, limit: Limit, session: string): string | null {
  const [key = "", , agent = ""] = session.split(".");
  if (limit.per === "subagent" && agent === "null") return null;
  const isIn =
    scope.startsWith("customer/") ||
    scope === `team/${key[0]}` ||
    scope === `virtual_key/${key}` ||
    scope === `provider_config/${key}/anthropic`;
  if (!isIn) return null;
  return limit.per === "total" ? "" : session;
}

function mostOf(lines: readonly BillLine[]): Map<string, number> {
  const most = new Map<string, number>();
  for (const [scope, limit] of Object.entries(LIMITS)) {
    const windows = new Map<string, number>();
    for (const line of lines) {
      const window = windowOf(scope, limit, line.session ?? "");
      if (window !== null) windows.set(window, (windows.get(window) ?? 0) + amountOf(limit, line));
    }
    most.set(scope, Math.max(0, ...windows.values()));
  }
  return most;
}

function amountOf(limit: Limit, line: BillLine): number {
  const { input_tokens, cache_creation_input_tokens = 0, output_tokens } = line.usage;
  if (limit.usd !== undefined) return Number(lineNano(line));
  return limit.output_tokens === undefined
    ? input_tokens + cache_creation_input_tokens
    : output_tokens;
}

function capOf({ usd, input_tokens, output_tokens }: Limit): number {
  return usd === undefined ? (input_tokens ?? output_tokens ?? 0) : Number(usd) * 1e9;
}

function configOf(upstreamUrl: string): object {
  const of = (scope: string): object => {
    const limit = LIMITS[scope];
    return limit === undefined ? {} : { rate_limits: [limit] };
  };
  return {
    ...smallConfig(upstreamUrl, { server: { budget_wait_seconds: 1 } }),
    customers: [{ id: "acme", ...of("customer/acme") }],
    teams: ["a", "b"].map((id) => ({ id, customer: "acme", ...of(`team/${id}`) })),
    owners: [],
    virtual_keys: KEYS.map((id) => ({
      id,
      team: id[0],
      secret: `env:KEY_${id.toUpperCase()}`,
      ...of(`virtual_key/${id}`),
      providers: [{ id: "anthropic", ...of(`provider_config/${id}/anthropic`) }],
    })),
  };
}

function secretOf(key: string): string {
  return `vk_${key}_0123456789abcdefghij`;
}

describe("a limit on tokens", () => {
  let desk: Desk;
  before(async () => {
    const none = { input_tokens: 0, per: "day" };
    desk = await startDesk({
      tiny: { rate_limits: [{ output_tokens: 500, per: "minute" }] },
      bucket: { rate_limits: [{ input_tokens: 600_000, per: "hour", burst: 50 }] },
      last: { rate_limits: [{ output_tokens: 7000, per: "day", overshoot: "last_request" }] },
      spent: { rate_limits: [{ output_tokens: 1500, per: "hour" }] },
      counts: { rate_limits: [none, { usd: "0", per: "day" }, { output_tokens: 0, per: "day" }] },
    });
  });
  after(() => desk?.dispose());

  const never = { "retry-after": "3600", "x-should-retry": "false" };
  const limited = { status: 429, type: "rate_limit_error", code: "rate_limited" };

  test("that no request fits into says what would fit, and not to come back", async () => {
    const answer = await desk.unheard(() => desk.ask("tiny"));
    assert.equal(
      await desk.assertRefused(answer, { ...limited, headers: never }),
      "Key tiny has a limit of 500 output tokens per minute; this request needs up to 1000 output tokens, " +
        "and one of 500 output tokens would fit; use /compact or /clear, or ask your platform team for a higher limit.",
    );
  });

  test("that is a token bucket says so of its size", async () => {
    const answer = await desk.ask("bucket");
    const sentence = await desk.assertRefused(answer, { ...limited, headers: never });
    assert.match(sentence, /and one of 50 input tokens would fit;/);
  });

  test("gives back what an answer did not use, and tells when the rest fits", async () => {
    const usage = { input_tokens: 10, output_tokens: 600 };
    const first = await desk.ask("spent", {}, text("ok", usage));
    assert.equal(first.status, 200);
    const second = await desk.ask("spent");
    const headers = { "retry-after": /^[1-9]\d*$/, "x-should-retry": undefined };
    const sentence = await desk.assertRefused(second, { ...limited, headers });
    assert.match(
      sentence,
      /^Key spent has 900 output tokens left of its limit of 1500 output tokens per hour, and this request needs up to 1000 output tokens; room comes /,
    );
    const { "retry-after": seconds } = second.headers;
    assert.ok(Number(seconds) <= 3600);
    const smaller = DESK_BODY.replace("1000", "900");
    assert.equal((await desk.ask("spent", { body: smaller })).status, 200);
  });

  test("with overshoot lets a request over that probably fits", async () => {
    // At most 8,000 tokens, the least that a clamp begins with; usually 6,000.
    const body = DESK_BODY.replace("1000", "10000");
    assert.equal((await desk.ask("last", { body })).status, 200);
    assert.equal(desk.upstream.messages().at(-1)?.json().max_tokens, 8_000);
  });

  test("counts no count_tokens", async () => {
    for (let times = 0; times < 20; times++) {
      const answer = await desk.ask("counts", { path: "/v1/messages/count_tokens" });
      assert.equal(answer.status, 200);
    }
    await desk.assertRefused(await desk.ask("counts"), limited);
  });
});
