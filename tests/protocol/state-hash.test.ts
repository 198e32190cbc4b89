/** Two states have one hash exactly where nothing that can happen tells them apart. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { eventsOf } from "./events.ts";
import { SOUND } from "./rules.ts";
import { EXPLORED } from "./scenarios.ts";
import { hashOf } from "./state-hash.ts";
import { StateSet } from "./state-set.ts";
import { mayUseDisk, newSystem, type System } from "./system.ts";

const STATES = 5000;

describe("hashes tell states apart as their whole texts do", () => {
  for (const { scenario } of EXPLORED)
    test(scenario.name, () => {
      const texts = new Map<string, number>();
      const hashes = new StateSet();
      // Grows while it is gone through.
      const open = [newSystem(scenario)];
      for (const system of open) {
        const text = textOf(system);
        const hash = hashOf(system);
        assert.equal(hash, texts.get(text) ?? hash, "one state has two hashes");
        assert.equal(hashes.add(hash), !texts.has(text), "two states have one hash");
        if (texts.has(text)) continue;
        texts.set(text, hash);
        if (open.length < STATES)
          open.push(...eventsOf(system, { scenario, rules: SOUND }).map(({ next }) => next));
      }
      assert.ok(open.length >= STATES && texts.size < open.length);
      assert.equal(hashes.size, texts.size);
    });
});

/** Without what decides nothing: the order of messages, and disks that are read no more. */
function textOf(system: System): string {
  const isDiskRead = mayUseDisk(system);
  return JSON.stringify({
    ...system,
    network: [...system.network.keys()].toSorted(),
    nodes: system.nodes.map((node) => (isDiskRead ? node : { ...node, synced: null })),
  });
}
