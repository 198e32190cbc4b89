/** Many entities are made all or none, also where the journal fails in their midst. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../config/load.ts";
import { JournalUnavailable } from "../journal/journal.ts";
import type { JournalRecord } from "../journal/record.ts";
import { EntityDesk } from "./entity-desk.ts";
import type { OpenNode } from "./open-node.ts";
import type { Configuration } from "./reload.ts";
import { applyToState, emptyState, restoreState, saveState } from "./state.ts";

const FILE = "customers: [{ id: c }]\nteams: [{ id: t, customer: c }]\n";

/** A desk over a journal in memory, which fails from its `failsAt`-th record that is awaited on. */
function deskOf(failsAt = Infinity) {
  const state = emptyState();
  const records: JournalRecord[] = [];
  let asked = 0;
  const journal: Pick<OpenNode["journal"], "intent" | "outcome"> = {
    intent: async (record) => {
      if (asked++ >= failsAt) throw new JournalUnavailable("full");
      records.push(record);
    },
    outcome: (record) => void records.push(record),
  };
  const read: Configuration["read"] = (added) =>
    loadConfig({
      file: "tollgate.yaml",
      environment: {},
      knownKinds: ["rehearsal"],
      readFile: () => FILE,
      added,
    });
  const loaded = read({});
  assert.ok(loaded.ok);
  const configuration = { read, reload: async () => [], inForce: { config: loaded.config } };
  const desk = new EntityDesk({
    node: { state, journal } as unknown as OpenNode,
    configuration: configuration as unknown as Configuration,
    nowMs: () => 0,
  });
  return { desk, state, records };
}

const teams = (...ids: string[]) => ids.map((id) => ({ fields: { id, customer: "c" } }));

test("a journal that fails in the midst of a list leaves nothing of it, live and folded", async () => {
  const { desk, state, records } = deskOf(2);
  await assert.rejects(
    desk.create("team", teams("a", "b", "d"), { actor: "token" }),
    JournalUnavailable,
  );
  assert.deepEqual([...state.made.of("team").keys()], []);
  const folded = emptyState();
  for (const record of records) applyToState(folded, record);
  assert.deepEqual(saveState(folded), saveState(state));
  assert.equal(records.length, 4);
});

test("all problems of a list are told, and nothing of it is made", async () => {
  const { desk, records } = deskOf();
  const list = [...teams("a", "t", "a"), { fields: "text" }];
  const problems = await desk.create("team", list, { actor: "token" });
  assert.deepEqual(
    problems.map(({ index, status }) => [index, status]),
    [
      [1, 409],
      [2, 409],
      [3, 400],
    ],
  );
  const dangling = [...teams("a"), { fields: { id: "b", customer: "x", more: 1 } }];
  const faults = await desk.create("team", dangling, { actor: "token" });
  assert.deepEqual(
    faults.map(({ index, field }) => [index, field]),
    [
      [1, "customer"],
      [1, "more"],
    ],
  );
  assert.deepEqual(records, []);
});

test("records tell actor, before and after; the state comes back from fold and snapshot", async () => {
  const { desk, state, records } = deskOf();
  assert.deepEqual(await desk.create("team", teams("a"), { actor: "token" }), []);
  assert.equal(await desk.update("team", { id: "a", patch: { name: "A" } }, "local"), null);
  const [, update] = records;
  assert.deepEqual(update, {
    time: "1970-01-01T00:00:00.000Z",
    type: "admin_change",
    actor: "local",
    action: "update",
    entity: "team",
    id: "a",
    before: { fields: { id: "a", customer: "c" } },
    after: { fields: { id: "a", customer: "c", name: "A" } },
  });
  const saved: unknown = JSON.parse(JSON.stringify(saveState(state)));
  const restored = restoreState(saved) ?? assert.fail();
  assert.deepEqual([...restored.made.of("team")], [...state.made.of("team")]);
  assert.equal(await desk.remove("team", "a", "token"), null);
  assert.deepEqual([...state.made.of("team").keys()], []);
});
