import assert from "node:assert/strict";
import { beforeEach, describe, mock, test } from "node:test";
import { Admission, type AdmissionOptions, type Asked } from "../../tests/e2e/admission.ts";
import { Transcript } from "../../tests/e2e/transcript.ts";
import { randomOf } from "../../tests/harness/scripts-random.ts";
import { isRefusal, type Refusal } from "../core/refusal.ts";
import { NO_USAGE } from "../core/usage.ts";
import type { Admitted } from "./take.ts";
import { ClientGone } from "./receive.ts";
import { rememberTurn } from "./turns.ts";

const MODEL = "claude-opus-5-5";
const SECOND_MS = 1_000;
const WAIT_MS = 60_000;
/** Nano-dollars for a token of opus: input without a marker, input with one, output. */
const INPUT_NANO = 4_000n;
const MARKED_NANO = 5_000n;
const OUTPUT_NANO = 20_000n;
/** The least answer that a clamp leaves, and what is added to a count. */
const LEAST_ANSWER = 2_000;
const COUNT_MARGIN = 1_024;

beforeEach((context) => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "setImmediate"] });
  assert.ok("after" in context);
  context.after(() => mock.timers.reset());
});

function open(key: object, options: Partial<AdmissionOptions> = {}): Promise<Admission> {
  return Admission.open({ key, timers: mock.timers, ...options });
}

function budget(usd: string, per = "total", more: object = {}): object {
  return { budgets: [{ usd, per, ...more }] };
}

