/** Near a cap: requests wait, are counted, remembered, clamped and released instead of being refused. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { inputTokensAfter } from "../../src/ledger/memory.ts";
import { appendedSince, stablePrefix } from "../../src/wire/anthropic/prefix.ts";
import { scanMessagesBody } from "../../src/wire/anthropic/scan.ts";
import { nanoOf } from "../harness/bill.ts";
import { until } from "../harness/gateway.ts";
import type { RawAnswer } from "../harness/raw-request.ts";
import { text, type MessageAnswer } from "../harness/scripts.ts";
import { randomOf } from "../harness/scripts-random.ts";
import { gated, LADDER_MODEL, startLadderDesk, type LadderDesk, type Line } from "./ladder-desk.ts";
import { Transcript } from "./transcript.ts";

const WAIT_SECONDS = 3;
const INPUT_NANO = 4_000n;
const WRITE_5M_NANO = 5_000n;
const OUTPUT_NANO = 20_000n;
/** What is added to a count, and to the bytes of a body. */
const COUNT_MARGIN = 1_024;
const BODY_MARGIN = 2_048;
/** The least answer that a clamp leaves. */
const LEAST_ANSWER = 2_000;
/** The least that an answer is clamped to while others could wait. */
const FLOOR = 8_000;
const SHORT = bodyOf(LEAST_ANSWER);
/** 40 kB: four times what the upstream counts. */
const LONG = bodyOf(LEAST_ANSWER, { padding: 40_000 });

let desk: LadderDesk;
before(async () => {
  const total = (usd: string, more = {}) => ({ budgets: [{ usd, per: "total", ...more }] });
  desk = await startLadderDesk(
    {
      waiting: total("0.06"),
      impatient: total("0.06"),
      counted: total("0.1"),
      remembered: total("1.2"),
      released: total("0.23"),
      roomy: total("100"),
      whole: total("0.23"),
      searching: total("20"),
      clamped: total("0.9"),
      last: total("1.2", { overshoot: "last_request" }),
    },
    { waitSeconds: WAIT_SECONDS },
  );
});
after(() => desk?.dispose());

interface BodyOptions {
  readonly padding?: number;
  readonly stream?: boolean;
  readonly more?: object;
}

function bodyOf(maxTokens: number, { padding = 2, stream = true, more = {} }: BodyOptions = {}) {
  const messages = [{ role: "user", content: "x".repeat(padding) }];
  return JSON.stringify({ model: LADDER_MODEL, max_tokens: maxTokens, messages, stream, ...more });
}

/** What a body needs by its bytes alone. */
function needOf(body: string, maxTokens: number): bigint {
  return BigInt(body.length + BODY_MARGIN) * INPUT_NANO + BigInt(maxTokens) * OUTPUT_NANO;
}

/** An answer that takes a second or two once it has begun. */
function slow(answer: MessageAnswer): MessageAnswer {
  return { ...answer, delivery: { eventDelayMs: 250 } };
}

function only(lines: readonly Line[], type: string): Line {
  const found = lines.filter((line) => line.type === type);
  assert.equal(found.length, 1, `${type} lines: ${JSON.stringify(lines)}`);
  return found[0] as Line;
}

function codeOf(answer: RawAnswer): string {
  return (answer.json() as { error: { type: string } }).error.type;
}

describe("a request that only another's hold keeps out", () => {
  test("waits, holds nothing meanwhile, and is served when that settles", async () => {
    const { script, open } = gated(text("first"));
    desk.upstream.answerWith(script);
    const first = await desk.askUntilUpstream("waiting", { body: SHORT });
    const startedMs = performance.now();
    const second = desk.ask("waiting", { body: SHORT });
    const counts = desk.counts();
    await until("it was counted, so it is inside", () => desk.counts() > counts);
    await delay(300);
    const budget = (await desk.gateway.budgets()).find(({ scope }) => scope.id === "waiting");
    assert.equal(nanoOf(budget?.held_usd ?? "0"), needOf(SHORT, LEAST_ANSWER));
    open();
    assert.equal((await first.answer).status, 200);
    const answer = await second;
    assert.equal(answer.status, 200);
    const row = await desk.rowOf(answer);
    const waitedMs = Number(row["waited_ms"]);
    assert.ok(waitedMs >= 300 && waitedMs <= performance.now() - startedMs, `${waitedMs} ms`);
    assert.ok(Number(row["overhead_us"]) < waitedMs * 1000, `${String(row["overhead_us"])} us`);
  });

  test("is told to come back soon when it has waited in vain", async () => {
    const { script, open } = gated(text("first"));
    desk.upstream.answerWith(script);
    const first = await desk.askUntilUpstream("impatient", { body: SHORT });
    const answer = await desk.ask("impatient", { body: SHORT });
    assert.deepEqual([answer.status, codeOf(answer)], [429, "rate_limit_error"]);
    assert.match(String(answer.headers["retry-after"]), /^[1-9]$/);
    assert.equal(answer.headers["x-should-retry"], undefined);
    open();
    assert.equal((await first.answer).status, 200);
    const { refusal, waited_ms, cost_usd } = await desk.rowOf(answer);
    assert.deepEqual([refusal, cost_usd], ["budget_busy", "0"]);
    assert.ok(Number(waited_ms) >= WAIT_SECONDS * 1000 - 5, `${String(waited_ms)} ms`);
    const count = (await desk.linesOf(answer)).map(({ type }) => type);
    assert.deepEqual(count, ["refuse"]);
  });
});

