/** Limits of providers' keys: passed over where there is no room, exact, and never told to a client. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { settledRows, until } from "../harness/gateway.ts";
import type { RawAnswer } from "../harness/raw-request.ts";
import { apiError, text } from "../harness/scripts.ts";
import { startAccountDesk, type AccountDesk } from "./account-desk.ts";
import { assertEnvelope } from "./desk.ts";

const HOURLY = { rolling: "1h" };
const HAIKU = "claude-haiku-5-5";

/** Two keys, and room for three requests at once in each. */
const DUO = { a: { rate_limits: [{ concurrent: 3 }] }, b: { rate_limits: [{ concurrent: 3 }] } };

function requests(count: number): object {
  return { rate_limits: [{ requests: count, ...HOURLY }] };
}

/** Checks what a client is told where no key has room; gives its seconds to wait. */
function assertFull(answer: RawAnswer, provider: string, keys: readonly string[]): number {
  const sentence = assertEnvelope(answer, {
    status: 429,
    type: "rate_limit_error",
    headers: { "retry-after": /^\d+$/, "x-should-retry": undefined },
  });
  const seconds = Number(answer.headers["retry-after"]);
  assert.equal(
    sentence,
    `Provider ${provider} is at the capacity that is configured for it; room comes in ${seconds} s; ` +
      "wait, or ask your platform team for more capacity.",
  );
  const told = JSON.stringify(answer.headers) + answer.body.toString("utf8");
  for (const key of keys) assert.ok(!told.includes(key), `${key} in ${told}`);
  return seconds;
}

/** A promise and the function that keeps it. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { opened: promise, open: () => resolve(undefined) };
}

function counted(answers: readonly RawAnswer[], status: number): number {
  return answers.filter((answer) => answer.status === status).length;
}

function times<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, make));
}

describe("keys that take three requests at once, where requests may wait", () => {
  let desk: AccountDesk;
  before(async () => {
    desk = await startAccountDesk({ providers: { duo: DUO }, waitSeconds: 60 });
  });
  after(() => desk?.dispose());

  test("ten clients at once are all served, with never more than three on a key", async () => {
    const { opened, open } = gate();
    desk.hold(opened);
    const answers = times(10, () => desk.ask("duo"));
    await until("both keys are full", () =>
      ["a", "b"].every((key) => desk.busy("duo", key).now === 3),
    );
    await until("all have arrived", async () => (await inFlight(desk)) === 10);
    open();
    desk.hold(null);
    assert.equal(counted(await answers, 200), 10);
    assert.deepEqual([desk.busy("duo", "a").most, desk.busy("duo", "b").most], [3, 3]);
    assert.equal(desk.upstream.messages().length, 10);
    const waited = (await settledRows(desk.gateway)).filter((row) => Number(row["waited_ms"]) > 0);
    assert.equal(waited.length, 4);
  });

  test("a client that hangs up while it waits leaves nothing behind", async () => {
    const { opened, open } = gate();
    desk.hold(opened);
    const served = times(6, () => desk.ask("duo"));
    await until("both keys are full", () =>
      ["a", "b"].every((key) => desk.busy("duo", key).now === 3),
    );
    const gone = new AbortController();
    const waiting = desk.ask("duo", { signal: gone.signal }).catch(() => null);
    const { length } = await desk.gateway.rows();
    await until("it has arrived", async () => (await inFlight(desk)) === 7);
    gone.abort();
    assert.equal(await waiting, null);
    open();
    desk.hold(null);
    assert.equal(counted(await served, 200), 6);
    assert.equal(desk.upstream.messages().length, 16);
    await until("its row is there", async () => (await desk.gateway.rows()).length > length);
    assert.equal(counted(await times(6, () => desk.ask("duo")), 200), 6);
  });
});

/** Rows of requests that were refused because of a limit. */
async function refusedRows({ gateway }: AccountDesk): Promise<number> {
  const rows = await gateway.rows();
  return rows.filter(({ refusal }) => refusal === "rate_limited").length;
}

/** Requests that the gateway has begun and not ended. */
async function inFlight({ gateway }: AccountDesk): Promise<number> {
  const headers = { authorization: `Bearer ${gateway.adminToken}` };
  const metrics = await (await fetch(`${gateway.adminUrl}/metrics`, { headers })).text();
  return Number(/^tollgate_inflight_requests\S* (\d+)$/m.exec(metrics)?.[1]);
}

const FULL = {
  duo: DUO,
  hours: { "key-one": requests(3), "key-two": requests(5) },
  first: { "key-one": requests(2) },
  spare: { "key-one": {} },
  words: {
    "key-one": { rate_limits: [{ output_tokens: 100, ...HOURLY }] },
    "key-two": { rate_limits: [{ input_tokens: 10, ...HOURLY }] },
  },
  models: {
    "key-opus": { models: ["claude-opus-*"], ...requests(2) },
    "key-haiku": { models: ["claude-haiku-*"] },
  },
  twice: { "key-one": requests(2) },
  lowered: { "key-one": { rate_limits: [{ concurrent: 3 }] } },
};

