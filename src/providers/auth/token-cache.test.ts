import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { lastingFault, temporaryFault } from "./fault.ts";
import type { AuthFault } from "./fault.ts";
import { TokenCache } from "./token-cache.ts";
import type { Obtained } from "./token-cache.ts";

const HOUR_MS = 3_600_000;

function lent(value: string, lifeMs: number | null = HOUR_MS): Obtained<string> {
  return { ok: true, value, lifeMs, recheckMs: null };
}

/** A clock that is stepped, and a source that answers when it is told to. */
function setUp() {
  const now = { wallMs: 1_000_000, monotonicMs: 5_000 };
  const clock = { wallMs: () => now.wallMs, monotonicMs: () => now.monotonicMs };
  const asked: PromiseWithResolvers<Obtained<string> | AuthFault>[] = [];
  const cache = new TokenCache<string>(clock, () => {
    const question = Promise.withResolvers<Obtained<string> | AuthFault>();
    asked.push(question);
    return question.promise;
  });
  return {
    now,
    cache,
    asked,
    step: (ms: number) => {
      now.wallMs += ms;
      now.monotonicMs += ms;
    },
    answer: async (result: Obtained<string> | AuthFault) => {
      asked.at(-1)?.resolve(result);
      await turn();
    },
    /** The token, where one is at hand. */
    atHand: () => {
      const found = cache.get();
      if (found instanceof Promise) return "waits";
      return found.ok ? found.value : found.sentence;
    },
  };
}

test("all who wait for the first token wait for one attempt", async () => {
  const { cache, asked, answer, atHand } = setUp();
  const waiting = Array.from({ length: 200 }, async () => cache.get());
  assert.equal(asked.length, 1);
  await answer(lent("one"));
  const found = await Promise.all(waiting);
  assert.ok(found.every((one) => one.ok && one.value === "one"));
  assert.equal(atHand(), "one");
});

test("at 80 % of its life it is renewed, once, while the old one serves on", async () => {
  const { asked, step, answer, atHand } = setUp();
  atHand();
  await answer(lent("old"));
  step(0.8 * HOUR_MS - 1);
  assert.deepEqual([atHand(), asked.length], ["old", 1]);
  step(1);
  for (let round = 0; round < 200; round++) assert.equal(atHand(), "old");
  assert.equal(asked.length, 2);
  await answer(lent("new"));
  assert.deepEqual([atHand(), asked.length], ["new", 2]);
});

test("a renewal that fails keeps the old token to its end, and spares the server", async () => {
  const { asked, step, answer, atHand } = setUp();
  atHand();
  await answer(lent("old"));
  step(0.8 * HOUR_MS);
  atHand();
  await answer(temporaryFault("the server is down"));
  const pauses: number[] = [];
  for (let waitedMs = 0, count = asked.length; waitedMs < 0.19 * HOUR_MS; waitedMs += 500) {
    step(500);
    assert.equal(atHand(), "old");
    if (asked.length === count) continue;
    count = asked.length;
    pauses.push(waitedMs + 500);
    await answer(temporaryFault("the server is down"));
  }
  const gaps = pauses.map((at, index) => at - (pauses[index - 1] ?? 0));
  assert.deepEqual(gaps.slice(0, 8), [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  step(0.05 * HOUR_MS);
  assert.equal(atHand(), "waits", "it is over, and a new attempt runs");
  await answer(temporaryFault("the server is down"));
  assert.equal(atHand(), "the server is down");
});

test("without a token the fault is the answer until the pause is over", async () => {
  const { cache, asked, step, answer, atHand } = setUp();
  const first = cache.get();
  await answer(lastingFault("the secret is wrong"));
  assert.deepEqual(await first, { ...lastingFault("the secret is wrong"), retryAfterMs: 1_000 });
  step(400);
  assert.deepEqual(cache.get(), { ...lastingFault("the secret is wrong"), retryAfterMs: 600 });
  assert.equal(asked.length, 1);
  step(600);
  assert.deepEqual([atHand(), asked.length], ["waits", 2]);
  await answer(lent("one"));
  assert.equal(atHand(), "one");
});

test("a token ends a moment before its server says so", async () => {
  const { step, answer, atHand, asked } = setUp();
  atHand();
  await answer(lent("one"));
  step(0.8 * HOUR_MS);
  atHand();
  step(0.2 * HOUR_MS - 30_001);
  assert.equal(atHand(), "one");
  step(1);
  assert.deepEqual([atHand(), asked.length], ["waits", 2]);
});

test("a wall clock that jumps ahead ends a token, one that jumps back does not prolong it", async () => {
  const ahead = setUp();
  ahead.atHand();
  await ahead.answer(lent("one"));
  ahead.now.wallMs += HOUR_MS;
  assert.equal(ahead.atHand(), "waits");
  const back = setUp();
  back.atHand();
  await back.answer(lent("one"));
  back.now.wallMs -= 24 * HOUR_MS;
  assert.equal(back.atHand(), "one");
  back.now.monotonicMs += HOUR_MS;
  assert.equal(back.atHand(), "waits");
});

test("what never ends is not renewed; what lies in a file is looked at again", async () => {
  const forever = setUp();
  forever.atHand();
  await forever.answer(lent("one", null));
  forever.step(1_000 * HOUR_MS);
  assert.deepEqual([forever.atHand(), forever.asked.length], ["one", 1]);
  const file = setUp();
  file.atHand();
  await file.answer({ ...lent("one", null), recheckMs: 60_000 });
  file.step(60_000);
  assert.deepEqual([file.atHand(), file.asked.length], ["one", 2]);
});

test("a life of years is not believed", async () => {
  const { step, answer, atHand } = setUp();
  atHand();
  await answer(lent("one", 1e15));
  step(24 * HOUR_MS);
  assert.equal(atHand(), "waits");
});

test("a token that was refused is forgotten; a source that throws is a fault", async () => {
  const { cache, asked, step, answer, atHand } = setUp();
  atHand();
  await answer(lent("one"));
  step(9_999);
  cache.forget();
  assert.equal(atHand(), "one", "it has only just come");
  step(1);
  cache.forget();
  assert.equal(atHand(), "waits");
  asked.at(-1)?.reject(new Error("broken"));
  await turn();
  assert.equal(atHand(), "broken");
});
