import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { backOffMs } from "./back-off.ts";
import { ERROR_CLASSES, errorRow, type ErrorClass } from "./error-class.ts";
import { nextMove, type Situation } from "./next-move.ts";

const SITUATION: Situation = {
  failed: "server_error",
  ownFallback: false,
  otherKey: false,
  otherTarget: false,
  prefersToStay: false,
  retries: 0,
  retryAfterMs: null,
  leftMs: 60_000,
  draw: 0,
  takeExtra: () => true,
};
const CLASSES = Object.keys(ERROR_CLASSES) as ErrorClass[];

describe("the next move", () => {
  it("asks another target at once where there is one, else the same key after a while", () => {
    assert.deepEqual(nextMove({ ...SITUATION, otherTarget: true }), { kind: "other_target" });
    assert.deepEqual(nextMove(SITUATION), { kind: "same_key", waitMs: 125 });
    assert.deepEqual(nextMove({ ...SITUATION, retries: 2 }), { kind: "stop", why: "exhausted" });
  });

  it("asks another key first where the key was the trouble", () => {
    const both = { ...SITUATION, otherKey: true, otherTarget: true };
    for (const failed of ["rate_limited", "out_of_credit", "credential"] as const) {
      assert.deepEqual(nextMove({ ...both, failed }), { kind: "other_key" });
    }
    assert.deepEqual(nextMove({ ...both, failed: "overloaded" }), { kind: "other_target" });
  });

  it("stays once where leaving is dear, but not for long", () => {
    const dear = { ...SITUATION, otherTarget: true, prefersToStay: true };
    assert.equal(nextMove(dear).kind, "same_key");
    assert.equal(nextMove({ ...dear, retries: 1 }).kind, "other_target");
    assert.equal(nextMove({ ...dear, retryAfterMs: 5_000 }).kind, "other_target");
    assert.equal(nextMove({ ...dear, failed: "first_byte_timeout" }).kind, "other_target");
  });

  it("takes a fallback that is named for the class", () => {
    const named = { ...SITUATION, ownFallback: true, otherTarget: true };
    assert.deepEqual(nextMove({ ...named, failed: "context_length" }), { kind: "own_fallback" });
    assert.deepEqual(nextMove({ ...named, failed: "content_policy" }), { kind: "own_fallback" });
    assert.deepEqual(nextMove({ ...named, failed: "bad_request" }), { kind: "stop", why: "final" });
  });

  it("says what stopped it", () => {
    const { takeExtra: _, ...rest } = SITUATION;
    assert.deepEqual(nextMove({ ...rest, takeExtra: () => false }), {
      kind: "stop",
      why: "budget",
    });
    assert.deepEqual(nextMove({ ...SITUATION, leftMs: 0 }), { kind: "stop", why: "deadline" });
    assert.deepEqual(nextMove({ ...SITUATION, leftMs: 100 }), { kind: "stop", why: "deadline" });
    assert.deepEqual(nextMove({ ...SITUATION, failed: "cut" }), { kind: "stop", why: "final" });
  });

  it("does only what the table allows, and takes one extra attempt for each move", () => {
    const situations = fc.record({
      failed: fc.constantFrom(...CLASSES),
      ownFallback: fc.boolean(),
      otherKey: fc.boolean(),
      otherTarget: fc.boolean(),
      prefersToStay: fc.boolean(),
      retries: fc.nat(4),
      retryAfterMs: fc.option(fc.nat(100_000)),
      leftMs: fc.integer({ min: -10, max: 100_000 }),
      draw: fc.double({ min: 0, max: 0.999, noNaN: true }),
    });
    fc.assert(
      fc.property(situations, (situation) => {
        let taken = 0;
        const takeExtra = () => ++taken > 0;
        const move = nextMove({ ...situation, takeExtra });
        const row = errorRow(situation.failed);
        assert.equal(taken, move.kind === "stop" ? 0 : 1);
        if (move.kind === "same_key") {
          assert.ok(row.sameKey && situation.retries < 2);
          assert.ok(move.waitMs < situation.leftMs);
          assert.ok(move.waitMs >= (situation.retryAfterMs ?? 0));
        }
        if (move.kind === "other_key") assert.ok(row.otherKey && situation.otherKey);
        if (move.kind === "other_target") assert.ok(row.otherTarget && situation.otherTarget);
        if (move.kind === "own_fallback") assert.ok(row.ownFallback && situation.ownFallback);
      }),
    );
  });
});

describe("the back-off", () => {
  const wait = { retries: 0, retryAfterMs: null, leftMs: 60_000, draw: 0 };

  it("doubles up to its end, with jitter in its upper half", () => {
    assert.deepEqual(
      [0, 1, 2, 5, 50].map((retries) => backOffMs({ ...wait, retries })),
      [125, 250, 500, 4_000, 4_000],
    );
    assert.equal(backOffMs({ ...wait, draw: 0.999_999 }), 250);
  });

  it("waits as long as the provider says, unless that is too long", () => {
    assert.equal(backOffMs({ ...wait, retryAfterMs: 3_000 }), 3_000);
    assert.equal(backOffMs({ ...wait, retryAfterMs: 15_001 }), null);
    assert.equal(backOffMs({ ...wait, retryAfterMs: 3_000, leftMs: 3_000 }), null);
  });
});
