import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { ErrorClass } from "../attempts/error-class.ts";
import { Health, type OutcomeDetail, type Pick } from "./health.ts";

const START_MS = Date.parse("2026-11-23T12:00:00Z");
const KEYS = [
  { id: "a", weight: 3 },
  { id: "b", weight: 1 },
];
const ONE = [{ id: "a", weight: 1 }];

let nowMs = 0;
let pressure = 0;
let health = fresh();

beforeEach(() => {
  nowMs = 0;
  pressure = 0;
  health = fresh();
});

function fresh(): Health {
  return new Health({
    clock: { wallMs: () => START_MS + nowMs, monotonicMs: () => nowMs },
    pressure: () => pressure,
  });
}

function pick(over: Partial<Parameters<Health["pick"]>[0]> = {}): Pick | null {
  const request = { provider: "p", keys: ONE, model: "m", draw: 0, preferred: null };
  return health.pick({ ...request, lastResort: false, ...over });
}

function report(at: Pick | null, outcome: ErrorClass | "ok", detail: Partial<OutcomeDetail> = {}) {
  assert.ok(at !== null, "an attempt was let through");
  health.report(at, outcome, { status: null, retryAfterMs: null, firstContentMs: null, ...detail });
}

function fail(times: number, outcome: ErrorClass = "server_error"): void {
  for (let index = 0; index < times; index++) report(pick(), outcome);
}

describe("which key is asked", () => {
  it("draws by weight", () => {
    const drawn = [0, 0.74, 0.76, 0.999].map((draw) => pick({ keys: KEYS, draw })?.key);
    assert.deepEqual(drawn, ["a", "a", "b", "b"]);
  });

  it("prefers the session's own", () => {
    assert.equal(pick({ keys: KEYS, draw: 0, preferred: "b" })?.key, "b");
    assert.equal(pick({ keys: KEYS, draw: 0, preferred: "gone" })?.key, "a");
  });

  it("is none where the provider needs none", () => {
    assert.equal(pick({ keys: [] })?.key, null);
  });
});

describe("a key that is refused", () => {
  it("rests alone after 429, for as long as the provider says", () => {
    report(pick({ keys: KEYS, draw: 0 }), "rate_limited", { retryAfterMs: 10_000 });
    nowMs = 9_999;
    assert.equal(pick({ keys: KEYS, draw: 0 })?.key, "b");
    assert.equal(pick(), null);
    assert.equal(pick({ lastResort: true }), null);
    assert.equal(health.usableAtMs("p", ONE), 10_000);
    assert.equal(health.usableAtMs("p", KEYS), 9_999);
    nowMs = 10_000;
    const probe = pick({ keys: KEYS, draw: 0.99 });
    assert.deepEqual([probe?.key, probe?.probe], ["a", true]);
    report(probe, "ok");
    assert.deepEqual([pick()?.key, pick()?.probe], ["a", false]);
  });

  it("rests longer than it is asked to where it keeps refusing, but not as a last resort", () => {
    const rests: number[] = [];
    for (let index = 0; index < 6; index++) {
      report(pick(), "rate_limited", { retryAfterMs: 1_000 });
      assert.ok(pick() === null);
      rests.push(health.usableAtMs("p", ONE) - nowMs);
      nowMs += 1_000;
      const last = pick({ lastResort: true });
      assert.ok(last !== null);
      health.abandon(last);
      nowMs = health.usableAtMs("p", ONE) + 60_000;
    }
    assert.deepEqual(rests, [1_000, 1_000, 8_000, 16_000, 32_000, 60_000]);
  });

  it("counts attempts that were under way together as one refusal", () => {
    const together = [pick(), pick(), pick()];
    for (const at of together) report(at, "credential", { status: 401 });
    assert.equal(health.usableAtMs("p", ONE), 30_000);
  });

  it("is told, taken out, and asked once a growing pause", () => {
    report(pick(), "credential", { status: 401 });
    assert.deepEqual(health.troubles(), [
      "provider p refused key a with 401 at 2026-11-23T12:00:00.000Z; " +
        "check the secret that its configuration names",
    ]);
    nowMs = 29_999;
    assert.equal(pick({ lastResort: true }), null);
    nowMs = 30_000;
    const probe = pick();
    assert.equal(probe?.probe, true);
    assert.equal(pick(), null, "one probe at a time");
    report(probe, "credential", { status: 403 });
    assert.equal(health.usableAtMs("p", ONE), 90_000);
    nowMs = 90_000;
    report(pick(), "ok");
    assert.deepEqual(health.troubles(), []);
    assert.ok(health.isHealthy("p", ONE));
  });

  it("is told when its account is empty", () => {
    report(pick(), "out_of_credit", { status: 402 });
    assert.match(health.troubles()[0] ?? "", /refused key a with 402 at .*; its account needs/);
    assert.equal(health.usableAtMs("p", ONE), 60_000);
  });

  it("is forgotten when its secret changes", () => {
    report(pick(), "credential", { status: 401 });
    health.forget("p", "a");
    assert.deepEqual([pick()?.probe, health.troubles()], [false, []]);
  });
});

