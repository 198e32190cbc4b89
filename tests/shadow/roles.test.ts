import assert from "node:assert/strict";
import { test } from "node:test";
import { meterDefinitions } from "../../src/policy/plan.ts";
import { configOf } from "../config/loading.ts";

const budgets = [{ usd: "100", per: "month" }];
const rolesOf = (document: object) =>
  Object.fromEntries(
    meterDefinitions(configOf(JSON.stringify(document))).map(({ scope, shadow }) => [
      `${scope.type}/${scope.id}`,
      shadow ?? null,
    ]),
  );

test("a scope in shadow takes along all below it; those above are enforced, with books of their own", () => {
  const document = {
    customers: [
      { id: "acme", budgets },
      { id: "other", budgets },
    ],
    teams: [
      { id: "new", customer: "acme", mode: "observe", budgets },
      { id: "old", customer: "acme", budgets },
    ],
    owners: [{ id: "ada", team: "new", mode: "enforce", budgets }],
    virtual_keys: [
      { id: "in", team: "new", owner: "ada", budgets },
      { id: "alone", team: "old", mode: "observe", budgets },
      { id: "out", team: "old", budgets },
    ],
  };
  assert.deepEqual(rolesOf(document), {
    "customer/acme": "above",
    "customer/other": null,
    "team/new": "own",
    "team/old": "above",
    "owner/ada": "own",
    "virtual_key/in": "own",
    "virtual_key/alone": "own",
    "virtual_key/out": null,
  });
  const all = Object.values(rolesOf({ ...document, mode: "observe" }));
  assert.ok(all.every((role) => role === "own"));
});