/** A body of about `padding` bytes that asks for so many tokens. */
function body(maxTokens: number, padding = 0, more: object = {}): Buffer {
  const messages = [{ role: "user", content: "x".repeat(padding) }];
  return Buffer.from(JSON.stringify({ model: MODEL, max_tokens: maxTokens, messages, ...more }));
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

/** What a hold of `body(maxTokens)` needs, found by taking it. */
async function needOf(bytes: Buffer): Promise<bigint> {
  const { hold } = await admitted((await open(budget("100"))).ask({ body: bytes }));
  return hold.need;
}

function usd(nano: bigint): string {
  return `${nano / 10n ** 9n}.${String(nano % 10n ** 9n).padStart(9, "0")}`;
}

describe("a request that only another's hold keeps out", () => {
  const LARGE = body(LEAST_ANSWER);
  const SMALL = body(100);
  let need: { readonly large: bigint; readonly small: bigint };
  beforeEach(async () => {
    need = { large: await needOf(LARGE), small: await needOf(SMALL) };
  });

  /** A budget that one large request fills, so that another has to wait. */
  async function full(per = "total", more: Partial<AdmissionOptions> = {}) {
    const admission = await open(budget(usd(need.large), per), more);
    const first = await admitted(admission.ask({ body: LARGE }));
    return { admission, first };
  }

  test("waits, and is served as soon as there is room", async () => {
    const { admission, first } = await full();
    const second = admission.ask({ body: SMALL });
    await admission.pass(3 * SECOND_MS);
    assert.equal(admission.gateway.waiting.size, 1);
    admission.settle(first, 1_000n);
    await admission.pass(0);
    const { hold } = await admitted(second);
    assert.equal(hold.need, need.small);
    assert.equal(admission.gateway.waiting.size, 0);
  });

  test("has its wait in its record", async () => {
    const { admission, first } = await full();
    const second = admission.ask({ body: SMALL });
    await admission.pass(3 * SECOND_MS);
    admission.settle(first, 1_000n);
    await admission.pass(0);
    const { hold } = await admitted(second);
    assert.equal(hold.record.waited_ms, 3 * SECOND_MS);
    assert.equal(second.exchange.waitedMs, 3 * SECOND_MS);
  });

  test("holds nothing and counts in no limit while it waits", async () => {
    const limits = { rate_limits: [{ requests: 3, per: "day" }, { concurrent: 3 }] };
    const admission = await open({ ...budget(usd(need.large)), ...limits });
    const first = await admitted(admission.ask({ body: LARGE }));
    const before = admission.held();
    const waiting = [1, 2].map(() => admission.ask({ body: SMALL }));
    await admission.pass(2 * SECOND_MS);
    assert.equal(admission.gateway.waiting.size, 2);
    assert.deepEqual(admission.held(), before);
    admission.settle(first, 0n);
    await admission.pass(0);
    for (const each of waiting) admission.settle(await admitted(each), 0n);
    const requests = [...admission.gateway.ledger.windows()].find(
      ({ meter }) => meter.unit === "requests",
    );
    assert.equal(requests?.settled, 3n);
    assert.equal((await refused(admission.ask({ body: SMALL }))).code, "rate_limited");
  });

  test("lets a younger one pass that fits, and is served before its equals", async () => {
    const two = need.large + need.large;
    const admission = await open(budget(usd(two)));
    const first = await admitted(admission.ask({ body: LARGE }));
    const second = await admitted(admission.ask({ body: LARGE }));
    const [old, equal] = [admission.ask({ body: LARGE }), admission.ask({ body: LARGE })];
    const young = admission.ask({ body: SMALL });
    await admission.pass(SECOND_MS);
    admission.settle(first, need.large - need.small);
    await admission.pass(0);
    const passed = await admitted(young);
    assert.equal(admission.gateway.waiting.size, 2);
    admission.settle(passed, 0n);
    admission.settle(second, 0n);
    await admission.pass(0);
    assert.equal((await admitted(old)).hold.need, need.large);
    assert.equal(admission.gateway.waiting.size, 1);
    assert.equal((await refused(await afterWait(admission, equal))).code, "budget_busy");
  });

  async function afterWait(admission: Admission, asked: Asked): Promise<Asked> {
    await admission.pass(WAIT_MS);
    return asked;
  }

  test("is told to come back when its time is over", async () => {
    const { admission } = await full();
    const second = admission.ask({ body: SMALL });
    await admission.pass(WAIT_MS - SECOND_MS);
    assert.equal(admission.gateway.waiting.size, 1);
    await admission.pass(SECOND_MS);
    const { code, headers } = await refused(second);
    assert.equal(code, "budget_busy");
    assert.match(headers["retry-after"] ?? "", /^[1-9]$/);
    assert.equal(second.exchange.waitedMs, WAIT_MS);
  });

  test("leaves when what others spend leaves no room for it", async () => {
    const { admission, first } = await full();
    const second = admission.ask({ body: LARGE });
    await admission.pass(SECOND_MS);
    admission.settle(first, need.large);
    await admission.pass(0);
    assert.equal((await refused(second)).code, "budget_exhausted");
  });

  test("leaves when its client hangs up", async () => {
    const { admission, first } = await full();
    const second = admission.ask({ body: SMALL });
    await admission.pass(SECOND_MS);
    const gone = assert.rejects(second.result, ClientGone);
    second.exchange.response.destroy();
    second.exchange.response.emit("close");
    await gone;
    assert.equal(admission.gateway.waiting.size, 0);
    admission.settle(first, 0n);
    await admission.pass(SECOND_MS);
    assert.deepEqual(admission.held(), { usd: 0n, inFlight: 0 });
  });

  test("leaves when the gateway drains", async () => {
    const { admission } = await full();
    const second = admission.ask({ body: SMALL });
    admission.isDraining = true;
    await admission.pass(SECOND_MS);
    assert.equal((await refused(second)).code, "draining");
  });

  test("leaves when its key is revoked, room or not", async () => {
    const { admission, first } = await full();
    const second = admission.ask({ body: SMALL });
    await admission.pass(SECOND_MS);
    await admission.revoke(budget(usd(need.large)));
    admission.settle(first, 0n);
    await admission.pass(0);
    assert.equal((await refused(second)).code, "revoked_key");
    assert.deepEqual(admission.held(), { usd: 0n, inFlight: 0 });
  });

  test("leaves when its session is stopped; others' stay", async () => {
    const { admission } = await full();
    const [stopped, other] = ["s1", "s2"].map((session) => admission.ask({ body: SMALL, session }));
    assert.ok(stopped !== undefined && other !== undefined);
    await admission.pass(0);
    assert.equal(admission.gateway.waiting.size, 2);
    const order = { virtualKey: "ada", session: "s1", reason: "it loops", actor: "local" };
    await admission.gateway.sessionControl.stop(order);
    await admission.pass(SECOND_MS);
    assert.equal((await refused(stopped)).code, "session_stopped");
    assert.equal(admission.gateway.waiting.size, 1);
    assert.match(JSON.stringify(admission.records.at(-1)), /"action":"stop","entity":"session"/);
  });

  test("is served in the next window when that opens", async () => {
    const startMs = Date.parse("2026-11-23T23:59:50Z");
    const { admission, first } = await full("day", { startMs });
    const second = admission.ask({ body: LARGE });
    await admission.pass(9 * SECOND_MS);
    assert.equal(admission.gateway.waiting.size, 1);
    await admission.pass(2 * SECOND_MS);
    const { hold } = await admitted(second);
    assert.match(hold.record.windows[0] ?? "", /@2026-11-24T/);
    assert.match(hold.record.time, /^2026-11-24T/);
    assert.match(first.hold.record.windows[0] ?? "", /@2026-11-23T/);
  });

  test("is served when its cap is raised", async () => {
    const { admission } = await full();
    const second = admission.ask({ body: LARGE });
    await admission.pass(SECOND_MS);
    assert.equal(admission.gateway.waiting.size, 1);
    await admission.reload(budget(usd(need.large + need.large)));
    await admission.pass(SECOND_MS);
    assert.equal((await admitted(second)).hold.need, need.large);
  });

  test("is one of two hundred, all served in their order, with never more held than the cap", async () => {
    const cap = 4n * need.small;
    const admission = await open(budget(usd(cap)), { count: () => Promise.resolve(null) });
    const running = await Promise.all(
      [1, 2, 3, 4].map(() => admitted(admission.ask({ body: SMALL }))),
    );
    const order: number[] = [];
    const join = async (index: number) => {
      const each = await admitted(admission.ask({ body: SMALL }));
      order.push(index);
      running.push(each);
    };
    for (let index = 0; index < 200; index++) {
      void join(index);
    }
    await admission.pass(SECOND_MS);
    assert.equal(admission.gateway.waiting.size, 200);
    for (let next = running.shift(); next !== undefined; next = running.shift()) {
      admission.settle(next, 0n);
      await admission.pass(0);
      assert.ok(admission.held().usd <= cap);
    }
    assert.deepEqual(
      order,
      order.toSorted((one, other) => one - other),
    );
    assert.equal(order.length, 200);
  });
});

describe("a count", () => {
  /** 40 kB that a tokenizer makes 5,000 tokens of. */
  const LONG = body(LEAST_ANSWER, 40_000);
  const COUNTED = 5_000;
  const count = () => Promise.resolve(COUNTED);
  /** Room for the counted input and the least answer, not for the bytes. */
  const ROOM = usd(BigInt(COUNTED + COUNT_MARGIN) * INPUT_NANO + 2_000n * OUTPUT_NANO);

  test("is asked where the bytes do not fit, and bounds the hold", async () => {
    const admission = await open(budget(ROOM), { count });
    const { hold, maxTokens } = await admitted(admission.ask({ body: LONG }));
    assert.equal(admission.counted.length, 1);
    assert.equal(maxTokens, LEAST_ANSWER);
    assert.equal(hold.record.input_need, String(BigInt(COUNTED + COUNT_MARGIN) * INPUT_NANO));
  });

  test("has the fields that shape the prompt, byte for byte, and no others", async () => {
    const model = `"model":"${MODEL}"`;
    const messages = `[ {"role":"user","content":"${"é".repeat(9000)}\\u00e9"} ]`;
    const rest = '"system":"s","tools":[ {"name":"Bash"} ]';
    const admission = await open(budget(ROOM), { count });
    const text = `{${model},"max_tokens":2000,"stream":true,"messages": ${messages},${rest}}`;
    await admission.ask({ body: Buffer.from(text) }).result;
    const expected = `{${model},"system":"s","messages":${messages},"tools":[ {"name":"Bash"} ]}`;
    assert.deepEqual(admission.counted.map(String), [expected]);
  });

  test("that is larger than what the bytes allow changes nothing", async () => {
    const admission = await open(budget(ROOM), { count: () => Promise.resolve(900_000) });
    assert.equal((await refused(admission.ask({ body: LONG }))).code, "request_exceeds_budget");
  });

  test("that does not come changes nothing", async () => {
    const admission = await open(budget(ROOM), { count: () => Promise.resolve(null) });
    assert.equal((await refused(admission.ask({ body: LONG }))).code, "request_exceeds_budget");
    assert.equal(admission.counted.length, 1);
  });

  const UNASKED: Readonly<Record<string, readonly [key: object, asked: Buffer]>> = {
    "far from the cap": [budget("100"), LONG],
    "where a clamped answer fits": [budget("0.3"), body(128_000)],
    "where even no input would not fit": [budget("0.0399"), LONG],
    "where the thinking budget alone does not fit": [
      budget(ROOM),
      body(128_000, 40_000, { thinking: { type: "enabled", budget_tokens: 20_000 } }),
    ],
    "where tools run at the provider": [
      budget(ROOM),
      body(2000, 40_000, { tools: [{ type: "web_search_20250305", max_uses: 1 }] }),
    ],
    "where other models may answer": [budget(ROOM), body(2000, 40_000, { fallbacks: "default" })],
    "where a rate limit refuses": [
      { ...budget(ROOM), rate_limits: [{ requests: 0, per: "day" }] },
      LONG,
    ],
    "where nothing may be spent": [budget("0"), LONG],
  };
  for (const [name, [key, asked]] of Object.entries(UNASKED))
    test(`is not asked ${name}`, async () => {
      const admission = await open(key, { count });
      await admission.ask({ body: asked }).result;
      assert.equal(admission.counted.length, 0);
    });

  test("is not asked of an exhausted budget", async () => {
    const admission = await open(budget(ROOM), { count });
    const first = await admitted(admission.ask({ body: LONG }));
    admission.settle(first, first.hold.need);
    assert.equal((await refused(admission.ask({ body: LONG }))).code, "budget_exhausted");
    assert.equal(admission.counted.length, 1);
  });

  test("is asked once, however long the request waits then", async () => {
    const admission = await open(budget(ROOM), { count });
    const first = await admitted(admission.ask({ body: LONG }));
    const second = admission.ask({ body: LONG });
    await admission.pass(5 * SECOND_MS);
    admission.settle(first, 0n);
    await admission.pass(0);
    await admitted(second);
    assert.equal(admission.counted.length, 2);
  });

  test("is waited for, and that is in the record", async () => {
    const late = () =>
      new Promise<number>((resolve) => {
        setTimeout(() => resolve(COUNTED), SECOND_MS);
      });
    const admission = await open(budget(ROOM), { count: late });
    const asked = admission.ask({ body: LONG });
    await admission.pass(SECOND_MS);
    assert.equal((await admitted(asked)).hold.record.waited_ms, SECOND_MS);
  });

  test("whose client has hung up meanwhile leads to no hold, now or later", async () => {
    const late = () =>
      new Promise<number>((resolve) => {
        setTimeout(() => resolve(COUNTED), SECOND_MS);
      });
    for (const isBusy of [false, true]) {
      const admission = await open(budget(ROOM), { count: late });
      const first = isBusy ? await admitted(admission.ask({ body: body(LEAST_ANSWER) })) : null;
      const asked = admission.ask({ body: LONG });
      const gone = assert.rejects(asked.result, ClientGone);
      asked.exchange.response.destroy();
      await admission.pass(2 * SECOND_MS);
      assert.equal(admission.gateway.waiting.size, 0);
      if (first !== null) admission.settle(first, 0n);
      await admission.pass(SECOND_MS);
      await gone;
      assert.deepEqual(admission.held(), { usd: 0n, inFlight: 0 });
    }
  });
});

/** A history whose bytes say far more than its tokens. */
function longSession(maxTokens?: number): Transcript {
  const transcript = new Transcript(randomOf(11), {
    fixedTokens: 500,
    appetite: 0.2,
    hiddenTokensMax: 500,
    signatureBytesPerToken: 1,
    markers: 1,
  });
  if (maxTokens !== undefined) transcript.fields["max_tokens"] = maxTokens;
  for (let turn = 0; turn < 40; turn++) transcript.goOn();
  return transcript;
}

/** The first turn of a session is answered, and the second one's body is ready. */
function answerFirst(admission: Admission, transcript: Transcript, first: Admitted): void {
  assert.ok(first.turn !== null);
  const inputTokens = transcript.inputTokens();
  const { outputTokens } = transcript.goOn();
  const usage = { ...NO_USAGE, input_tokens: inputTokens, output_tokens: outputTokens };
  const words = { speed: null, inferenceGeo: null, serviceTier: null };
  const billed = { usage, passes: [{ model: null, usage, free: false }], ...words };
  rememberTurn(admission.gateway.turns, first.turn, { billed, cutAt: null });
}

describe("a turn near the cap", () => {
  const session = "s";
  test("is held by what the last one has shown, without a count", async () => {
    const transcript = longSession();
    const admission = await open(budget("1.6"), { count: () => Promise.resolve(null) });
    const first = await admitted(admission.ask({ body: transcript.body(), session }));
    answerFirst(admission, transcript, first);
    admission.settle(first, 0n);

    const second = await admitted(admission.ask({ body: transcript.body(), session }));
    const inputNeed = BigInt(second.hold.record.input_need);
    assert.ok(inputNeed >= BigInt(transcript.inputTokens()) * MARKED_NANO);
    assert.ok(inputNeed < BigInt(first.hold.record.input_need) / 2n);
    const other = await admitted(admission.ask({ body: transcript.body(), session: "t" }));
    assert.ok(BigInt(other.hold.record.input_need) > 2n * inputNeed);
    assert.equal(admission.counted.length, 0);
  });

  test("that goes on with a cut answer is not cut shorter", async () => {
    const asked = { body: body(128_000), session };
    const room = async (cutAt: number | null) => {
      const admission = await open(budget("0.36"));
      const first = await admitted(admission.ask(asked));
      assert.equal(first.maxTokens, 16_000);
      assert.ok(first.turn !== null);
      const usage = { ...NO_USAGE, input_tokens: 10, output_tokens: 16_000 };
      const words = { speed: null, inferenceGeo: null, serviceTier: null };
      const billed = { usage, passes: [{ model: null, usage, free: false }], ...words };
      rememberTurn(admission.gateway.turns, first.turn, { billed, cutAt });
      admission.settle(first, 100_000_000n);
      return admission.ask(asked);
    };
    assert.equal((await admitted(await room(null))).maxTokens, 8_000);
    assert.equal((await refused(await room(16_000))).code, "request_exceeds_budget");
  });
});

describe("overshoot: last_request", () => {
  const session = "s";
  const CAP = 1_600_000_000n;
  const MAX_TOKENS = 8_000;

  /** A session's second turn, where so much is left of the cap. */
  async function secondTurn(overshoot: "none" | "last_request", leftFor: (need: bigint) => bigint) {
    const transcript = longSession(MAX_TOKENS);
    const admission = await open(budget(usd(CAP), "total", { overshoot }));
    const first = await admitted(admission.ask({ body: transcript.body(), session }));
    answerFirst(admission, transcript, first);
    const asked = { body: transcript.body(), session };
    const roomy = longSession(MAX_TOKENS);
    const probe = await open(budget(usd(CAP)));
    const before = await admitted(probe.ask({ body: roomy.body(), session }));
    answerFirst(probe, roomy, before);
    const { hold } = await admitted(probe.ask(asked));
    admission.settle(first, CAP - leftFor(hold.need));
    return { admission, asked, need: hold.need };
  }

  test("lets one over the cap that probably fits, and one at a time", async () => {
    const { admission, asked, need } = await secondTurn("last_request", (need) => need - 1n);
    const over = await admitted(admission.ask(asked));
    assert.equal(over.hold.record.overshoot, "last_request");
    assert.equal(over.hold.need, need);
    const next = admission.ask(asked);
    await admission.pass(SECOND_MS);
    assert.equal(admission.gateway.waiting.size, 1);
    admission.settle(over, need);
    await admission.pass(0);
    assert.equal((await refused(next)).code, "budget_exhausted");
  });

  test("lets the one that waited go next, where the first has left enough", async () => {
    const { admission, asked, need } = await secondTurn("last_request", (need) => need - 1n);
    const over = await admitted(admission.ask(asked));
    const next = admission.ask(asked);
    await admission.pass(SECOND_MS);
    admission.settle(over, need / 10n);
    await admission.pass(0);
    assert.equal((await admitted(next)).hold.record.overshoot, "last_request");
  });

  test("lets none over that would probably end above the cap", async () => {
    const { admission, asked } = await secondTurn("last_request", (need) => need / 4n);
    assert.equal((await refused(admission.ask(asked))).code, "budget_exhausted");
  });

  test("is not what a budget does by itself", async () => {
    const { admission, asked, need } = await secondTurn("none", (need) => need - 1n);
    const given = await admission.ask(asked).result;
    assert.ok(isRefusal(given) || given.hold.need < need);
  });
});

describe("tools that the provider runs", () => {
  const SEARCH = [{ type: "web_search_20260209", name: "web_search", max_uses: 8 }];
  const REQUEST = body(LEAST_ANSWER, 0, { tools: SEARCH });
  const needWith = (uses: number) =>
    needOf(body(LEAST_ANSWER, 0, { tools: [{ ...SEARCH[0], max_uses: uses }] }));

  test("run as often as asked where that fits", async () => {
    const admission = await open(budget(usd(await needWith(8))));
    const { maxUsesCap, hold } = await admitted(admission.ask({ body: REQUEST }));
    assert.equal(maxUsesCap, null);
    assert.equal(hold.record.clamped_max_uses, undefined);
  });

  for (const [uses, room] of [
    [3, 8],
    [1, 3],
  ] as const)
    test(`run ${uses} times at most where ${room} times do not fit`, async () => {
      const admission = await open(budget(usd((await needWith(room)) - 1n)));
      const { maxUsesCap, hold } = await admitted(admission.ask({ body: REQUEST }));
      assert.equal(maxUsesCap, uses);
      assert.equal(hold.record.clamped_max_uses, uses);
      assert.equal(hold.need, await needWith(uses));
    });

  test("are refused where not even one run fits", async () => {
    const admission = await open(budget(usd((await needWith(1)) - 1n)));
    assert.equal((await refused(admission.ask({ body: REQUEST }))).code, "request_exceeds_budget");
  });
});
