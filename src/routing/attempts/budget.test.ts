import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { RetryBudget } from "./budget.ts";

const MINUTE_MS = 60_000;
const BURSTS = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.constant(0), fc.nat(50), fc.nat(5_000), fc.nat(90_000)),
    requests: fc.oneof(fc.nat(3), fc.nat(400)),
    tries: fc.oneof(fc.nat(3), fc.nat(80)),
  }),
  { maxLength: 40 },
);

interface Event {
  readonly atMs: number;
  readonly isExtra: boolean;
}

/** Would one more extra keep every span that begins with an extra of the last minute to the bound? */
function allowed(events: readonly Event[], atMs: number): boolean {
  const after = [...events, { atMs, isExtra: true }];
  return after.every((from, index) => {
    if (!from.isExtra || atMs - from.atMs > MINUTE_MS) return true;
    const span = after.slice(index);
    const extras = span.filter((event) => event.isExtra).length;
    return extras <= Math.max(30, (span.length - extras) / 5);
  });
}

function run(bursts: readonly { afterMs: number; requests: number; tries: number }[]) {
  const budget = new RetryBudget();
  const events: Event[] = [];
  const decisions: { readonly taken: boolean; readonly naive: boolean }[] = [];
  let nowMs = 0;
  for (const { afterMs, requests, tries } of bursts) {
    nowMs += afterMs;
    for (let index = 0; index < requests; index++) {
      budget.countRequest();
      events.push({ atMs: nowMs, isExtra: false });
    }
    for (let index = 0; index < tries; index++) {
      // The naive model is slow: it looks at every refusal's first two, and at what is let through.
      const taken = budget.take(nowMs);
      if (taken || index < 2) decisions.push({ taken, naive: allowed(events, nowMs) });
      if (taken) events.push({ atMs: nowMs, isExtra: true });
      else if (index >= 2) break;
    }
  }
  return { events, decisions, budget, nowMs };
}

describe("the budget of extra attempts", () => {
  it("gives 30 to a node without traffic, and the 31st after a minute", () => {
    const budget = new RetryBudget();
    for (let index = 0; index < 30; index++) assert.ok(budget.take(index));
    assert.equal(budget.take(60_000), false);
    assert.equal(budget.take(60_001), true);
  });

  it("gives a fifth of the requests beyond 30, counted from the first of the extras", () => {
    const budget = new RetryBudget();
    for (let index = 0; index < 10_000; index++) budget.countRequest();
    for (let index = 0; index < 30; index++) assert.ok(budget.take(0));
    for (let index = 0; index < 154; index++) budget.countRequest();
    assert.equal(budget.take(1), false, "31 extras need 155 requests since the first");
    budget.countRequest();
    assert.equal(budget.take(1), true);
    assert.equal(budget.take(1), false);
  });

  it("decides as a naive model does that looks at every span", () => {
    fc.assert(
      fc.property(BURSTS, (bursts) => {
        for (const { taken, naive } of run(bursts).decisions) assert.equal(taken, naive);
      }),
      { numRuns: 60 },
    );
  });

  it("keeps the bound in every minute, wherever it begins", () => {
    fc.assert(
      fc.property(BURSTS, fc.array(fc.nat(600_000), { maxLength: 20 }), (bursts, starts) => {
        const { events } = run(bursts);
        const begins = events.flatMap(({ atMs, isExtra }) => (isExtra ? [atMs] : []));
        for (const fromMs of new Set([...begins, ...starts])) {
          const inside = events.filter(({ atMs }) => atMs >= fromMs && atMs <= fromMs + MINUTE_MS);
          const extras = inside.filter((event) => event.isExtra).length;
          assert.ok(extras <= Math.max(30, (inside.length - extras) / 5), `from ${fromMs}`);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("tells its pressure: none at rest or where traffic carries it, all when it is used up", () => {
    const idle = new RetryBudget();
    assert.equal(idle.pressure(0), 0);
    for (let index = 0; index < 15; index++) idle.take(0);
    assert.equal(idle.pressure(0), 0.5);
    for (let index = 0; index < 15; index++) idle.take(0);
    assert.equal(idle.pressure(0), 1);
    assert.equal(idle.pressure(60_001), 0);
    const busy = new RetryBudget();
    for (let index = 0; index < 100; index++) {
      for (let request = 0; request < 100; request++) busy.countRequest();
      assert.ok(busy.take(index * 500));
    }
    for (let request = 0; request < 100; request++) busy.countRequest();
    assert.equal(busy.pressure(50_000), 0);
  });
});
