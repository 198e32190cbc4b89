/** Findings are told once in a while, session by session, in bounded memory; brakes grow and end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Brakes } from "./brakes.ts";
import type { RequestSeen } from "./event.ts";
import { runawaySettings } from "./settings.ts";
import { RunawayWatch, type Told } from "./watch.ts";

const SETTINGS = runawaySettings([]);
const { repeats } = SETTINGS.detectors.tool_loop.limits;

function failing(timeMs: number, calls: readonly string[]): RequestSeen {
  return {
    timeMs,
    agent: null,
    parent: null,
    prompt: null,
    task: "main",
    model: "m",
    retries: 0,
    bytes: 1000,
    toolsBytes: 1,
    tail: {
      digest: timeMs,
      calls: calls.map((tool) => ({ tool, input: 1, result: timeMs, failed: true })),
      text: null,
    },
  };
}

test("a loop that goes on is told once in a cooldown, and each session has its own", () => {
  const watch = new RunawayWatch();
  const stepMs = 1_000;
  const steps = (3 * SETTINGS.cooldownMs) / stepMs;
  for (const session of ["one", "other"]) {
    const told: number[] = [];
    for (let step = 0; step < steps; step++)
      if (watch.request(session, failing(step * stepMs, ["Edit"]), SETTINGS).length > 0)
        told.push(step);
    assert.equal(told[0], repeats - 1);
    assert.equal(told.length, 3);
  }
});

test("a cycle of up to four failing calls is found after its repeats, whatever came before", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 }),
      fc.array(fc.constantFrom("Bash", "Read"), { maxLength: 6 }),
      (cycle, before) => {
        const watch = new RunawayWatch();
        let [timeMs, found] = [0, null as Told | null];
        for (const [index, tool] of before.entries())
          watch.request("s", failing(++timeMs, [`${tool}-${index}`]), SETTINGS);
        let steps = 0;
        while (found === null && steps < 100) {
          const tool = cycle[steps++ % cycle.length] ?? "";
          found = watch.request("s", failing(++timeMs, [`${tool}!`]), SETTINGS)[0] ?? null;
        }
        assert.equal(found?.detector, "tool_loop");
        assert.equal(found.evidence["period"], cycle.length);
        assert.ok(steps <= repeats * cycle.length, `${steps} steps`);
      },
    ),
  );
});

test("the same message once more is no further step", () => {
  const watch = new RunawayWatch();
  const told: Told[] = [];
  for (let step = 0; step < 50; step++)
    told.push(...watch.request("s", failing(1, ["Edit"]), SETTINGS));
  assert.deepEqual(told, []);
});

test("pauses double up to half a minute and end with the cooldown; a warning is told once", () => {
  const brakes = new Brakes();
  assert.equal(brakes.pauseMs("s", 0), 0);
  brakes.slow("s", 1_000);
  const pauses = Array.from({ length: 7 }, () => brakes.pauseMs("s", 999));
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  assert.equal(brakes.pauseMs("s", 1_000), 0);
  brakes.warn("s", "Look.");
  assert.deepEqual([brakes.takeWarning("s"), brakes.takeWarning("s")], ["Look.", null]);
});
