/** Limits on tokens and cost at admission: held, waited for, counted, released; and windows of subagents. */
import assert from "node:assert/strict";
import { beforeEach, describe, mock, test } from "node:test";
import { Admission, type AdmissionOptions, type Asked } from "../../tests/e2e/admission.ts";
import { isRefusal, type Refusal } from "../core/refusal.ts";
import type { Admitted } from "./take.ts";

const MODEL = "claude-opus-5-5";
const WAIT_MS = 60_000;

beforeEach((context) => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "setImmediate"] });
  assert.ok("after" in context);
  context.after(() => mock.timers.reset());
});

function open(key: object, options: Partial<AdmissionOptions> = {}): Promise<Admission> {
  return Admission.open({ key, timers: mock.timers, ...options });
}

function body(maxTokens: number, padding = 0): Buffer {
  const messages = [{ role: "user", content: "x".repeat(padding) }];
  return Buffer.from(JSON.stringify({ model: MODEL, max_tokens: maxTokens, messages }));
}

async function admitted({ result }: Asked): Promise<Admitted> {
  const given = await result;
  assert.ok(!isRefusal(given), isRefusal(given) ? given.message : "");
  return given;
}

async function refused({ result }: Asked): Promise<Refusal> {
  const given = await result;
  assert.ok(isRefusal(given), "it was admitted");
  return given;
}

const OUTPUT = { rate_limits: [{ output_tokens: 1500, per: "day" }] };

describe("a limit on tokens", () => {
  test("is held by the bound, and the record says how much", async () => {
    const admission = await open(OUTPUT);
    const { hold, bound } = await admitted(admission.ask({ body: body(1000) }));
    assert.deepEqual(hold.tokens, { input: bound.inputTokens, output: 1000 });
    assert.deepEqual(hold.record.token_need, hold.tokens);
    assert.deepEqual(hold.record.limits, [
      "virtual_key/ada|output_tokens|day|UTC@2026-11-23T00:00:00.000Z",
    ]);
  });

  test("where there is none nothing of tokens is recorded", async () => {
    const admission = await open({ rate_limits: [{ usd: "5", per: "day" }] });
    const { hold } = await admitted(admission.ask({ body: body(1000) }));
    assert.equal("token_need" in hold.record, false);
    assert.equal(hold.windows[0]?.held, hold.need);
  });

  test("that only another's hold fills is waited for", async () => {
    const admission = await open(OUTPUT);
    const first = await admitted(admission.ask({ body: body(1000) }));
    const second = admission.ask({ body: body(1000) });
    await admission.pass(3_000);
    assert.equal(admission.gateway.waiting.size, 1);
    admission.settle(first, 0n);
    await admission.pass(0);
    assert.equal((await admitted(second)).hold.record.waited_ms, 3_000);
  });

  test("in vain it is a rate, of the scope that has the limit", async () => {
    const admission = await open(OUTPUT);
    await admitted(admission.ask({ body: body(1000) }));
    const second = admission.ask({ body: body(1000) });
    await admission.pass(WAIT_MS + 1_000);
    const { code, by, headers, message } = await refused(second);
    assert.deepEqual(
      { code, by, headers },
      { code: "rate_limited", by: "virtual_key/ada", headers: { "retry-after": "5" } },
    );
    assert.match(message, /^Key ada has no room in its limit of 1500 output tokens per day beside/);
  });

  test("of a minute has room again when the minute ends, for one that waits too", async () => {
    const limit = { rate_limits: [{ output_tokens: 1500, per: "minute" }] };
    const admission = await open(limit, { startMs: Date.parse("2026-11-23T10:00:30Z") });
    await admitted(admission.ask({ body: body(1000) }));
    const second = admission.ask({ body: body(1000) });
    await admission.pass(WAIT_MS);
    assert.ok((await admitted(second)).hold.windows[0]?.key.endsWith("@2026-11-23T10:01:00.000Z"));
  });

  test("on input is asked of a count before it refuses", async () => {
    const limit = { rate_limits: [{ input_tokens: 30_000, per: "day" }] };
    const admission = await open(limit, { count: () => Promise.resolve(20_000) });
    const asked = admission.ask({ body: body(1000, 80_000) });
    await admission.pass(0);
    const { hold } = await admitted(asked);
    assert.equal(admission.counted.length, 1);
    assert.equal(hold.tokens.input, 21_024);
  });

  test("clamps the answer to what is left", async () => {
    const admission = await open({ rate_limits: [{ output_tokens: 20_000, per: "day" }] });
    const { maxTokens, clamped } = await admitted(admission.ask({ body: body(128_000) }));
    assert.deepEqual([maxTokens, clamped], [16_000, 16_000]);
  });
});

describe("a limit per subagent", () => {
  const LIMIT = { rate_limits: [{ requests: 1, per: "subagent" }] };
  const by = (agent: string) => ({ headers: { "x-claude-code-agent-id": agent } });

  test("has a window for each agent of a session, and none for what is no agent's", async () => {
    const admission = await open(LIMIT);
    const asked = { body: body(10), session: "s/1" };
    const first = await admitted(admission.ask({ ...asked, ...by("a/1") }));
    assert.deepEqual(first.hold.record.limits, ["virtual_key/ada|requests|subagent#ada/s%2F1/a/1"]);
    await admitted(admission.ask({ ...asked, ...by("a/2") }));
    await admitted(admission.ask({ ...asked, session: "t", ...by("a/1") }));
    for (let times = 0; times < 3; times++) {
      const { hold } = await admitted(admission.ask(asked));
      assert.deepEqual(hold.record.limits, []);
    }
    const { message } = await refused(admission.ask({ ...asked, ...by("a/1") }));
    assert.match(message, /^Key ada has used its limit of 1 request per subagent;/);
  });

  test("is a budget just as well", async () => {
    const admission = await open({ budgets: [{ usd: "5", per: "subagent" }] });
    const { hold } = await admitted(admission.ask({ body: body(10), ...by("a") }));
    assert.deepEqual(hold.record.windows, [
      "virtual_key/ada|usd|subagent#ada/default 2026-11-23/a",
    ]);
  });
});
