/** Of a chain of scopes the strictest action and the strictest value of each threshold hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RunawayConfig } from "../../config/runaway-config.ts";
import {
  DETECTOR_NAMES,
  RUNAWAY_ACTIONS,
  RUNAWAY_LIMITS,
  type RunawayLimit,
} from "../../config/runaway-limits.ts";
import { OBSERVED, runawaySettings, type RunawaySettings } from "./settings.ts";

const action = fc.option(fc.constantFrom(...RUNAWAY_ACTIONS));
const said = fc
  .record({ name: fc.constantFrom(...DETECTOR_NAMES), action, value: fc.integer({ min: 1 }) })
  .map(({ name, action: acts, value }) => {
    const limits = Object.fromEntries(Object.keys(RUNAWAY_LIMITS[name]).map((key) => [key, value]));
    return [name, { action: acts, limits }] as const;
  });
const config: fc.Arbitrary<RunawayConfig> = fc.record({
  default: action,
  cooldownMinutes: fc.option(fc.integer({ min: 1, max: 100 })),
  detectors: fc.array(said).map((all) => Object.fromEntries(all)),
});
const chain = fc.array(fc.option(config), { maxLength: 4 });

function assertNoLaxer(settings: RunawaySettings, than: RunawaySettings): void {
  for (const name of DETECTOR_NAMES) {
    const [now, before] = [settings.detectors[name], than.detectors[name]];
    assert.ok(RUNAWAY_ACTIONS.indexOf(now.action) >= RUNAWAY_ACTIONS.indexOf(before.action), name);
    const table: Readonly<Record<string, RunawayLimit>> = RUNAWAY_LIMITS[name];
    const values = now.limits as Readonly<Record<string, number>>;
    const old = before.limits as Readonly<Record<string, number>>;
    for (const [key, { stricter }] of Object.entries(table)) {
      const [value = Number.NaN, was = Number.NaN] = [values[key], old[key]];
      assert.ok(stricter === "lower" ? value <= was : value >= was, `${name}.${key}`);
    }
  }
}

test("what a scope adds to a chain that has spoken makes nothing laxer", () => {
  const spoken = runawaySettings([
    {
      default: null,
      cooldownMinutes: null,
      detectors: Object.fromEntries(
        DETECTOR_NAMES.map((name) => [name, { action: null, limits: defaultsOf(name) }]),
      ),
    },
  ]);
  assert.deepEqual(spoken, OBSERVED);
  fc.assert(
    fc.property(chain, config, (above, inner) => {
      const full = [{ default: null, cooldownMinutes: null, detectors: spokenAll() }, ...above];
      assertNoLaxer(runawaySettings([...full, inner]), runawaySettings(full));
    }),
  );
});

test("an only word counts, stricter than the default or not", () => {
  const only = { action: "slow", limits: { repeats: 50 } } as const;
  const settings = runawaySettings([
    null,
    { default: "warn", cooldownMinutes: 5, detectors: { tool_loop: only } },
  ]);
  assert.deepEqual(settings.detectors.tool_loop, {
    action: "slow",
    limits: { ...OBSERVED.detectors.tool_loop.limits, repeats: 50 },
  });
  assert.equal(settings.detectors.hook_loop.action, "warn");
  assert.equal(settings.cooldownMs, 300_000);
});

function defaultsOf(name: (typeof DETECTOR_NAMES)[number]): Record<string, number> {
  const table: Readonly<Record<string, RunawayLimit>> = RUNAWAY_LIMITS[name];
  return Object.fromEntries(Object.entries(table).map(([key, limit]) => [key, limit.default]));
}

function spokenAll(): RunawayConfig["detectors"] {
  return Object.fromEntries(
    DETECTOR_NAMES.map((name) => [name, { action: null, limits: defaultsOf(name) }]),
  );
}
