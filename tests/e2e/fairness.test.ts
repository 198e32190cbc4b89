/** A provider that has room for fewer than want it: who goes next, who is sent away, and what comes of 429s. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { settledRows, until } from "../harness/gateway.ts";
import type { RawAnswer } from "../harness/raw-request.ts";
import { apiError, text } from "../harness/scripts.ts";
import { assertEnvelope } from "./desk.ts";
import { startFairnessDesk, type FairnessDesk } from "./fairness-desk.ts";

const ONE = { rate_limits: [{ concurrent: 1 }] };
/** A bucket that gives one every 50 ms. */
const BUCKET = { rate_limits: [{ requests: 20, per: "second", burst: 1 }] };

async function statuses(answers: readonly Promise<RawAnswer>[]): Promise<ReadonlySet<number>> {
  return new Set((await Promise.all(answers)).map(({ status }) => status));
}

function count(keys: readonly string[], key: string): number {
  return keys.filter((found) => found === key).length;
}

/** One that is served, and others that wait for it to end. */
async function queueUp(
  desk: FairnessDesk,
  provider: string,
  wanted: readonly (readonly [key: string, count: number])[],
): Promise<readonly Promise<RawAnswer>[]> {
  desk.hold(provider, true);
  const [first] = await desk.crowd(provider, "noisy", 1);
  assert.ok(first !== undefined);
  await until("the first is served", () => desk.order(provider).length === 1);
  const asked = [first];
  for (const [key, times] of wanted) asked.push(...(await desk.crowd(provider, key, times)));
  await until("all wait", async () => (await desk.waiting(provider)) === asked.length - 1);
  return asked;
}

