/** Simulated traffic through the product's own ledger: exact always, and close to what a cap allows. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { percentile } from "../../bench/statistics.ts";
import { NO_USAGE } from "../../src/core/usage.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { plainFacts } from "./conversation.ts";
import { EventLoop, sleep, type Process } from "./events.ts";
import { ALL_RUNGS, Gate, type Outcome, type Rungs } from "./gate.ts";
import { measure, measureGenerator } from "./measure.ts";
import { PARAMETERS } from "./parameters.ts";
import { pass } from "./passage.ts";
import { GENERATOR, PROMISES } from "./promises.ts";
import { byQuantiles, logNormal, streamOf } from "./random.ts";
import { oracleRuler, type Ruler } from "./ruler.ts";
import { BUSY, budgetOf, cappedDays, cappedSessions, cappedTeams } from "./scenarios.ts";
import { mean, Tally } from "./tally.ts";

const SEED = 1;
const ONLY_BYTES: Rungs = { memory: false, count: false, wait: false, release: false };

function assertWithin(actual: number, expected: number, share: number): void {
  const off = Math.abs(actual / expected - 1);
  assert.ok(off <= share, `${actual} is more than ${100 * share} % from ${expected}`);
}

describe("the generator", () => {
  test("gives days like those of the model", () => {
    const measured = measureGenerator(SEED, 1_200);
    assertWithin(measured.meanUsd, GENERATOR.meanUsd, 0.1);
    assertWithin(measured.p50Usd, GENERATOR.p50Usd, 0.15);
    assertWithin(measured.p90Usd, GENERATOR.p90Usd, 0.1);
    assertWithin(measured.calls, GENERATOR.calls, 0.1);
    assertWithin(measured.topTenthShare, GENERATOR.topTenthShare, 0.1);
    assertWithin(measured.hitShare, GENERATOR.hitShare, 0.01);
  });

  test("draws what its parameters say", () => {
    const draws = (draw: (stream: () => number) => number) => {
      const stream = streamOf(SEED, "draws");
      return Array.from({ length: 20_000 }, () => draw(stream));
    };
    const outputs = draws((stream) => logNormal(stream, PARAMETERS.output.tokens));
    assertWithin(percentile(outputs, 0.5), PARAMETERS.output.tokens.median, 0.05);
    const { quantiles } = PARAMETERS.humanGapMs;
    const gaps = draws((stream) => byQuantiles(stream, quantiles));
    for (const [value, share] of quantiles.slice(1, 5))
      assertWithin(gaps.filter((gap) => gap <= value).length / gaps.length, share, 0.05);
    assertWithin(mean(draws((stream) => stream())), 0.5, 0.02);
  });

  test("gives the same passage for the same seed, whatever else was drawn", () => {
    const days = () => cappedDays({ seed: 7, count: 3, capUsd: 5 });
    const [first, again] = [days(), days()].map((stretches) =>
      stretches.map((stretch) => pass(stretch, ALL_RUNGS)),
    );
    assert.deepEqual(first, again);
  });
});

// Overshoot, bounds below the bill and books that disagree with it end a passage with an error.
describe("capped days", () => {
  const days = cappedDays({ seed: SEED, count: 200, capUsd: 10 });
  const byBytes = measure(days, ONLY_BYTES);
  const byMemory = measure(days, { ...ONLY_BYTES, memory: true });
  const withoutWait = measure(days, { ...ALL_RUNGS, wait: false, release: false });
  const whole = measure(days);

  test("at $10 use nearly all that an oracle uses", () => {
    assert.ok(whole.used >= PROMISES.ten.used - 1, `${whole.used}`);
    assert.ok(whole.usedLow >= PROMISES.ten.usedLow - 3, `${whole.usedLow}`);
    assert.ok(whole.used >= whole.oracleUsed - 0.6, `${whole.used} of ${whole.oracleUsed}`);
    assert.ok(whole.cut <= PROMISES.ten.cut, `${whole.cut}`);
    assert.ok(whole.refused <= PROMISES.ten.refused, `${whole.refused}`);
    assert.ok(whole.counted <= 6, `${whole.counted}`);
    assert.ok(whole.usedMost <= 100, `${whole.usedMost}`);
  });

  test("use more of their cap with each rung", () => {
    assert.ok(byBytes.used >= 80, `${byBytes.used}`);
    assert.ok(byMemory.used >= 93, `${byMemory.used}`);
    assert.ok(byMemory.used >= byBytes.used + 5, `${byMemory.used} after ${byBytes.used}`);
    assert.ok(withoutWait.used >= byMemory.used + 1, `${withoutWait.used} after ${byMemory.used}`);
    assert.ok(whole.refused <= withoutWait.refused / 5, `${whole.refused}`);
  });

  test("count fewer requests where turns are remembered, and wait less where holds shrink", () => {
    const withoutMemory = measure(days, { ...ALL_RUNGS, memory: false });
    assert.ok(whole.counted <= withoutMemory.counted / 2, `${whole.counted}`);
    const withoutRelease = measure(days, { ...ALL_RUNGS, release: false });
    assert.ok(whole.waited <= withoutRelease.waited * 0.8, `${whole.waited}`);
  });

  test("of other caps and of nine requests in flight stay close to the oracle too", () => {
    const count = 50;
    const rows = [
      { row: measure(cappedDays({ seed: SEED, count, capUsd: 5 })), least: 94 },
      { row: measure(cappedDays({ seed: SEED, count, capUsd: 30 })), least: 96 },
      { row: measure(cappedDays({ seed: SEED, count, capUsd: 10, habits: BUSY })), least: 97.5 },
    ];
    for (const { row, least } of rows) {
      assert.ok(row.used >= least, `${row.used} of ${least}`);
      assert.ok(row.used >= row.oracleUsed - 1, `${row.used} of ${row.oracleUsed}`);
      assert.ok(row.usedMost <= 100, `${row.usedMost}`);
    }
  });
});

test("a session's cap is used as far as its context allows", () => {
  const row = measure(cappedSessions(SEED, 60, 10));
  assert.ok(row.used >= 87, `${row.used}`);
  assert.ok(row.used >= row.oracleUsed - 1.5, `${row.used} of ${row.oracleUsed}`);
  assert.ok(row.usedMost <= 100, `${row.usedMost}`);
});

test("a team's month is used to the end, and nobody waits before it is nearly over", () => {
  const row = measure(cappedTeams(SEED, 1, { capUsd: 4_000, developers: 40 }));
  assert.ok(row.used >= 99.9 && row.usedMost <= 100, `${row.used}`);
  assert.ok(row.firstWait >= 99, `${row.firstWait}`);
});

describe("the simulation's own checks", () => {
  /** A gate whose only budget is $1, ruled by the oracle or by somebody who sees no budget. */
  function gateOf(sight: "oracle" | "blind"): Gate {
    const loop = new EventLoop(0);
    const ledger = new Ledger();
    ledger.configure([budgetOf(1, { kind: "total" })], 0);
    const book = createPriceBook([]);
    const oracle = oracleRuler(book);
    const blind: Ruler = {
      ...oracle,
      judge: (arrival, known, { nowMs }) => oracle.judge(arrival, known, { windows: [], nowMs }),
    };
    const ruler = sight === "blind" ? blind : oracle;
    const meters = [...ledger.meters()];
    return new Gate({
      loop,
      ledger,
      meters,
      book,
      ruler,
      rungs: ALL_RUNGS,
      witness: new Tally(),
    });
  }

  function askOnce(gate: Gate, inputTokens: number): Outcome | undefined {
    const outcomes: Outcome[] = [];
    function* ask(): Process {
      const outcome = yield* gate.admit({
        virtualKey: "ada",
        session: "s",
        turnName: "s",
        appendix: null,
        model: "claude-opus-5-5",
        facts: plainFacts(inputTokens),
        asked: 128_000,
        isCompaction: false,
        truth: { inputTokens, outputTokens: 1 },
      });
      outcomes.push(outcome);
    }
    new EventLoop(0).start(ask());
    return outcomes[0];
  }

  test("stop a ruling that overshoots a cap", () => {
    const gate = gateOf("blind");
    askOnce(gate, 200_000);
    assert.throws(() => askOnce(gate, 200_000), /over the cap/);
  });

  test("stop a charge above its hold", () => {
    const gate = gateOf("oracle");
    const grant = askOnce(gate, 1_000);
    assert.ok(grant !== undefined && !("refused" in grant));
    const usage = { ...NO_USAGE, input_tokens: 2_000 };
    assert.throws(() => gate.settle(grant, usage), /bound is wrong/);
  });

  test("see events in the order of their times, and of their asking", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 50 }), { maxLength: 60 }), (delays) => {
        const loop = new EventLoop(0);
        const seen: { readonly atMs: number; readonly index: number }[] = [];
        for (const [index, delay] of delays.entries())
          loop.start(
            (function* wake(): Process {
              yield* sleep(loop, delay);
              seen.push({ atMs: loop.nowMs, index });
            })(),
          );
        loop.run();
        const expected = delays
          .map((atMs, index) => ({ atMs, index }))
          .toSorted((a, b) => a.atMs - b.atMs || a.index - b.index);
        assert.deepEqual(seen, expected);
      }),
    );
  });
});
