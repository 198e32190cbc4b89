/** Rolling windows never count too little, and say truly when they have room; token buckets are exact. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Span } from "../core/span.ts";
import { detachedMeter } from "./ledger.ts";
import { newWindow } from "./meter.ts";
import type { Window } from "./state.ts";
import {
  add,
  advance,
  bucketIndex,
  bucketStartMs,
  levelUnit,
  refillMs,
  roomAtMs,
  settle,
  take,
} from "./window.ts";

const START_MS = Date.parse("2026-11-23T10:00:00.123Z");
/** Spans whose sixtieth is a whole number of milliseconds, and spans where it is not. */
const SPANS = [1_000, 7_000, 90_000, 100_000, 18_000_000, 604_800_000];

function rollingWindow(spanMs: number, cap: bigint): Window {
  const span: Span = { kind: "rolling", spanMs, text: `${spanMs / 1000}s` };
  const meter = detachedMeter(`virtual_key/ada|usd|rolling|${spanMs}|${span.text}`);
  meter.cap = cap;
  return newWindow(meter, START_MS, null);
}

interface Spending {
  readonly afterMs: number;
  readonly amount: bigint;
}

/** Charges over some three spans, in the order in which they are admitted. */
const spendings = fc.record({
  spanMs: fc.constantFrom(...SPANS),
  charges: fc.array(
    fc.record({ part: fc.double({ min: 0, max: 0.2, noNaN: true }), amount: fc.bigInt(1n, 1000n) }),
    { minLength: 1, maxLength: 40 },
  ),
});

function charge(window: Window, spending: Spending, nowMs: number): void {
  advance(window, nowMs);
  take(window, spending.amount, spending.amount, nowMs);
  settle(window, {
    held: spending.amount,
    shadowHeld: spending.amount,
    settled: spending.amount,
    admittedMs: nowMs,
  });
}

describe("buckets of a rolling window", () => {
  test("each moment lies in exactly one bucket, from its first millisecond to its last", () => {
    const time = fc.integer({ min: 0, max: Date.UTC(2100, 0) });
    fc.assert(
      fc.property(fc.constantFrom(...SPANS), time, (spanMs, timeMs) => {
        const index = bucketIndex(spanMs, timeMs);
        assert.equal(BigInt(index), (BigInt(timeMs) * 60n) / BigInt(spanMs));
        assert.ok(bucketStartMs(spanMs, index) <= timeMs);
        assert.ok(timeMs < bucketStartMs(spanMs, index + 1));
        assert.equal(bucketIndex(spanMs, bucketStartMs(spanMs, index)), index);
      }),
      { numRuns: 2000 },
    );
  });

  test("never less than what was truly spent in the last span, and at most a bucket more", () => {
    fc.assert(
      fc.property(spendings, ({ spanMs, charges }) => {
        const window = rollingWindow(spanMs, 1n);
        const spent: { atMs: number; amount: bigint }[] = [];
        let nowMs = START_MS;
        for (const { part, amount } of charges) {
          nowMs += Math.floor(part * spanMs);
          charge(window, { afterMs: 0, amount }, nowMs);
          spent.push({ atMs: nowMs, amount });
          const since = (fromMs: number) =>
            spent.filter(({ atMs }) => atMs > fromMs).reduce((sum, one) => sum + one.amount, 0n);
          assert.ok(window.settled >= since(nowMs - spanMs));
          assert.ok(window.settled <= since(nowMs - spanMs - Math.ceil(spanMs / 60) - 1));
        }
      }),
      { numRuns: 500 },
    );
  });

  test("a charge leaves in the millisecond after its bucket's newest instant is a span old", () => {
    for (const spanMs of SPANS) {
      const window = rollingWindow(spanMs, 100n);
      charge(window, { afterMs: 0, amount: 7n }, START_MS);
      const leavesMs = bucketStartMs(spanMs, bucketIndex(spanMs, START_MS) + 1) + spanMs;
      advance(window, leavesMs - 1);
      assert.equal(window.settled, 7n, `${spanMs}`);
      advance(window, leavesMs);
      assert.equal(window.settled, 0n, `${spanMs}`);
      assert.ok(
        leavesMs - START_MS > spanMs && leavesMs - START_MS <= spanMs + Math.ceil(spanMs / 60),
      );
    }
  });

  test("there are sixty buckets and the running one at most", () => {
    const spanMs = 18_000_000;
    const window = rollingWindow(spanMs, 1n);
    for (let step = 0; step < 300; step++)
      charge(window, { afterMs: 0, amount: 1n }, START_MS + step * 100_000);
    assert.equal(window.buckets?.length, 61);
  });

  test("what settles after its admission's bucket has left is no longer in the window", () => {
    const window = rollingWindow(90_000, 100n);
    take(window, 10n, 10n, START_MS);
    advance(window, START_MS + 200_000);
    assert.equal(window.held, 10n, "a hold counts until it is settled");
    settle(window, { held: 10n, shadowHeld: 10n, settled: 9n, admittedMs: START_MS });
    assert.deepEqual([window.settled, window.held], [0n, 0n]);
  });

  test("a window that goes back in time keeps what it has let go", () => {
    const window = rollingWindow(90_000, 100n);
    charge(window, { afterMs: 0, amount: 5n }, START_MS);
    advance(window, START_MS + 200_000);
    advance(window, START_MS);
    add(window, 5n, 5n, START_MS);
    assert.equal(window.settled, 0n);
  });
});