describe("a provider that fails", () => {
  it("is left alone after three failures in a row, or five of twenty-five", () => {
    fail(2);
    assert.notEqual(pick(), null);
    fail(1);
    assert.equal(pick(), null);
    health = fresh();
    for (let index = 0; index < 4; index++) {
      fail(1);
      for (let ok = 0; ok < 4; ok++) report(pick(), "ok");
    }
    assert.ok(health.isHealthy("p", ONE));
    fail(1);
    assert.ok(!health.isHealthy("p", ONE));
  });

  it("is left alone at its first failure while extra attempts are nearly used up", () => {
    pressure = 0.8;
    fail(1);
    assert.equal(pick(), null);
  });

  it("is asked as a last resort, which may bring it back", () => {
    fail(3);
    const last = pick({ lastResort: true });
    report(last, "ok");
    assert.equal(pick({ draw: 0.05 })?.key, "a");
  });

  it("comes back by one probe, then by degrees", () => {
    fail(3);
    nowMs = 5_000;
    const probe = pick({ draw: 0.99 });
    assert.equal(probe?.probe, true);
    assert.equal(pick(), null);
    report(probe, "ok");
    assert.equal(pick({ draw: 0.11 }), null);
    for (let step = 1; step <= 30; step++) {
      nowMs += 2_000;
      report(pick({ draw: 0 }), "ok");
    }
    assert.notEqual(pick({ draw: 0.99 }), null);
    assert.ok(health.isHealthy("p", ONE));
  });

  it("is left alone for longer each time that its probe fails, up to a minute", () => {
    fail(3);
    const pauses: number[] = [];
    for (let index = 0; index < 6; index++) {
      pauses.push(health.usableAtMs("p", ONE) - nowMs);
      nowMs = health.usableAtMs("p", ONE);
      fail(1);
    }
    assert.deepEqual(pauses, [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  it("is left alone for as long as it says, if that is longer, up to ten minutes", () => {
    fail(2);
    report(pick(), "overloaded", { retryAfterMs: 30_000 });
    assert.equal(health.usableAtMs("p", ONE), 30_000);
    health = fresh();
    fail(2);
    report(pick(), "overloaded", { retryAfterMs: 1_000 });
    assert.equal(health.usableAtMs("p", ONE), 5_000);
    health = fresh();
    fail(2);
    report(pick(), "overloaded", { retryAfterMs: 86_400_000 });
    assert.equal(health.usableAtMs("p", ONE), 600_000);
  });

  it("learns nothing from attempts that began before it was shut or came back", () => {
    const [early, late] = [pick(), pick()];
    nowMs = 10;
    fail(3);
    report(early, "ok");
    assert.equal(pick(), null);
    nowMs = 5_010;
    report(pick(), "ok");
    for (let index = 0; index < 5; index++) report(late, "server_error");
    assert.notEqual(pick(), null);
  });

  it("does not lose a probe: it is abandoned, or given up after a minute", () => {
    fail(3);
    nowMs = 5_000;
    const probe = pick();
    assert.ok(probe !== null);
    health.abandon(probe);
    assert.equal(pick()?.probe, true);
    nowMs = 64_999;
    assert.equal(pick(), null);
    nowMs = 65_000;
    assert.equal(pick()?.probe, true);
  });

  it("is left alone where it takes attempts and answers none for a minute", () => {
    const taken = [pick(), pick(), pick()];
    nowMs = 59_999;
    assert.notEqual(pick(), null);
    nowMs = 60_000;
    assert.equal(pick(), null);
    for (const at of taken) report(at, "first_byte_timeout");
    assert.equal(health.usableAtMs("p", ONE), 65_000);
  });

  it("is left alone sooner where many wait, but not while it is merely slow", () => {
    const many = () => Array.from({ length: 10 }, () => pick());
    report(pick(), "ok", { firstContentMs: 4_000 });
    nowMs = 1;
    many();
    nowMs = 20_000;
    assert.notEqual(pick(), null);
    nowMs = 20_001;
    assert.equal(pick(), null);
    health = fresh();
    many();
    nowMs += 4_999;
    assert.notEqual(pick(), null);
    nowMs += 1;
    assert.equal(pick(), null);
  });

  it("does not hang where attempts are abandoned, or one has succeeded since", () => {
    for (const at of [pick(), pick(), pick()]) if (at !== null) health.abandon(at);
    const waiting = [pick(), pick(), pick()];
    nowMs = 30_000;
    report(pick(), "ok");
    nowMs = 100_000;
    assert.notEqual(pick(), null);
    for (const at of waiting) report(at, "ok");
    assert.ok(health.isHealthy("p", ONE));
  });

  it("is alive where it says that the request is at fault", () => {
    fail(3);
    nowMs = 5_000;
    report(pick(), "bad_request", { status: 400 });
    assert.notEqual(pick(), null);
  });

  it("leaves its other key alone where only one fails", () => {
    for (let index = 0; index < 3; index++) {
      report(pick({ keys: KEYS, draw: 0 }), "rate_limited", { retryAfterMs: 1_000 });
      assert.equal(pick({ keys: KEYS, draw: 0 })?.key, "b");
      nowMs += 10_000;
    }
    assert.ok(health.isHealthy("p", KEYS));
  });
});

describe("a model that a provider has not", () => {
  it("is asked for once a pause, and as a last resort", () => {
    report(pick(), "model_missing", { status: 404 });
    assert.equal(pick(), null);
    assert.notEqual(pick({ model: "other" }), null);
    assert.notEqual(pick({ lastResort: true }), null);
    nowMs = 60_000;
    assert.equal(pick()?.probe, true);
    assert.equal(pick(), null);
  });
});

describe("latency", () => {
  it("is a moving mean of the time to the first content", () => {
    assert.equal(health.latencyMs("p", "m"), null);
    report(pick(), "ok", { firstContentMs: 1_000 });
    assert.equal(health.latencyMs("p", "m"), 1_000);
    report(pick(), "ok", { firstContentMs: 2_000 });
    assert.equal(health.latencyMs("p", "m"), 1_200);
  });
});

describe("a restart", () => {
  function restarted(afterMs: number): void {
    const saved: unknown = JSON.parse(JSON.stringify(health.snapshot()));
    nowMs += afterMs;
    health = fresh();
    health.restore(saved);
  }

  it("keeps who is shut, for how long, how often, and why", () => {
    report(pick(), "credential", { status: 401 });
    report(pick({ provider: "q" }), "ok", { firstContentMs: 70 });
    const troubles = health.troubles();
    restarted(10_000);
    assert.deepEqual(health.troubles(), troubles);
    assert.equal(health.usableAtMs("p", ONE), 30_000);
    assert.equal(health.latencyMs("q", "m"), 70);
    nowMs = 30_000;
    report(pick(), "credential", { status: 401 });
    assert.equal(health.usableAtMs("p", ONE), 90_000);
  });

  it("keeps a provider shut, and forgets what is an hour past", () => {
    fail(3);
    restarted(1_000);
    assert.equal(pick(), null);
    restarted(3_700_000);
    assert.equal(pick()?.probe, false);
  });

  it("believes no file that is none, of another version or of the future", () => {
    const gate = { reason: "credential", leftMs: 1e300, pauseMs: 1e300 };
    const keys = [
      { id: "a", gate, refusal: { status: "no", atMs: 0 } },
      null,
      { id: 3 },
      { id: "b" },
    ];
    const odd = { version: 1, savedAtMs: START_MS, providers: { p: { gate: 7, keys }, q: null } };
    for (const value of [null, 7, "x", [], { version: 2 }, { ...odd, savedAtMs: START_MS + 1 }]) {
      health.restore(value);
      assert.deepEqual([pick()?.probe, health.troubles()], [false, []]);
    }
    health.restore({ ...odd, latencies: [["p/m", "fast"], 7] });
    assert.equal(health.usableAtMs("p", ONE), 86_400_000);
    assert.equal(health.latencyMs("p", "m"), null);
  });
});
