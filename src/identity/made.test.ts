/** Entities made through the API: folded by kind, and the same after a snapshot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AdminChangeRecord } from "../journal/record.ts";
import { MadeEntities } from "./made.ts";

function change(
  action: AdminChangeRecord["action"],
  entity: string,
  fields: { readonly id: string },
): AdminChangeRecord {
  const said = { time: "2026-11-23T10:00:00.000Z", actor: "token", before: null };
  return { type: "admin_change", action, entity, id: fields.id, after: { fields }, ...said };
}

test("kinds are kept apart; changes replace, deletions remove, all else is left alone", () => {
  const made = new MadeEntities();
  made.apply(change("create", "team", { id: "a" }));
  made.apply(change("create", "customer", { id: "a" }));
  made.apply(change("update", "team", { id: "a", name: "A" } as { id: string }));
  made.apply(change("rotate", "virtual_key", { id: "a" }));
  made.apply(change("create", "a later version's", { id: "a" }));
  assert.deepEqual([...made.of("team").values()], [{ id: "a", name: "A" }]);
  assert.deepEqual([...made.of("virtual_key").keys()], []);
  made.apply(change("delete", "team", { id: "a" }));
  assert.deepEqual([...made.of("team").keys()], []);
  assert.deepEqual([...made.of("customer").keys()], ["a"]);
});

test("a snapshot brings them back in the order in which they were made", () => {
  const made = new MadeEntities();
  for (const id of ["b", "a", "c"]) made.apply(change("create", "owner", { id }));
  const restored = MadeEntities.restore(JSON.parse(JSON.stringify(made.snapshot())));
  assert.deepEqual([...restored.of("owner").keys()], ["b", "a", "c"]);
  assert.deepEqual(restored.snapshot(), made.snapshot());
});
