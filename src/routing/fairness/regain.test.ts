import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Regained } from "./regained.ts";

const KEY = ["up", "a"] as const;

/** Lets as many pass as may, all of which go well at `nowMs`; gives how many that were. */
function round(regained: Regained, nowMs: number): number {
  const passing = [];
  while (regained.hasRoom(...KEY) && passing.length < 1000)
    passing.push(regained.begin(...KEY, nowMs));
  for (const one of passing) one?.regain.succeeded(nowMs);
  for (const one of passing) one?.regain.end();
  return passing.length;
}

describe("a key that was refused for its rate", () => {
  test("has no bound before", () => {
    const regained = new Regained();
    assert.equal(regained.hasRoom(...KEY), true);
    assert.equal(regained.begin(...KEY, 0), null);
  });

  test("comes back from one, twice as many each time; other keys are as they were", () => {
    const regained = new Regained();
    regained.refused(...KEY, { beganMs: 0, nowMs: 10 });
    assert.deepEqual(
      [20, 30, 40, 50].map((nowMs) => round(regained, nowMs)),
      [1, 2, 4, 8],
    );
    assert.equal(regained.begin("up", "b", 60), null);
  });

  test("after the next refusal stays below what was too much, and tries more but slowly", () => {
    const regained = new Regained();
    regained.refused(...KEY, { beganMs: 0, nowMs: 10 });
    for (const nowMs of [20, 30, 40, 50]) round(regained, nowMs);
    regained.refused(...KEY, { beganMs: 55, nowMs: 60 });
    // Those under way together are one refusal.
    regained.refused(...KEY, { beganMs: 56, nowMs: 61 });
    const rounds = Array.from({ length: 10 }, (_, index) => round(regained, 100 + index));
    assert.equal(rounds[0], 8);
    assert.equal(Math.max(...rounds), 14);
    assert.equal(round(regained, 30_060), 14);
    assert.equal(round(regained, 30_061), 15);
  });

  test("is as before when no refusal has come for a minute", () => {
    const regained = new Regained();
    regained.refused(...KEY, { beganMs: 0, nowMs: 10 });
    assert.notEqual(regained.begin(...KEY, 60_010), null);
    assert.equal(regained.hasRoom(...KEY), false);
    const fresh = new Regained();
    fresh.refused(...KEY, { beganMs: 0, nowMs: 10 });
    assert.equal(fresh.begin(...KEY, 60_011), null);
    assert.equal(fresh.hasRoom(...KEY), true);
  });
});