describe("keys without room, where nothing waits", () => {
  let desk: AccountDesk;
  before(async () => {
    desk = await startAccountDesk({
      providers: FULL,
      beside: { first: ["spare"] },
      waitSeconds: 0,
    });
  });
  after(() => desk?.dispose());

  test("who finds both keys full is told so at once", async () => {
    const { opened, open } = gate();
    desk.hold(opened);
    const answers = times(10, () => desk.ask("duo"));
    await until("both keys are full", () =>
      ["a", "b"].every((key) => desk.busy("duo", key).now === 3),
    );
    const eleventh = await desk.ask("duo");
    assert.equal(assertFull(eleventh, "duo", []), 2);
    await until("who has no room is gone", async () => (await refusedRows(desk)) === 5);
    open();
    desk.hold(null);
    assert.deepEqual([counted(await answers, 200), counted(await answers, 429)], [6, 4]);
    assert.deepEqual([desk.busy("duo", "a").most, desk.busy("duo", "b").most], [3, 3]);
    assert.equal(await refusedRows(desk), 5);
  });

  test("requests are counted exactly, and room comes when the first have left", async () => {
    const answers = await times(12, () => desk.ask("hours"));
    assert.deepEqual([counted(answers, 200), counted(answers, 429)], [8, 4]);
    assert.deepEqual([desk.asked("hours", "key-one"), desk.asked("hours", "key-two")], [3, 5]);
    for (const answer of answers.filter(({ status }) => status === 429)) {
      const seconds = assertFull(answer, "hours", Object.keys(FULL.hours));
      assert.ok(seconds > 3_500 && seconds <= 3_660, String(seconds));
    }
  });

  test("a count is no request of a limit", async () => {
    assert.equal((await desk.ask("hours", { path: "/v1/messages/count_tokens" })).status, 200);
  });

  test("another target serves before a client hears of it", async () => {
    for (let index = 0; index < 5; index++) assert.equal((await desk.ask("first")).status, 200);
    assert.deepEqual([desk.asked("first", "key-one"), desk.asked("spare", "key-one")], [2, 3]);
  });

  test("tokens are counted as they are used", async () => {
    desk.answers.set("words", text("long", { input_tokens: 6, output_tokens: 60 }));
    const statuses = [];
    for (let index = 0; index < 6; index++) statuses.push((await desk.ask("words")).status);
    assert.deepEqual(statuses, [200, 200, 200, 200, 429, 429]);
    assert.deepEqual([desk.asked("words", "key-one"), desk.asked("words", "key-two")], [2, 2]);
  });

  test("each key serves its own models, whatever room the others have", async () => {
    for (const status of [200, 200, 429]) {
      const answer = await desk.ask("models");
      assert.equal(answer.status, status);
      if (status === 429) assertFull(answer, "models", Object.keys(FULL.models));
      assert.equal((await desk.ask("models", { model: HAIKU })).status, 200);
    }
    assert.deepEqual([desk.asked("models", "key-opus"), desk.asked("models", "key-haiku")], [2, 3]);
  });

  test("for the account each attempt is a request", async () => {
    let tries = 0;
    desk.answers.set("twice", () =>
      tries++ === 0 ? apiError(529, "overloaded_error", "not now") : text("now"),
    );
    assert.equal((await desk.ask("twice")).status, 200);
    assert.equal(desk.asked("twice", "key-one"), 2);
    assertFull(await desk.ask("twice"), "twice", ["key-one"]);
  });

  test("a limit that is lowered counts what is in flight", async () => {
    const { opened, open } = gate();
    desk.hold(opened);
    const served = times(3, () => desk.ask("lowered"));
    await until("it is full", () => desk.busy("lowered", "key-one").now === 3);
    await desk.reload({ ...FULL, lowered: { "key-one": { rate_limits: [{ concurrent: 1 }] } } });
    assertFull(await desk.ask("lowered"), "lowered", ["key-one"]);
    open();
    assert.equal(counted(await served, 200), 3);
    await settledRows(desk.gateway);
    const { opened: again, open: openAgain } = gate();
    desk.hold(again);
    const one = desk.ask("lowered");
    await until("one is there", () => desk.busy("lowered", "key-one").now === 1);
    assertFull(await desk.ask("lowered"), "lowered", ["key-one"]);
    openAgain();
    desk.hold(null);
    assert.equal((await one).status, 200);
  });

  test("what was used outlives a kill, and a higher limit gives just the difference", async () => {
    await desk.gateway.kill9();
    await desk.gateway.restart();
    assertFull(await desk.ask("hours"), "hours", Object.keys(FULL.hours));
    await desk.reload({ ...FULL, hours: { "key-one": requests(3), "key-two": requests(6) } });
    const answers = await times(3, () => desk.ask("hours"));
    assert.deepEqual([counted(answers, 200), counted(answers, 429)], [1, 2]);
    assert.deepEqual([desk.asked("hours", "key-one"), desk.asked("hours", "key-two")], [3, 6]);
  });

  test("neither budgets nor a developer's own view tell of them", async () => {
    const budgets = JSON.stringify(await desk.gateway.budgets());
    const me = (await desk.ask("hours", { path: "/me" })).body.toString("utf8");
    for (const told of [budgets, me]) assert.doesNotMatch(told, /provider_key|key-one/);
  });
});

test("observe mode serves all the same, and notes what enforcement would have refused", async () => {
  const desk = await startAccountDesk({
    providers: { lone: { "key-one": requests(1), "key-two": requests(2) } },
    fields: { mode: "observe" },
    waitSeconds: 60,
  });
  try {
    for (let index = 0; index < 5; index++) assert.equal((await desk.ask("lone")).status, 200);
    const rows = await settledRows(desk.gateway);
    const refusals = rows.map(({ refusal }) => refusal).toReversed();
    assert.deepEqual(refusals, [null, null, null, "rate_limited", "rate_limited"]);
  } finally {
    await desk.dispose();
  }
});