describe("requests that wait for room at a provider", () => {
  let desk: FairnessDesk;
  before(async () => {
    const providers = { shares: ONE, ranks: ONE, full: ONE, bucket: BUCKET, gone: ONE, cools: {} };
    desk = await startFairnessDesk(providers, { queue: 40 });
  });
  after(() => desk?.dispose());

  test("share it by the weights of their teams, whoever came first", async () => {
    const wanted = [
      ["noisy", 20],
      ["quiet", 5],
      ["heavy", 10],
    ] as const;
    const asked = await queueUp(desk, "shares", wanted);
    desk.hold("shares", false);
    assert.deepEqual(await statuses(asked), new Set([200]));
    const order = desk.order("shares").slice(1);
    for (const [key, share] of [
      ["noisy", 5],
      ["quiet", 5],
      ["heavy", 10],
    ] as const) {
      assert.ok(Math.abs(count(order.slice(0, 20), key) - share) <= 1, order.join(" "));
      assert.ok(count(order.slice(0, 4), key) >= 1, order.join(" "));
    }
    assert.equal(desk.most("shares"), 1);
    const waited = (await settledRows(desk.gateway)).filter((row) => Number(row["waited_ms"]) > 0);
    assert.equal(waited.length, 35);
  });

  test("go by urgency inside of a team, and the least urgent has its turn", async () => {
    const asked = await queueUp(desk, "ranks", [
      ["nightly", 3],
      ["quiet", 16],
    ]);
    desk.hold("ranks", false);
    assert.deepEqual(await statuses(asked), new Set([200]));
    const order = desk.order("ranks").slice(1);
    assert.equal(count(order.slice(0, 8), "nightly"), 0);
    assert.equal(count(order.slice(0, 18), "nightly"), 2);
  });

  test("are sent away from a full queue by whose requests it is full", async () => {
    const asked = await queueUp(desk, "full", [["noisy", 40]]);
    const refused = await desk.ask("full", "noisy");
    const sentence = assertEnvelope(refused, {
      status: 429,
      type: "rate_limit_error",
      headers: { "retry-after": /^\d+$/, "x-should-retry": undefined },
    });
    assert.match(sentence, /^Provider full is short of room, and as many requests as may/);
    const others = Array.from({ length: 3 }, () => desk.ask("full", "quiet"));
    await until("three have left for them", async () => {
      const rows = await desk.gateway.rows();
      return rows.filter(({ refusal }) => refusal === "rate_limited").length === 4;
    });
    assert.equal(await desk.waiting("full"), 40);
    desk.hold("full", false);
    assert.deepEqual(await statuses(others), new Set([200]));
    const ended = await Promise.all(asked);
    assert.equal(ended.filter(({ status }) => status === 200).length, 38);
    assert.equal(ended.filter(({ status }) => status === 429).length, 3);
  });

  test("are given what a bucket of requests refills, in turn", async () => {
    const noisy = Array.from({ length: 30 }, () => desk.ask("bucket", "noisy"));
    await until("most wait", async () => (await desk.waiting("bucket")) > 15);
    const quiet = Array.from({ length: 5 }, () => desk.ask("bucket", "quiet"));
    assert.deepEqual(await statuses([...noisy, ...quiet]), new Set([200]));
    const order = desk.order("bucket");
    const last = order.lastIndexOf("quiet") - order.indexOf("quiet");
    assert.ok(last <= 10, order.join(" "));
  });

  test("leave when their client hangs up, or their key is revoked", async () => {
    const asked = await queueUp(desk, "gone", [["noisy", 2]]);
    const gone = new AbortController();
    const leaver = desk.ask("gone", "quiet", gone.signal).catch(() => null);
    const [revoked] = await desk.crowd("gone", "leaving", 1);
    await until("both wait", async () => (await desk.waiting("gone")) === 4);
    gone.abort();
    assert.equal(await leaver, null);
    const path = "/api/v1/virtual-keys/leaving/revoke";
    const headers = { authorization: `Bearer ${desk.gateway.adminToken}` };
    const answer = await fetch(desk.gateway.adminUrl + path, { method: "POST", headers });
    assert.equal(answer.status, 200);
    assert.equal((await revoked)?.status, 401);
    await until("both have left", async () => (await desk.waiting("gone")) === 2);
    desk.hold("gone", false);
    assert.deepEqual(await statuses(asked), new Set([200]));
    assert.equal(desk.order("gone").length, 3);
  });

  test("wait for a key that was refused for its rate, and come back to it by degrees", async () => {
    let refusals = 0;
    desk.answers.set("cools", () => {
      if (refusals++ > 0) return text("a word");
      return apiError(429, "rate_limit_error", "not now", { "retry-after": "1" });
    });
    desk.hold("cools", true);
    const [first] = await desk.crowd("cools", "noisy", 1);
    assert.ok(first !== undefined);
    await until("it waits", async () => (await desk.waiting("cools")) === 1);
    const noisy = await desk.crowd("cools", "noisy", 10);
    const quiet = await desk.crowd("cools", "quiet", 2);
    await until("one tries", () => desk.order("cools").length === 2);
    assert.equal(await desk.waiting("cools"), 12);
    desk.hold("cools", false);
    assert.deepEqual(await statuses([first, ...noisy, ...quiet]), new Set([200]));
    const order = desk.order("cools");
    assert.equal(order.length, 14);
    assert.equal(count(order.slice(2, 7), "quiet"), 2, order.join(" "));
  });
});

test("who waits for longer than it may is told when to come back", async () => {
  const desk = await startFairnessDesk({ up: ONE }, { wait: "200ms" });
  try {
    desk.hold("up", true);
    const [first] = await desk.crowd("up", "noisy", 1);
    await until("the first is served", () => desk.order("up").length === 1);
    const late = await desk.ask("up", "quiet");
    const sentence = assertEnvelope(late, {
      status: 429,
      type: "rate_limit_error",
      headers: { "retry-after": /^\d+$/, "x-should-retry": undefined },
    });
    assert.match(sentence, /^Provider up is short of room, and this one has waited/);
    assert.equal(await desk.waiting("up"), 0);
    desk.hold("up", false);
    assert.equal((await first)?.status, 200);
  } finally {
    await desk.dispose();
  }
});

test("without fairness the order is that of arrival", async () => {
  const desk = await startFairnessDesk({ up: ONE }, { enabled: false });
  try {
    desk.hold("up", true);
    const [first] = await desk.crowd("up", "noisy", 1);
    assert.ok(first !== undefined);
    await until("the first is served", () => desk.order("up").length === 1);
    const noisy = await desk.crowd("up", "noisy", 6);
    const quiet = await desk.crowd("up", "quiet", 2);
    desk.hold("up", false);
    assert.deepEqual(await statuses([first, ...noisy, ...quiet]), new Set([200]));
    assert.deepEqual(desk.order("up").slice(7), ["quiet", "quiet"]);
  } finally {
    await desk.dispose();
  }
});
