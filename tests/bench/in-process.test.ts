/** What governance may cost: no more than its share of parsing the body. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { measureInProcess, PARSE_RATIO_MAX } from "../../bench/in-process.ts";

/** Odd, so that a median is a round that was measured. */
const ROUNDS = 9;
const SAMPLE_MS = 25;

test("governing a request costs less than parsing its body would", async (t) => {
  const results = await measureInProcess({ rounds: ROUNDS, sampleMs: SAMPLE_MS });
  assert.equal(results.length, Object.keys(PARSE_RATIO_MAX).length);
  for (const { size, ratio, wholeUs, parseUs, stepsUs } of results) {
    const steps = [...stepsUs].map(([step, us]) => `${step} ${us.toFixed(1)}`).join(" · ");
    const figures = `${wholeUs.toFixed(1)} µs ÷ ${parseUs.toFixed(1)} µs (${steps})`;
    t.diagnostic(`${size}: ${ratio.toFixed(3)} = ${figures}`);
  }
  for (const { size, ratio } of results) {
    const most = PARSE_RATIO_MAX[size];
    assert.ok(
      ratio <= most,
      `${size}: ${ratio.toFixed(3)} of JSON.parse, at most ${most.toFixed(3)}`,
    );
  }
});
