/** Who keeps an entity from being removed, in words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../config/load.ts";
import { dependentsOf } from "./dependents.ts";

const KEYS = Array.from({ length: 7 }, (_, index) => `{ id: k${index}, team: t }`).join(", ");
const FILE = `
providers: [{ id: p, kind: rehearsal }, { id: q, kind: rehearsal }, { id: r, kind: rehearsal }]
customers: [{ id: c }, { id: d }]
teams: [{ id: t, customer: c }, { id: u, customer: c, access: { providers: { deny: [r, "q*"] } } }]
owners: [{ id: o, team: t }]
virtual_keys: [${KEYS}, { id: last, team: t, owner: o, providers: [{ id: p }] }]
`;
const loaded = loadConfig({
  file: "tollgate.yaml",
  environment: {},
  knownKinds: ["rehearsal"],
  readFile: () => FILE,
});
assert.ok(loaded.ok);
const { config } = loaded;

test("each kind is kept by those that refer to it; owners need not be listed", () => {
  assert.equal(dependentsOf(config, "customer", "c"), "teams t, u");
  assert.equal(
    dependentsOf(config, "team", "t"),
    "owner o; virtual keys k0, k1, k2, k3, k4 and 3 more",
  );
  assert.equal(dependentsOf(config, "provider", "p"), "virtual key last");
  assert.equal(dependentsOf(config, "provider", "r"), "team u");
  for (const [kind, id] of [
    ["customer", "d"],
    ["team", "u"],
    ["provider", "q"],
    ["owner", "o"],
    ["virtual_key", "last"],
  ] as const)
    assert.equal(dependentsOf(config, kind, id), null, id);
});
