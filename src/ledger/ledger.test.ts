/** What the counters do when budgets come and go, when records are replayed, and when all ends. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NO_USAGE } from "../core/usage.ts";
import type { AdmitRecord, ConfigRecord, JournalRecord } from "../journal/record.ts";
import { admitRecord } from "../../tests/ledger/records.ts";
import { applyRecord, type FoldState } from "./fold.ts";
import { Ledger, type Hold } from "./ledger.ts";
import { parseMeterId } from "./meter.ts";
import { restoreSnapshot, snapshotOf } from "./snapshot.ts";
import type { MeterDefinition, Window } from "./state.ts";
import { levelUnit } from "./window.ts";

const NOW_MS = Date.parse("2026-11-23T10:00:00.000Z");
const HOUR_MS = 3_600_000;
const DAY = "virtual_key/ada|usd|day|UTC";
const HOUR = "virtual_key/ada|usd|hour|UTC";
const SESSION = "virtual_key/ada|usd|session";
const ROLLING = "virtual_key/ada|usd|rolling|18000000|5h";
const BUCKET = "virtual_key/ada|requests|minute|UTC|burst:5";
const NAMED = { virtualKey: "ada", name: "s" };

function time(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function definition(id: string, cap: bigint): MeterDefinition {
  const identity = parseMeterId(id);
  assert.ok(identity !== null);
  return { ...identity, cap, overshoot: "none" };
}

function windowOf(ledger: Ledger, id: string, nowMs = NOW_MS): Window {
  const meter = ledger.meter(id);
  assert.ok(meter !== undefined);
  return ledger.windowAt(meter, nowMs, NAMED);
}

function admission(
  request: string,
  windows: readonly Window[],
  of: Partial<Omit<AdmitRecord, "request">> = {},
): AdmitRecord {
  const keys = (isMoney: boolean) =>
    windows.filter(({ meter }) => (meter.unit === "usd") === isMoney).map(({ key }) => key);
  const named = { windows: keys(true), limits: keys(false), session: "s" };
  return admitRecord({ time: time(NOW_MS), ...named, ...of, request });
}

function take(ledger: Ledger, request: string, ids: readonly string[], nowMs = NOW_MS): Hold {
  const windows = ids.map((id) => windowOf(ledger, id, nowMs));
  const record = admission(request, windows, { time: time(nowMs) });
  const held = { need: 10n, shadowNeed: 10n, admittedMs: nowMs };
  return ledger.take({ id: `${request}/1`, record, windows, ...held });
}

function settleRecord(request: string, timeMs: number, cost = "7"): JournalRecord {
  return {
    type: "settle",
    time: time(timeMs),
    request: request as AdmitRecord["request"],
    attempt: 1,
    cost,
    usage: NO_USAGE,
    estimated: false,
    upstream_status: 200,
    upstream_request_id: null,
    fault: null,
    end: null,
  };
}

function configRecord(of: Partial<ConfigRecord>): ConfigRecord {
  return {
    type: "config",
    time: time(NOW_MS),
    digest: "d",
    mode: "enforce",
    meters_added: [],
    meters_removed: [],
    opened: [],
    adopted: {},
    ...of,
  };
}

function emptyFold(): FoldState {
  return { ledger: new Ledger(), mode: "enforce", digest: null, openRequests: new Map() };
}

function charge(cost: bigint) {
  return { cost, usage: NO_USAGE };
}

describe("a budget that is removed and added again", () => {
  test("loses nothing when a hold from before ends", () => {
    const ledger = new Ledger();
    ledger.configure([definition(DAY, 100n)], NOW_MS);
    const hold = take(ledger, "a", [DAY]);
    ledger.configure([], NOW_MS);
    ledger.configure([definition(DAY, 100n)], NOW_MS);
    const window = windowOf(ledger, DAY);
    ledger.adopt(hold, window);
    ledger.settle(hold, charge(7n), NOW_MS);
    assert.deepEqual([window.settled, window.held, window.inFlight], [7n, 0n, 0]);
    assert.equal(ledger.window(window.key), window);
  });

  test("has such a hold once in a snapshot", () => {
    const ledger = new Ledger();
    ledger.configure([definition(DAY, 100n)], NOW_MS);
    const hold = take(ledger, "a", [DAY]);
    ledger.configure([], NOW_MS);
    ledger.configure([definition(DAY, 100n)], NOW_MS);
    ledger.adopt(hold, windowOf(ledger, DAY));
    const restored = restoreSnapshot(snapshotOf({ ...emptyFold(), ledger }));
    const { held, inFlight } = windowOf(restored.ledger, DAY);
    assert.deepEqual([held, inFlight], [10n, 1]);
  });

  test("holds for requests that began under the plan of before", () => {
    const ledger = new Ledger();
    ledger.configure([definition(DAY, 100n)], NOW_MS);
    const planned = ledger.meter(DAY);
    assert.ok(planned !== undefined);
    ledger.configure([], NOW_MS);
    const gone = ledger.windowAt(planned, NOW_MS, null);
    assert.equal(gone.meter.cap, null);
    assert.equal(ledger.window(gone.key), undefined, "nobody counts in a removed budget");
    ledger.configure([definition(DAY, 50n)], NOW_MS);
    const window = ledger.windowAt(planned, NOW_MS, null);
    assert.equal(window, windowOf(ledger, DAY));
    assert.equal(window.meter.cap, 50n);
  });
});

describe("new caps", () => {
  test("tell the open windows that are above them, of budgets alone", () => {
    const ledger = new Ledger();
    const ids = [DAY, ROLLING, SESSION, BUCKET];
    ledger.configure(
      ids.map((id) => definition(id, 100n)),
      NOW_MS,
    );
    take(ledger, "a", ids);
    const { lowered } = ledger.configure(
      ids.map((id) => definition(id, 9n)),
      NOW_MS,
    );
    assert.deepEqual(
      lowered.map(({ window, from, to }) => [window.meter.id, from, to]),
      [DAY, ROLLING, SESSION].map((id) => [id, 100n, 9n]),
    );
    const again = ledger.configure([definition(DAY, 5n)], NOW_MS + 24 * HOUR_MS).lowered;
    assert.deepEqual(again, [], "yesterday's window is over");
  });

  test("do not tell of what has left a rolling window meanwhile", () => {
    const ledger = new Ledger();
    ledger.configure([definition(ROLLING, 100n)], NOW_MS);
    ledger.settle(take(ledger, "a", [ROLLING]), charge(10n), NOW_MS);
    const later = ledger.configure([definition(ROLLING, 5n)], NOW_MS + 6 * HOUR_MS);
    assert.deepEqual(later.lowered, []);
  });

  test("of a token bucket begin now: until now it refilled at the old rate", () => {
    const ledger = new Ledger();
    ledger.configure([definition(BUCKET, 60n)], NOW_MS);
    for (const request of ["a", "b", "c", "d", "e"]) take(ledger, request, [BUCKET]);
    ledger.configure([definition(BUCKET, 6_000n)], NOW_MS + 1_000);
    const { level, meter } = windowOf(ledger, BUCKET, NOW_MS + 1_000);
    assert.equal(level?.amount, levelUnit(meter));
  });
});

describe("replay", () => {
  test("keeps what a window has settled when nothing is in flight", () => {
    const state = emptyFold();
    applyRecord(state, configRecord({ meters_added: [DAY], caps: { [DAY]: "100" } }));
    const window = state.ledger.windowAt(state.ledger.track(DAY), NOW_MS, null);
    for (const request of ["a", "b", "c"]) {
      applyRecord(state, admission(request, [window]));
      applyRecord(state, settleRecord(request, NOW_MS));
    }
    assert.equal(windowOf(state.ledger, DAY).settled, 21n);
  });

  test("without ever having asked for the window", () => {
    const key = `${DAY}@2026-11-23T00:00:00.000Z`;
    const state = emptyFold();
    applyRecord(state, configRecord({ meters_added: [DAY] }));
    for (const request of ["a", "b", "c"]) {
      applyRecord(state, admission(request, [], { windows: [key] }));
      applyRecord(state, settleRecord(request, NOW_MS));
    }
    assert.equal(windowOf(state.ledger, DAY).settled, 21n);
  });

  test("keeps one window of a meter, however many have gone by", () => {
    const state = emptyFold();
    applyRecord(state, configRecord({ meters_added: [HOUR] }));
    for (let hour = 0; hour < 50; hour++) {
      const atMs = NOW_MS + hour * HOUR_MS;
      const of = { windows: [`${HOUR}@${time(atMs)}`], time: time(atMs) };
      applyRecord(state, admission(`${hour}`, [], of));
      applyRecord(state, settleRecord(`${hour}`, atMs));
    }
    assert.equal([...state.ledger.windows()].length, 1);
  });

  test("finds a token bucket as full as it was", () => {
    const state = emptyFold();
    applyRecord(state, configRecord({ meters_added: [BUCKET], caps: { [BUCKET]: "60" } }));
    for (let second = 0; second < 100; second++) {
      const of = { limits: [BUCKET], time: time(NOW_MS + second * 1_000) };
      applyRecord(state, admission(`${second}`, [], of));
      applyRecord(state, settleRecord(`${second}`, NOW_MS + second * 1_000));
    }
    const { level, meter } = windowOf(state.ledger, BUCKET, NOW_MS + 99_000);
    assert.equal(level?.amount, 4n * levelUnit(meter));
  });

  test("knows from the record what the shadow held, whichever mode is in force by then", () => {
    const rows = [
      ["enforced", {}, 10n],
      ["refused by the shadow", { refusal: "budget_exhausted" }, 0n],
      ["clamped by the shadow", { shadow_need: "6" }, 6n],
    ] as const;
    for (const mode of ["enforce", "observe"] as const)
      for (const [what, of, shadowHeld] of rows) {
        const state = emptyFold();
        applyRecord(state, configRecord({ meters_added: [DAY], mode }));
        const windows = [`${DAY}@2026-11-23T00:00:00.000Z`];
        applyRecord(state, admission("a", [], { windows, ...of }));
        const window = windowOf(state.ledger, DAY);
        assert.deepEqual([window.held, window.shadowHeld], [10n, shadowHeld], `${what}, ${mode}`);
      }
  });
});

describe("corrections", () => {
  function correction(windows: readonly string[], delta: string): JournalRecord {
    return {
      type: "correction",
      time: time(NOW_MS + HOUR_MS),
      request: "a" as AdmitRecord["request"],
      attempt: 1,
      cost: "1",
      delta,
      admitted: time(NOW_MS),
      windows,
      reason: "invoice",
      actor: "admin",
    };
  }

  test("belong to the moment of the charge: a rolling window never falls below nothing", () => {
    const state = emptyFold();
    applyRecord(state, configRecord({ meters_added: [ROLLING] }));
    applyRecord(state, admission("a", [], { windows: [ROLLING] }));
    applyRecord(state, settleRecord("a", NOW_MS));
    applyRecord(state, correction([ROLLING], "-6"));
    assert.equal(windowOf(state.ledger, ROLLING, NOW_MS + HOUR_MS).settled, 1n);
    assert.equal(windowOf(state.ledger, ROLLING, NOW_MS + 6 * HOUR_MS).settled, 0n);
  });

  test("neither open a session again nor a day that is over", () => {
    const state = emptyFold();
    applyRecord(state, configRecord({ meters_added: [SESSION, DAY] }));
    applyRecord(state, correction([`${SESSION}#ada/s`, `${DAY}@2026-11-22T00:00:00.000Z`], "-6"));
    assert.deepEqual([...state.ledger.windows()], []);
  });
});

describe("sessions", () => {
  test("are closed when they have been idle and hold nothing", () => {
    const ledger = new Ledger();
    ledger.configure([definition(SESSION, 100n)], NOW_MS);
    const hold = take(ledger, "a", [SESSION]);
    const key = `${SESSION}#ada/s`;
    assert.deepEqual(ledger.closeIdleSessions(NOW_MS + 1), [], "something is in flight");
    ledger.settle(hold, charge(7n), NOW_MS);
    assert.deepEqual(ledger.closeIdleSessions(NOW_MS), [], "used just then");
    assert.deepEqual(ledger.closeIdleSessions(NOW_MS + 1), [key]);
    assert.equal(windowOf(ledger, SESSION).settled, 0n);
  });

  test("that were only asked for leave nothing behind", () => {
    const ledger = new Ledger();
    ledger.configure([definition(SESSION, 100n)], NOW_MS);
    windowOf(ledger, SESSION);
    assert.deepEqual([...ledger.windows()], []);
  });
});

describe("a hold", () => {
  test("ends once, and is only ever lowered", () => {
    const ledger = new Ledger();
    ledger.configure([definition(DAY, 100n)], NOW_MS);
    const hold = take(ledger, "a", [DAY]);
    assert.throws(() => ledger.release(hold, 11n), /lowers an open hold/);
    ledger.release(hold, 6n);
    assert.equal(windowOf(ledger, DAY).held, 6n);
    ledger.settle(hold, charge(5n), NOW_MS);
    assert.throws(() => ledger.cancel(hold, NOW_MS), /ends once/);
    assert.throws(() => ledger.release(hold, 0n), /open hold/);
    assert.throws(() => take(ledger, "b", [DAY]) && take(ledger, "b", [DAY]), /taken once/);
  });

  test("that ends after its window settles there, and nowhere else", () => {
    const ledger = new Ledger();
    ledger.configure([definition(HOUR, 100n)], NOW_MS);
    const hold = take(ledger, "a", [HOUR]);
    const next = windowOf(ledger, HOUR, NOW_MS + HOUR_MS);
    const [ended] = hold.windows;
    assert.equal([...ledger.windows()].length, 2, "the ended window is kept while it holds");
    ledger.settle(hold, charge(12n), NOW_MS + HOUR_MS);
    assert.deepEqual([ended?.settled, next.settled], [12n, 0n]);
    assert.deepEqual([...ledger.windows()], [next]);
  });

  test("restored with the window of an hour that is over leaves what was settled there", () => {
    const ledger = new Ledger();
    ledger.configure([definition(HOUR, 100n)], NOW_MS);
    ledger.settle(take(ledger, "a", [HOUR]), charge(7n), NOW_MS);
    const hold = take(ledger, "b", [HOUR]);
    take(ledger, "c", [HOUR], NOW_MS + HOUR_MS);
    const restored = restoreSnapshot(snapshotOf({ ...emptyFold(), ledger })).ledger;
    const key = hold.windows[0]?.key ?? "";
    assert.deepEqual([restored.window(key)?.settled, restored.window(key)?.held], [7n, 10n]);
    assert.equal(windowOf(restored, HOUR, NOW_MS + HOUR_MS).held, 10n);
  });
});
