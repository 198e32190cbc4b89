/** The lease protocol in every order of events that two nodes can have, and in many that three can. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { explore } from "./explore.ts";
import { HARMS } from "./invariants.ts";
import { Lookout } from "./landmarks.ts";
import { walk } from "./random-walk.ts";
import { SOUND, type Rules } from "./rules.ts";
import { EXPLORED, LARGE } from "./scenarios.ts";

const TIMEOUT_MS = 240_000;
const SEED = 20_261_123;
const WALKS = 1500;
const WALKS_WITHOUT_A_RULE = 300;
const EVENTS_MAX = 200;

const lookedFor = new Set(HARMS);
/** fast-check prefers short arrays otherwise, and a short walk comes nowhere. */
const choices = fc.array(fc.nat({ max: 2 ** 24 }), { maxLength: EVENTS_MAX, size: "max" });

describe("the lease protocol of two nodes does no harm", () => {
  for (const { scenario, statesMin, unseen } of EXPLORED)
    test(scenario.name, { timeout: TIMEOUT_MS }, (t) => {
      const lookout = new Lookout(scenario);
      const { states, depth, counterexample } = explore(
        { scenario, rules: SOUND },
        { lookedFor, notice: (happened) => lookout.notice(happened) },
      );
      t.diagnostic(`${states} states, up to ${depth} events`);
      assert.equal(counterexample, null);
      assert.deepEqual(lookout.unseen(), unseen.toSorted());
      assert.ok(states >= statesMin, `only ${states} states`);
    });
});

describe(`${LARGE.name}, seed ${SEED}`, () => {
  test("no walk does harm", { timeout: TIMEOUT_MS }, (t) => {
    const lookout = new Lookout(LARGE);
    let events = 0;
    const notice = lookout.notice.bind(lookout);
    fc.assert(
      fc.property(choices, (way) => {
        events += way.length;
        assert.equal(walk({ scenario: LARGE, rules: SOUND }, way, { lookedFor, notice }), null);
      }),
      { seed: SEED, numRuns: WALKS },
    );
    t.diagnostic(`${WALKS} walks of ${events} events`);
    assert.deepEqual(lookout.unseen(), []);
  });

  test("walks notice most rules that are left out", { timeout: TIMEOUT_MS }, (t) => {
    const names = Object.keys(SOUND);
    const unnoticed = names.filter((rule) => !isNoticed({ ...SOUND, [rule]: false }));
    t.diagnostic(`unnoticed in ${WALKS_WITHOUT_A_RULE} walks: ${unnoticed.join(", ")}`);
    assert.ok(unnoticed.length < names.length / 4);
  });
});

function isNoticed(rules: Rules): boolean {
  const doesNoHarm = fc.property(
    choices,
    (way) => walk({ scenario: LARGE, rules }, way, { lookedFor }) === null,
  );
  return fc.check(doesNoHarm, { seed: SEED, numRuns: WALKS_WITHOUT_A_RULE, endOnFailure: true })
    .failed;
}
