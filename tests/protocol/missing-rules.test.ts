/** What each rule of the lease protocol is for: without it, money comes to harm in the fewest events. */
import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import { explore, type Counterexample } from "./explore.ts";
import { HARMS } from "./invariants.ts";
import { SOUND } from "./rules.ts";
import { MUTATIONS, type Mutation } from "./mutations.ts";

const TIMEOUT_MS = 240_000;
/** Set to anything, every counterexample is printed event by event. */
const SHOWS_EVENTS = process.env["PROTOCOL_COUNTEREXAMPLES"] !== undefined;

describe("without one of its rules, the lease protocol of two nodes", () => {
  for (const mutation of MUTATIONS)
    test(`${mutation.harm}: ${mutation.instead}`, { timeout: TIMEOUT_MS }, (t) => {
      show(t, harmedBy(mutation));
    });
});

test("every rule and every harm has its counterexample", () => {
  const rules = new Set<string>(MUTATIONS.map(({ without }) => without));
  const harms = new Set(MUTATIONS.map(({ harm }) => harm));
  assert.deepEqual([...rules].toSorted(), Object.keys(SOUND).toSorted());
  assert.deepEqual([...harms].toSorted(), HARMS.toSorted());
});

test("a counterexample is the shortest way to the harm", () => {
  const mutation = MUTATIONS.find(({ without }) => without === "seesLoweredCaps");
  assert.ok(mutation !== undefined);
  assert.deepEqual(harmedBy(mutation).events, [
    "A asks for 1",
    "the cap of window 0 is lowered to 0",
    "A's lease (epoch 1, step 1) arrives",
  ]);
});

function harmedBy({ scenario, without, harm }: Mutation): Counterexample {
  const rules = { ...SOUND, [without]: false };
  const { states, counterexample } = explore({ scenario, rules }, { lookedFor: new Set([harm]) });
  assert.ok(counterexample !== null, `no harm in ${states} states`);
  return counterexample;
}

function show(t: TestContext, { events }: Counterexample): void {
  t.diagnostic(`after ${events.length} events`);
  if (!SHOWS_EVENTS) return;
  for (const [index, event] of events.entries())
    t.diagnostic(`${String(index + 1).padStart(3)}. ${event}`);
}