describe("when a rolling window has room", () => {
  test("at that moment the need fits, and a millisecond before it does not", () => {
    let told = 0;
    fc.assert(
      fc.property(spendings, fc.bigInt(0n, 4000n), (plan, amount) => {
        const cap = 4000n;
        const window = rollingWindow(plan.spanMs, cap);
        let nowMs = START_MS;
        for (const one of plan.charges) {
          nowMs += Math.floor(one.part * plan.spanMs);
          charge(window, { afterMs: 0, amount: one.amount }, nowMs);
        }
        const fitsNow = window.settled + amount <= cap;
        const roomMs = roomAtMs(window, amount);
        if (roomMs === null) return assert.ok(fitsNow);
        told++;
        assert.ok(!fitsNow && Number.isInteger(roomMs) && roomMs > nowMs);
        advance(window, roomMs - 1);
        assert.ok(window.settled + amount > cap);
        advance(window, roomMs);
        assert.ok(window.settled + amount <= cap);
      }),
      { numRuns: 1000 },
    );
    assert.ok(told > 50);
  });

  test("never for more than the cap, nor in a window of another kind", () => {
    assert.equal(roomAtMs(rollingWindow(90_000, 5n), 6n), null);
    const total = newWindow(detachedMeter("virtual_key/ada|usd|total"), START_MS, null);
    total.meter.cap = 5n;
    total.settled = 5n;
    assert.equal(roomAtMs(total, 1n), null);
  });
});

describe("token buckets", () => {
  function bucket(id: string, cap: bigint): Window {
    const meter = detachedMeter(id);
    meter.cap = cap;
    return newWindow(meter, START_MS, null);
  }
  const level = (window: Window) =>
    Number(window.level?.amount ?? 0n) / Number(levelUnit(window.meter));

  test("starts full, refills at the limit's rate and never above its size", () => {
    const window = bucket("virtual_key/ada|requests|minute|UTC|burst:5", 60n);
    for (let taken = 0; taken < 5; taken++) take(window, 1n, 1n, START_MS);
    assert.equal(level(window), 0);
    advance(window, START_MS + 500);
    assert.equal(level(window), 0.5);
    assert.equal(refillMs(window.meter, window.level?.amount ?? 0n), 500);
    advance(window, START_MS + 3_600_000);
    assert.equal(level(window), 5);
  });

  test("a cancelled request gives its token back, but not above the size", () => {
    const window = bucket("virtual_key/ada|requests|minute|UTC|burst:2", 60n);
    take(window, 1n, 1n, START_MS);
    advance(window, START_MS + 1_000);
    settle(window, { held: 1n, shadowHeld: 1n, settled: 0n, admittedMs: START_MS });
    assert.equal(level(window), 2);
  });

  test("looking often or once gives the same level, to the last fraction", () => {
    const looks = fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 50 });
    fc.assert(
      fc.property(looks, fc.bigInt(1n, 10_000n), (gaps, cap) => {
        const often = bucket("virtual_key/ada|input_tokens|hour|UTC|burst:3000", cap);
        const once = bucket("virtual_key/ada|input_tokens|hour|UTC|burst:3000", cap);
        const debt = { held: 0n, shadowHeld: 0n, settled: 9_000n, admittedMs: START_MS };
        for (const window of [often, once]) {
          take(window, 0n, 0n, START_MS);
          settle(window, debt);
        }
        let nowMs = START_MS;
        for (const gapMs of gaps) advance(often, (nowMs += gapMs));
        advance(once, nowMs);
        assert.deepEqual(often.level?.amount, once.level?.amount);
      }),
    );
  });

  test("a limit of nothing never refills", () => {
    const window = bucket("virtual_key/ada|requests|minute|UTC|burst:1", 0n);
    take(window, 1n, 1n, START_MS);
    assert.equal(refillMs(window.meter, window.level?.amount ?? 0n), null);
  });
});
