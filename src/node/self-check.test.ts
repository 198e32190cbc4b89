/** The books' self-check: silent while they are sound, loud once where a counter was changed behind its back. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { admitRecord } from "../../tests/ledger/records.ts";
import { NO_USAGE } from "../core/usage.ts";
import type { FoldState } from "../ledger/fold.ts";
import { Ledger, type Hold } from "../ledger/ledger.ts";
import { parseMeterId } from "../ledger/meter.ts";
import type { MeterDefinition, Window } from "../ledger/state.ts";
import { SelfCheck } from "./self-check.ts";

const time = "2026-11-23T10:00:00.000Z";
const NOW_MS = Date.parse(time);
const TOTAL = "virtual_key/ada|usd|total";
const ROLLING = "virtual_key/ada|usd|rolling|18000000|5h";

function definition(id: string, cap: bigint, overshoot: MeterDefinition["overshoot"] = "none") {
  const identity = parseMeterId(id);
  assert.ok(identity !== null);
  return { ...identity, cap, overshoot };
}

function books(...definitions: MeterDefinition[]) {
  const ledger = new Ledger();
  ledger.configure(definitions, NOW_MS);
  const state: FoldState = { ledger, mode: "enforce", digest: "one", openRequests: new Map() };
  const windows = [...ledger.meters()].map((meter) => ledger.windowAt(meter, NOW_MS, null));
  const breached: string[] = [];
  const logged: string[] = [];
  const self = new SelfCheck({
    state: () => state,
    log: { error: (message) => logged.push(message) },
    breached: (invariant) => breached.push(invariant),
  });
  const take = (request: string, need: bigint): Hold => {
    const record = admitRecord({ time, request, windows: windows.map(({ key }) => key) });
    const held = { need, shadowNeed: need, admittedMs: NOW_MS };
    return ledger.take({ id: `${request}/1`, record, windows: [...windows], ...held });
  };
  const settle = (hold: Hold, cost: bigint) =>
    ledger.settle(hold, { cost, usage: NO_USAGE }, NOW_MS);
  const first = windows[0];
  assert.ok(first !== undefined);
  return { ledger, state, self, take, settle, breached, logged, window: first };
}

describe("sound books", () => {
  test("are silent through holds, releases and settlements", () => {
    const { self, take, settle, ledger, breached } = books(
      definition(TOTAL, 100n),
      definition(ROLLING, 100n),
    );
    const [one, two] = [take("a", 40n), take("b", 60n)];
    self.check();
    ledger.release(one, 30n);
    self.check();
    settle(one, 7n);
    ledger.cancel(two, NOW_MS);
    self.check();
    assert.deepEqual([breached, self.breaches()], [[], []]);
  });

  const reasons: Readonly<Record<string, (of: ReturnType<typeof books>) => void>> = {
    "a lowered cap": ({ ledger, take }) => {
      take("a", 90n);
      ledger.setCaps(new Map([[TOTAL, 50n]]), NOW_MS);
    },
    "a charge above its hold": ({ take, settle }) => settle(take("a", 90n), 120n),
    "another configuration": ({ state, ledger, window }) => {
      state.digest = "two";
      ledger.addSettled(window, 120n, NOW_MS);
    },
    "observe mode": ({ state, take }) => {
      state.mode = "observe";
      take("a", 120n);
    },
  };
  for (const [reason, over] of Object.entries(reasons)) {
    test(`may be over their cap by ${reason}, and stay so`, () => {
      const made = books(definition(TOTAL, 100n));
      made.self.check();
      over(made);
      made.self.check();
      made.state.mode = "enforce";
      made.self.check();
      made.self.check();
      assert.deepEqual(made.breached, []);
    });
  }

  test("may be over their cap by a correction", async () => {
    const { self, ledger, window, breached } = books(definition(TOTAL, 100n));
    await self.correcting(async () => {
      ledger.addSettled(window, 120n, NOW_MS);
      self.check();
    });
    self.check();
    assert.deepEqual(breached, []);
  });

  test("may be over their cap by the one request that the budget lets go over", () => {
    const { self, take, settle, breached } = books(definition(TOTAL, 100n, "last_request"));
    const hold = take("a", 150n);
    self.check();
    settle(hold, 130n);
    self.check();
    assert.deepEqual(breached, []);
  });
});

describe("a counter that was changed on purpose", () => {
  const corruptions: Readonly<Record<string, (window: Window) => void>> = {
    held_is_sum: (window) => (window.held += 1n),
    cap_kept: (window) => (window.settled += 100n),
    counters_sound: (window) => (window.settled = -1n),
  };
  for (const [invariant, corrupt] of Object.entries(corruptions)) {
    test(`breaks ${invariant}, once in log and metric`, () => {
      const { self, take, breached, logged, window } = books(definition(TOTAL, 100n));
      take("a", 10n);
      self.check();
      corrupt(window);
      self.check();
      self.check();
      assert.deepEqual(breached, [invariant]);
      assert.equal(logged.length, 1);
      assert.match(self.breaches().join(), new RegExp(`^${invariant} of virtual_key/ada`));
    });
  }

  test("is told no longer once it is right again, and anew when it is wrong again", () => {
    const { self, breached, window } = books(definition(TOTAL, 100n));
    window.held += 1n;
    self.check();
    window.held -= 1n;
    self.check();
    assert.deepEqual(self.breaches(), []);
    window.held += 1n;
    self.check();
    assert.deepEqual(breached, ["held_is_sum", "held_is_sum"]);
  });

  test("is seen in the buckets of a rolling window", () => {
    const { self, take, settle, breached, window } = books(definition(ROLLING, 100n));
    settle(take("a", 10n), 7n);
    window.settled += 5n;
    self.check();
    assert.deepEqual(breached, ["counters_sound"]);
  });

  test("by an admission over the cap is seen, too", () => {
    const { self, take, breached } = books(definition(TOTAL, 100n));
    self.check();
    take("a", 101n);
    self.check();
    assert.deepEqual(breached, ["cap_kept"]);
  });
});
