/** The ledger under random schedules, against a model that sums every window from the list of attempts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { amountHeld, isReserving } from "../../src/ledger/amounts.ts";
import type { Window } from "../../src/ledger/state.ts";
import { advance } from "../../src/ledger/window.ts";
import {
  countersByModel,
  countersIn,
  countersOf,
  countsNothing,
  labelOfWindow,
  openLabels,
} from "./counters.ts";
import { type Admitted, schedules, World } from "./steps.ts";

const RUNS = 150;
const STEPS_MAX = 120;

/** Every window of the ledger counts what the model counts, and no window that counts is missing. */
function assertModelled(world: World): void {
  const { live, model } = world;
  const { nowMs } = live;
  assert.deepEqual(
    new Map([...live.ledger.meters()].map(({ id, cap }) => [id, cap])),
    new Map([...model.meters.values()].map(({ id, cap }) => [id, cap])),
  );
  const seen = new Set<string>();
  for (const window of live.ledger.windows()) {
    const meter = model.meters.get(window.meter.id);
    assert.ok(meter !== undefined, `a window of a budget that is not configured: ${window.key}`);
    if (window.endMs !== null && window.endMs <= nowMs && window.inFlight === 0) continue;
    advance(window, nowMs);
    const label = labelOfWindow(window, meter);
    seen.add(`${meter.id} ${label}`);
    const modelled = countersByModel({ model, meter, label, nowMs });
    assert.deepEqual(countersIn(window), modelled, `${window.key} at ${nowMs}`);
  }
  for (const meter of model.meters.values())
    for (const label of openLabels(model, meter, nowMs)) {
      if (seen.has(`${meter.id} ${label}`)) continue;
      const modelled = countersByModel({ model, meter, label, nowMs });
      assert.ok(countsNothing(modelled, meter), `no window for ${meter.id} ${label}`);
    }
}

/** What is held in a window is the sum of the open holds that name it, and never negative. */
function assertHolds({ live }: World): void {
  const held = new Map<Window, bigint>();
  for (const hold of live.ledger.holds())
    for (const window of hold.windows)
      held.set(window, (held.get(window) ?? 0n) + amountHeld(window, hold));
  for (const window of live.ledger.windows()) {
    assert.equal(window.held, held.get(window) ?? 0n, window.key);
    assert.ok(window.held >= 0n && window.shadowHeld >= 0n && window.inFlight >= 0, window.key);
  }
}

/** The model's verdict is the ledger's; in enforce mode nothing that was admitted exceeds a cap. */
function assertDecided({ admission, verdict, enforced }: Admitted): void {
  const { hold, refusedBy, code, maxTokens } = admission;
  if (!verdict.fits) {
    assert.deepEqual({ code, refusedBy }, { code: verdict.code, refusedBy: verdict.meter });
    assert.equal(hold === null, enforced);
    return;
  }
  assert.deepEqual({ code, refusedBy }, { code: null, refusedBy: null });
  assert.ok(hold !== null);
  if (!enforced) {
    assert.equal(hold.shadowNeed, verdict.need);
    return;
  }
  assert.deepEqual(
    { maxTokens, need: hold.need },
    { maxTokens: verdict.maxTokens, need: verdict.need },
  );
  for (const { key, meter, settled, held, level } of hold.windows)
    if (meter.cap !== null && (meter.unit === "usd" || isReserving(meter)))
      assert.ok(level === null ? settled + held <= meter.cap : level.amount >= 0n, key);
}

test("every window counts what the model counts, after every step", async (context) => {
  const met = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(schedules(STEPS_MAX), async ({ startMs, steps }) => {
      const world = new World(startMs);
      world.onAdmit = (admitted) => {
        assertDecided(admitted);
        const { admission } = admitted;
        const what = admission.code ?? (admission.maxTokens < 32_000 ? "clamped" : "admitted");
        met.set(what, (met.get(what) ?? 0) + 1);
      };
      await world.begin();
      for (const step of steps) {
        await world.run(step);
        assertModelled(world);
        assertHolds(world);
        assert.deepEqual(world.closed[0], world.closed[1]);
      }
    }),
    { numRuns: RUNS },
  );
  for (const code of CODES) assert.ok((met.get(code) ?? 0) > 0, `no schedule met ${code}`);
  context.diagnostic(JSON.stringify(Object.fromEntries(met)));
});

const CODES = [
  "admitted",
  "clamped",
  "rate_limited",
  "concurrency_limited",
  "budget_exhausted",
  "request_exceeds_budget",
  "budget_busy",
];

test("a refused request changes no counter and leaves no record", async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(schedules(60), async ({ startMs, steps }) => {
      const world = new World(startMs);
      const { live } = world;
      await world.begin();
      for (const step of steps) {
        const before = countersOf(live.state, live.nowMs);
        const [records, windows] = [live.records.length, sessionsIn(world)];
        let isRefused = false;
        world.onAdmit = ({ admission }) => (isRefused = admission.hold === null);
        await world.run(step);
        if (!isRefused || step.kind !== "admit") continue;
        refused++;
        assert.deepEqual(countersOf(live.state, live.nowMs), before);
        assert.equal(live.records.length, records);
        assert.equal(sessionsIn(world), windows);
      }
    }),
    { numRuns: RUNS },
  );
  assert.ok(refused > 0);
});

function sessionsIn({ live }: World): number {
  return [...live.ledger.windows()].filter(({ session }) => session !== null).length;
}

test("a new configuration changes nothing in the windows of budgets that it keeps", async () => {
  const changes = new Set(["budget", "limit", "caps", "move"]);
  await fc.assert(
    fc.asyncProperty(schedules(60), async ({ startMs, steps }) => {
      const world = new World(startMs);
      const { live } = world;
      await world.begin();
      for (const step of steps) {
        const before = countersOf(live.state, live.nowMs);
        const meters = new Set(live.ledger.meters());
        await world.run({ ...step, meanwhile: [] });
        if (!changes.has(step.kind)) continue;
        const after = countersOf(live.state, live.nowMs);
        for (const meter of live.ledger.meters()) {
          if (!meters.has(meter)) continue;
          const own = (counters: typeof after) =>
            [...counters].filter(([key]) => live.ledger.window(key)?.meter === meter);
          assert.deepEqual(own(after), own(before));
        }
      }
    }),
    { numRuns: RUNS },
  );
});
