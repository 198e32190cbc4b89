/** The ledger's time: never backwards, and never far forwards on one clock's word alone. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { createLedgerClock } from "./clock.ts";

const START_MS = Date.parse("2026-11-23T10:00:00Z");
const HOUR_MS = 3_600_000;

/** Two clocks that a test turns by hand. */
function clocks(notBeforeMs = 0, upstream: "upstream" | "no upstream" = "upstream") {
  let [wallMs, monotonicMs, asked] = [START_MS, 0, 0];
  const ledgerClock = createLedgerClock({
    clock: { wallMs: () => wallMs, monotonicMs: () => monotonicMs },
    notBeforeMs,
    askWitness: upstream === "upstream" ? () => void asked++ : null,
  });
  return {
    ...ledgerClock,
    asked: () => asked,
    /** Time passes on both. */
    pass(ms: number) {
      wallMs += ms;
      monotonicMs += ms;
    },
    /** Somebody sets the wall clock. */
    step(ms: number) {
      wallMs += ms;
    },
    wallMs: () => wallMs,
  };
}

describe("the ledger's clock", () => {
  test("follows the wall clock, in whole milliseconds", () => {
    const clock = clocks();
    assert.equal(clock.nowMs(), START_MS);
    clock.pass(1234.56);
    assert.equal(clock.nowMs(), START_MS + 1234);
    assert.equal(clock.behindMs(), 0);
  });

  test("stands still while a wall clock that was set back catches up", () => {
    const clock = clocks();
    assert.equal(clock.nowMs(), START_MS);
    clock.step(-HOUR_MS);
    assert.equal(clock.nowMs(), START_MS);
    assert.equal(clock.behindMs(), HOUR_MS);
    clock.pass(HOUR_MS + 5);
    assert.equal(clock.nowMs(), START_MS + 5);
    assert.equal(clock.behindMs(), 0);
  });

  test("follows a jump of up to a minute at once", () => {
    const clock = clocks();
    clock.step(60_000);
    assert.equal(clock.nowMs(), START_MS + 60_000);
    assert.equal(clock.asked(), 0);
  });

  test("runs on without a longer jump until an upstream agrees; asks once", () => {
    const clock = clocks();
    clock.step(HOUR_MS);
    assert.equal(clock.nowMs(), START_MS);
    assert.equal(clock.unconfirmedJumpMs(), HOUR_MS);
    clock.pass(10_000);
    assert.equal(clock.nowMs(), START_MS + 10_000);
    assert.equal(clock.asked(), 1);
    clock.witness(clock.wallMs() - 30_000);
    assert.equal(clock.nowMs(), START_MS + HOUR_MS + 10_000);
    assert.equal(clock.unconfirmedJumpMs(), 0);
  });

  test("an upstream that disagrees leaves it where it was", () => {
    const clock = clocks();
    clock.step(24 * HOUR_MS);
    assert.equal(clock.nowMs(), START_MS);
    clock.witness(START_MS);
    clock.pass(1000);
    assert.equal(clock.nowMs(), START_MS + 1000);
    assert.equal(clock.unconfirmedJumpMs(), 24 * HOUR_MS);
  });

  test("a jump that is taken back ends its own distrust with the next upstream's word", () => {
    const clock = clocks();
    clock.step(HOUR_MS);
    assert.equal(clock.nowMs(), START_MS);
    clock.step(-HOUR_MS);
    clock.pass(5_000);
    clock.witness(START_MS + 5_000);
    assert.equal(clock.nowMs(), START_MS + 5_000);
    clock.step(HOUR_MS);
    assert.equal(clock.nowMs(), START_MS + 5_000, "and the next one is watched again");
    assert.equal(clock.asked(), 2);
  });

  test("an upstream's word without a jump changes nothing", () => {
    const clock = clocks();
    clock.witness(START_MS + 5 * HOUR_MS);
    assert.equal(clock.nowMs(), START_MS);
  });

  test("with no upstream to ask, the wall clock is believed", () => {
    const clock = clocks(0, "no upstream");
    clock.step(HOUR_MS);
    assert.equal(clock.nowMs(), START_MS + HOUR_MS);
    assert.equal(clock.unconfirmedJumpMs(), 0);
  });

  test("a start is never before the last record", () => {
    const clock = clocks(START_MS + HOUR_MS);
    assert.equal(clock.nowMs(), START_MS + HOUR_MS);
    assert.equal(clock.behindMs(), HOUR_MS);
    clock.pass(2 * HOUR_MS);
    assert.equal(clock.nowMs(), START_MS + 2 * HOUR_MS);
  });

  test("time never decreases, and no unconfirmed jump of more than a minute gets through", () => {
    const move = fc.oneof(
      fc.record({ kind: fc.constant("pass" as const), ms: fc.nat({ max: 90_000 }) }),
      fc.record({
        kind: fc.constant("step" as const),
        ms: fc.integer({ min: -2 * HOUR_MS, max: 2 * HOUR_MS }),
      }),
      fc.record({ kind: fc.constant("lie" as const), ms: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        const clock = clocks();
        let [last, passedMs] = [clock.nowMs(), 0];
        for (const { kind, ms } of moves) {
          if (kind === "pass") passedMs = (clock.pass(ms), ms);
          if (kind === "step") passedMs = (clock.step(ms), 0);
          if (kind === "lie") clock.witness(clock.wallMs() - 3 * HOUR_MS);
          const now = clock.nowMs();
          assert.ok(now >= last);
          assert.ok(now - last <= passedMs + 60_000, `${now - last} in ${passedMs}`);
          [last, passedMs] = [now, 0];
        }
      }),
      { numRuns: 500 },
    );
  });
});
