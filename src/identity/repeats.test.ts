/** Calls that were carried out are known by their key's digest: whole, for a day, and not without bound. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AdminChangeRecord, RepeatMark } from "../journal/record.ts";
import { Repeats } from "./repeats.ts";

const HOUR_MS = 3_600_000;

function change(id: string, idempotency: RepeatMark, timeMs = 0): AdminChangeRecord {
  const time = new Date(timeMs).toISOString();
  const said = { actor: "token", entity: "team", before: null, after: { fields: {} } };
  return { type: "admin_change", action: "create", time, id, idempotency, ...said };
}

const mark = (key: string, number = 1, of = 1): RepeatMark => ({
  key,
  request: `body of ${key}`,
  ...(of === 1 ? {} : { part: { number, of } }),
});

test("a call is known for 24 hours, through a snapshot too", () => {
  const repeats = new Repeats();
  repeats.apply(change("a", mark("k"), HOUR_MS));
  const restored = Repeats.restore(JSON.parse(JSON.stringify(repeats.snapshot())));
  for (const each of [repeats, restored]) {
    assert.deepEqual(each.find("k", 25 * HOUR_MS - 1), { request: "body of k", ids: ["a"] });
    assert.equal(each.find("k", 25 * HOUR_MS), null);
    assert.equal(each.find("other", HOUR_MS), null);
  }
});

test("a list that was written in part is not done; written again, it is", () => {
  const repeats = new Repeats();
  repeats.apply(change("a", mark("k", 1, 3)));
  repeats.apply(change("b", mark("k", 2, 3)));
  assert.equal(repeats.find("k", 0), null);
  for (const number of [1, 2, 3]) repeats.apply(change(`n${number}`, mark("k", number, 3)));
  assert.deepEqual(repeats.find("k", 0)?.ids, ["n1", "n2", "n3"]);
  repeats.apply(change("b", mark("late", 2, 3)));
  repeats.apply(change("c", mark("late", 3, 3)));
  assert.equal(repeats.find("late", 0), null);
});

test("the oldest are forgotten beyond 20,000 changes, whole calls at a time", () => {
  const repeats = new Repeats();
  for (let call = 0; call < 30; call++)
    for (let number = 1; number <= 1000; number++)
      repeats.apply(change(`${call}-${number}`, mark(`k${call}`, number, 1000)));
  const known = Array.from({ length: 30 }, (_, call) => repeats.find(`k${call}`, 0) !== null);
  assert.deepEqual(known.indexOf(true), 10);
  assert.ok(known.slice(10).every(Boolean));
  assert.equal((repeats.snapshot() as unknown[]).length, 20);
});
