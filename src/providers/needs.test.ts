/** What an entry of each sort must say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { providerKinds } from "./catalogue.ts";
import { needsOf } from "./needs.ts";

const PLAIN = { hasBaseUrl: false, door: null };

const CASES = [
  ["anthropic", PLAIN, [], true, ["secret"]],
  ["rehearsal", PLAIN, [], false, []],
  ["ollama", PLAIN, [], false, ["secret"]],
  ["bedrock", PLAIN, ["region"], true, ["aws", "secret"]],
  ["bedrock", { ...PLAIN, hasBaseUrl: true }, [], true, ["aws", "secret"]],
  ["claude-platform-aws", PLAIN, ["region", "workspace"], true, ["aws", "secret"]],
  ["vertex", PLAIN, ["location", "project"], true, ["google"]],
  ["vertex", { ...PLAIN, hasBaseUrl: true }, ["project", "location"], true, ["google"]],
  ["azure-openai", PLAIN, ["resource"], true, ["secret", "azure"]],
  [
    "azure-openai",
    { hasBaseUrl: false, door: "deployment" },
    ["resource", "api_version"],
    true,
    ["secret", "azure"],
  ],
] as const;

for (const [kind, entry, settings, keys, credentials] of CASES) {
  test(`${kind} with ${JSON.stringify(entry)} needs ${settings.join(", ") || "no setting"}`, () => {
    const needs = needsOf(kind, entry);
    assert.deepEqual(needs?.settings, settings);
    assert.equal(needs.keys, keys);
    assert.deepEqual(needs.credentials, credentials);
  });
}

test("only a custom provider has no address of its own; what is needed is known", () => {
  for (const kind of providerKinds()) {
    const needs = needsOf(kind, PLAIN);
    assert.ok(needs !== null);
    assert.equal(needs.baseUrl, kind === "custom", kind);
    assert.ok(needs.doors.length > 0);
    for (const name of needs.settings) assert.ok(needs.knownSettings.includes(name), name);
  }
  assert.equal(needsOf("anthropc", PLAIN), null);
});