describe("a count", () => {
  test("is asked where bytes do not fit, and not where nothing would", async () => {
    const before = desk.counts();
    const cost = { input_tokens: 10_000, output_tokens: 2000 };
    desk.upstream.answerWith(() => text("counted", cost));
    const answer = await desk.ask("counted", { body: LONG });
    assert.equal(answer.status, 200);
    assert.equal(desk.counts() - before, 1);
    const asked = desk.upstream.requests.findLast(({ url }) => url.includes("count_tokens"));
    assert.equal(asked?.headers["x-api-key"], "sk-upstream-credential-for-tests");
    const tokens = BigInt(Math.ceil((asked?.body.length ?? 0) / 4) + COUNT_MARGIN);
    const admit = only(await desk.linesOf(answer), "admit");
    assert.equal(admit.input_need, String(tokens * INPUT_NANO));

    const exhausting = await desk.ask("counted", { body: LONG });
    assert.equal(codeOf(exhausting), "billing_error");
    assert.equal(desk.counts() - before, 1, "$0.02 are left, which no count can make enough");
  });

  test("is not asked far from the cap", async () => {
    const before = desk.counts();
    desk.upstream.answerWith(() => text("ok"));
    assert.equal((await desk.ask("roomy", { body: LONG })).status, 200);
    assert.equal(desk.counts(), before);
  });
});

/** A session with a long history. */
function coding(): Transcript {
  const options = { fixedTokens: 500, appetite: 0.05, hiddenTokensMax: 400 };
  const more = { signatureBytesPerToken: 1, markers: 1 };
  const transcript = new Transcript(randomOf(4), { ...options, ...more });
  for (let turn = 0; turn < 60; turn++) transcript.goOn();
  return transcript;
}

/** The most tokens that a turn can have, by what the one before has shown. */
function mostTokensOf(
  body: Buffer,
  turn: { readonly after: Buffer; readonly inputTokens: number; readonly outputTokens: number },
): number {
  const [before, now] = [turn.after, body].map((bytes) => {
    const scanned = scanMessagesBody([bytes]);
    assert.ok(scanned.ok);
    return { bytes, body: scanned.body };
  });
  assert.ok(before !== undefined && now !== undefined);
  const prefix = stablePrefix(before);
  assert.ok(prefix !== null);
  const { inputTokens, outputTokens } = turn;
  const shown = { prefix, shape: "", inputTokens, outputTokens, images: 0, cutAt: null };
  return inputTokensAfter(shown, appendedSince(now, prefix.bytes));
}

test("the second turn of a session is held by what the first has shown, without a count", async () => {
  const transcript = coding();
  const counts = desk.counts();
  const firstBody = transcript.body();
  const inputTokens = transcript.inputTokens();
  const { outputTokens } = transcript.goOn();
  const cached = { cache_read_input_tokens: inputTokens - 100, input_tokens: 100 };
  desk.upstream.answerWith(() => text("turn", { ...cached, output_tokens: outputTokens }));
  const session = "near-the-cap";
  const first = await desk.ask("remembered", { body: firstBody, session });
  assert.equal(first.status, 200, first.body.toString());
  const secondBody = transcript.body();
  const second = await desk.ask("remembered", { body: secondBody, session });
  assert.equal(second.status, 200, second.body.toString());
  assert.equal(desk.counts(), counts);

  const most = mostTokensOf(secondBody, { after: firstBody, inputTokens, outputTokens });
  const held = BigInt(only(await desk.linesOf(second), "admit").input_need ?? "");
  assert.equal(held, BigInt(most) * WRITE_5M_NANO);
  assert.ok(most >= transcript.inputTokens());
  const byBytes = BigInt(only(await desk.linesOf(first), "admit").input_need ?? "");
  assert.ok(held * 2n < byBytes, `${held} of ${byBytes}`);
});

