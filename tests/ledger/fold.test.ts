/** The journal alone rebuilds the ledger: at every prefix, through snapshots, and whoever wrote it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JournalRecord } from "../../src/journal/record.ts";
import {
  applyToState,
  emptyState,
  type NodeState,
  restoreState,
  saveState,
} from "../../src/node/state.ts";
import { countersOf } from "./counters.ts";
import { schedules, World } from "./steps.ts";

const RUNS = 100;
const STEPS_MAX = 100;

/** What the state was saved as, after a way through the file. */
function saved(state: NodeState): unknown {
  return JSON.parse(JSON.stringify(saveState(state)));
}

function restored(state: NodeState): NodeState {
  const again = restoreState(saved(state));
  assert.ok(again !== null);
  return again;
}

/** All counters, holds and meters, without what is only waiting to be dropped. */
function essence(state: NodeState, nowMs: number) {
  const { ledger, mode, digest } = state.fold;
  return {
    mode,
    digest,
    sessions: JSON.parse(JSON.stringify(state.sessions.snapshot())) as unknown,
    counters: countersOf(state, nowMs),
    meters: [...ledger.meters()].map(({ id, cap }) => `${id} ${cap}`).toSorted(),
    holds: [...ledger.holds()]
      .map(({ id, need, tokens, shadowNeed, shadowTokens, admittedMs, windows }) => {
        const own = windows.filter((window) => ledger.window(window.key) === window);
        const held = { need, tokens, shadowNeed, shadowTokens };
        return { id, ...held, admittedMs, windows: own.map(({ key }) => key).toSorted() };
      })
      .toSorted((left, right) => (left.id < right.id ? -1 : 1)),
  };
}

test("at every prefix the fold of the journal is the state of who wrote it", async () => {
  await fc.assert(
    fc.asyncProperty(schedules(STEPS_MAX), fc.nat({ max: 9 }), async (schedule, saveEvery) => {
      const world = new World(schedule.startMs);
      const { live } = world;
      const replayed = emptyState();
      // This one is saved and restored now and then, as by a node that starts again.
      let restarted = emptyState();
      let applied = 0;
      await world.begin();
      for (const [index, step] of schedule.steps.entries()) {
        await world.run(step);
        for (const record of live.records.slice(applied)) {
          applyToState(replayed, JSON.parse(JSON.stringify(record)) as JournalRecord);
          applyToState(restarted, record);
        }
        applied = live.records.length;
        const lived = essence(live.state, live.nowMs);
        assert.deepEqual(essence(replayed, live.nowMs), lived, `step ${index}`);
        assert.deepEqual(essence(restarted, live.nowMs), lived, `step ${index}, restarted`);
        if (index % (saveEvery + 1) === 0) restarted = restored(restarted);
      }
    }),
    { numRuns: RUNS },
  );
});

test("a node that starts again from its own snapshot goes on as if it had not", async () => {
  await fc.assert(
    fc.asyncProperty(schedules(STEPS_MAX), fc.nat(), async ({ startMs, steps }, cut) => {
      const world = new World(startMs);
      const { live } = world;
      await world.begin();
      const cutAt = cut % steps.length;
      let state: NodeState | null = null;
      let applied = 0;
      for (const [index, step] of steps.entries()) {
        await world.run(step);
        if (index === cutAt) [state, applied] = [restored(live.state), live.records.length];
      }
      assert.ok(state !== null);
      for (const record of live.records.slice(applied)) applyToState(state, record);
      assert.deepEqual(essence(state, live.nowMs), essence(live.state, live.nowMs));
    }),
    { numRuns: RUNS },
  );
});

test("a snapshot of what a snapshot restored is the same snapshot", async () => {
  await fc.assert(
    fc.asyncProperty(schedules(STEPS_MAX), async ({ startMs, steps }) => {
      const world = new World(startMs);
      await world.begin();
      for (const step of steps) await world.run(step);
      const once = restored(world.live.state);
      assert.deepEqual(sorted(saved(restored(once))), sorted(saved(once)));
      assert.deepEqual(
        essence(once, world.live.nowMs),
        essence(world.live.state, world.live.nowMs),
      );
    }),
    { numRuns: RUNS },
  );
});

/** Arrays by their text: the order of windows in a snapshot means nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => JSON.stringify(sorted(item)));
    return items.toSorted();
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, sorted(item)]));
}

test("replaying leaves no window behind that has ended and holds nothing", async () => {
  await fc.assert(
    fc.asyncProperty(schedules(STEPS_MAX), async ({ startMs, steps }) => {
      const world = new World(startMs);
      const { live } = world;
      await world.begin();
      for (const step of steps) await world.run(step);
      const replayed = emptyState();
      for (const record of live.records) applyToState(replayed, record);
      for (const state of [live.state, replayed])
        for (const { meter, endMs, inFlight, key } of state.fold.ledger.windows())
          assert.ok(endMs === null || inFlight > 0 || meter.current?.key === key, key);
    }),
    { numRuns: RUNS },
  );
});