describe("a hold whose exact input is known", () => {
  const COUNTS = { input_tokens: 100, output_tokens: 10 };

  test("shrinks when its answer begins, and lets the next one in", async () => {
    desk.upstream.answerWith((request) =>
      request.body.length > 10_000 ? slow(text("x".repeat(160), COUNTS)) : text("quick"),
    );
    const first = await desk.askUntilUpstream("released", { body: LONG, session: "s" });
    let isFirstDone = false;
    void first.answer.then(() => (isFirstDone = true));
    const second = await desk.ask("released", { body: SHORT, session: "t" });
    assert.equal(second.status, 200);
    assert.equal(isFirstDone, false, "the first one's answer is still on its way");
    const lines = await desk.linesOf(await first.answer);
    assert.deepEqual(
      lines.map(({ type }) => type),
      ["admit", "release", "settle"],
    );
    const left = 100n * INPUT_NANO + BigInt(LEAST_ANSWER) * OUTPUT_NANO;
    assert.equal(only(lines, "release").need, String(left));
    const admitted = (await desk.linesOf(second)).find(({ type }) => type === "admit");
    const released = only(lines, "release");
    assert.ok(released.seq < (admitted?.seq ?? 0));
    assert.ok((admitted?.seq ?? Infinity) < only(lines, "settle").seq);
  });

  const search = [{ type: "web_search_20250305", name: "web_search", max_uses: 1 }];
  const UNRELEASED = [
    ["far from the cap", "roomy", LONG],
    ["where the answer comes whole", "whole", bodyOf(LEAST_ANSWER, { stream: false })],
    ["with tools that the provider runs", "searching", bodyOf(2000, { more: { tools: search } })],
  ] as const;
  for (const [name, key, body] of UNRELEASED)
    test(`stays as it is ${name}`, async () => {
      desk.upstream.answerWith(() => text("ok", COUNTS));
      const answer = await desk.ask(key, { body, session: "s" });
      assert.equal(answer.status, 200, answer.body.toString());
      const types = (await desk.linesOf(answer)).map(({ type }) => type);
      assert.deepEqual(types, ["admit", "settle"]);
    });
});

test("a clamp is told to the client and sent upstream; a continuation is not cut shorter", async () => {
  const body = bodyOf(128_000);
  const cut = { ...text("cut", { output_tokens: 500 }), stopReason: "max_tokens" };
  desk.upstream.answerWith(() => cut);
  const first = await desk.ask("clamped", { body, session: "cut" });
  assert.equal(first.headers["tollgate-clamped"], "32000");
  const sent = desk.upstream.messages().at(-1)?.body.toString();
  assert.equal(sent, body.replace("128000", "32000"));
  assert.equal((await desk.rowOf(first))["clamped_max_tokens"], 32_000);

  const { script, open } = gated(text("other"));
  desk.upstream.answerWith(script);
  const other = await desk.askUntilUpstream("clamped", { body: bodyOf(6000), session: "other" });
  desk.upstream.answerWith(() => text("ok"));
  const fresh = await desk.ask("clamped", { body, session: "fresh" });
  const continued = await desk.ask("clamped", { body, session: "cut" });
  assert.equal(fresh.headers["tollgate-clamped"], "16000");
  assert.equal(continued.headers["tollgate-clamped"], "32000");
  open();
  assert.equal((await other.answer).headers["tollgate-clamped"], undefined);
});

test("last_request lets one at a time over the cap, by less than its need; then all is used up", async () => {
  const transcript = coding();
  transcript.fields["max_tokens"] = FLOOR;
  const firstBody = transcript.body();
  const inputTokens = transcript.inputTokens();
  const { outputTokens } = transcript.goOn();
  const cached = { cache_read_input_tokens: inputTokens - 100, input_tokens: 100 };
  desk.upstream.answerWith(() => text("turn", { ...cached, output_tokens: outputTokens }));
  const session = "the-last";
  await desk.ask("last", { body: firstBody, session });
  const body = transcript.body();
  const most = mostTokensOf(body, { after: firstBody, inputTokens, outputTokens });
  const need = BigInt(most) * WRITE_5M_NANO + BigInt(FLOOR) * OUTPUT_NANO;

  // Others spend until the session's next turn fits no more.
  desk.upstream.answerWith(() => text("other", { input_tokens: 100, output_tokens: LEAST_ANSWER }));
  while ((await headroom()) >= need) await desk.ask("last", { body: SHORT });
  const left = await headroom();
  const { script, open } = gated(text("over", { ...cached, output_tokens: FLOOR }));
  desk.upstream.answerWith(script);
  const over = await desk.askUntilUpstream("last", { body, session });
  const before = desk.upstream.messages().length;
  const next = desk.ask("last", { body, session });
  await delay(300);
  assert.equal(desk.upstream.messages().length, before, "one at a time");
  open();
  const admit = only(await desk.linesOf(await over.answer), "admit");
  assert.equal(admit.overshoot, "last_request");
  assert.ok(BigInt(admit.need ?? "") > left, `${admit.need} where ${left} was left`);
  const refused = await next;
  const { refusal } = await desk.rowOf(refused);
  assert.equal(refusal, "budget_exhausted");
  const excess = -(await headroom());
  assert.ok(excess < need, `${excess} over`);
});

/** What is left of the budget with `last_request`. */
async function headroom(): Promise<bigint> {
  const budget = (await desk.gateway.budgets()).find(({ scope }) => scope.id === "last");
  return nanoOf(budget?.remaining_usd ?? "0");
}
