/** Names, doors and addresses: the file first, then the catalogue, then the name as it is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { rowOf } from "./catalogue.ts";
import {
  baseUrlOf,
  doorFor,
  doorHeaders,
  hasRegionalPremium,
  pathOf,
  upstreamModel,
} from "./models.ts";
import type { ProviderRow } from "./row.ts";

function row(kind: string): ProviderRow {
  const found = rowOf(kind);
  assert.ok(found !== null, kind);
  return found;
}

const NAMES = [
  ["bedrock", "claude-sonnet-5-5", "global.anthropic.claude-sonnet-5-5"],
  ["bedrock", "claude-opus-5-5[1m]", "global.anthropic.claude-opus-5-5"],
  ["bedrock", "claude-haiku-4-5-20251001", "global.anthropic.claude-haiku-4-5-20251001-v1:0"],
  ["bedrock", "eu.anthropic.claude-opus-4-8", "eu.anthropic.claude-opus-4-8"],
  ["vertex", "claude-haiku-4-5-20251001[1m]", "claude-haiku-4-5@20251001"],
  ["azure-foundry", "claude-haiku-4-5-20251001", "claude-haiku-4-5"],
  ["openrouter", "claude-opus-5-5", "anthropic/claude-opus-5.5"],
  ["databricks", "claude-opus-4-7", "databricks-claude-opus-4-7"],
  ["fireworks", "kimi-k2.7-code", "accounts/fireworks/models/kimi-k2p7-code"],
  // Anthropic is asked for what the client wrote, byte for byte.
  ["anthropic", "claude-opus-5-5[1m]", "claude-opus-5-5[1m]"],
  ["claude-platform-aws", "claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001"],
  ["rehearsal", "claude-opus-5-5[1m]", "claude-opus-5-5[1m]"],
  ["anthropic", "house-model", "house-model"],
  ["anthropic", "gpt-6-sol", null],
  ["anthropic", "openai/gpt-oss-120b", null],
  ["openai", "claude-opus-5-5", null],
  ["openai", "gpt-oss-120b", null],
  ["openai", "gpt-7-nova", "gpt-7-nova"],
  ["deepseek", "claude-sonnet-5-5[1m]", null],
  ["groq", "claude-sonnet-5-5", null],
  ["groq", "llama-5", "llama-5"],
  ["ollama", "claude-sonnet-5-5[1m]", "claude-sonnet-5-5"],
  ["custom", "gpt-6-sol", "gpt-6-sol"],
  ["vertex", "gemini-3.8-flash", "gemini-3.8-flash"],
  ["vertex", "gpt-6-sol", null],
] as const;

for (const [kind, asked, id] of NAMES) {
  test(`${kind} is asked for ${asked} as ${id ?? "nothing"}`, () => {
    assert.equal(upstreamModel(row(kind), [], asked), id);
  });
}

test("the file's mapping comes first: an exact name before a glob, whatever their order", () => {
  const map = [
    { from: "claude-*", to: "gpt-6-sol" },
    { from: "claude-haiku-*", to: "never reached" },
    { from: "claude-haiku-4-5", to: "gpt-6-luna" },
  ];
  const ask = (model: string) => upstreamModel(row("openai"), map, model);
  assert.equal(ask("claude-opus-5-5"), "gpt-6-sol");
  assert.equal(ask("claude-haiku-5-5"), "gpt-6-sol");
  assert.equal(ask("claude-haiku-4-5"), "gpt-6-luna");
  assert.equal(ask("claude-haiku-4-5-20251001[1m]"), "gpt-6-luna");
  assert.equal(ask("gemini-2.5-pro"), null);
});

const DOORS = [
  ["bedrock", null, "global.anthropic.claude-opus-5-5", "messages"],
  ["bedrock", null, "eu.anthropic.claude-haiku-4-5-20251001-v1:0", "invoke"],
  ["bedrock", null, "amazon.nova-pro-v1:0", "converse"],
  ["bedrock", "converse", "global.anthropic.claude-opus-5-5", "converse"],
  ["bedrock", "invoke", "us.anthropic.claude-opus-5-5", "invoke"],
  ["bedrock", "invoke", "amazon.nova-pro-v1:0", null],
  ["vertex", null, "claude-opus-5-5", "anthropic"],
  ["vertex", null, "gemini-2.5-pro", "gemini"],
  ["vertex", null, "llama-4", null],
  ["openai", null, "gpt-6-sol", "responses"],
  ["openai", "chat", "gpt-6-sol", "chat"],
  ["openai", "chatt", "gpt-6-sol", null],
  ["azure-openai", null, "my-deployment", "responses"],
  ["azure-openai", "deployment", "my-deployment", "deployment"],
  ["databricks", null, "databricks-claude-opus-4-7", "messages"],
  ["databricks", null, "databricks-gpt-oss-120b", "chat"],
] as const;

for (const [kind, door, model, id] of DOORS) {
  test(`${model} goes through ${id ?? "no door"} of ${kind}${door === null ? "" : ` as ${door} is asked for`}`, () => {
    assert.equal(doorFor(row(kind), door, model)?.id ?? null, id);
  });
}

const BASES = [
  ["bedrock", null, { region: "eu-west-1" }, "https://bedrock-runtime.eu-west-1.amazonaws.com"],
  ["bedrock", null, {}, null],
  ["bedrock", "http://localhost:9", {}, "http://localhost:9"],
  ["vertex", null, { location: "global" }, "https://aiplatform.googleapis.com"],
  ["vertex", null, { location: "eu" }, "https://aiplatform.eu.rep.googleapis.com"],
  ["vertex", null, { location: "us-east5" }, "https://us-east5-aiplatform.googleapis.com"],
  ["custom", null, {}, null],
  ["azure-foundry", null, { resource: "a@b" }, "https://a%40b.services.ai.azure.com/anthropic"],
] as const;

for (const [kind, override, settings, url] of BASES) {
  test(`${kind} with ${JSON.stringify({ override, ...settings })} is at ${url ?? "no address"}`, () => {
    assert.equal(baseUrlOf(row(kind), override, settings), url);
  });
}

test("a path holds model and settings percent-encoded, whatever characters they have", () => {
  const arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-5-5";
  const converse = doorFor(row("bedrock"), "converse", arn)?.paths.stream ?? "";
  assert.equal(
    pathOf(converse, {}, arn),
    "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.anthropic.claude-opus-5-5" +
      "/converse-stream",
  );
  const gemini = doorFor(row("gemini"), null, "gemini-2.5-pro")?.paths.stream ?? "";
  assert.equal(
    pathOf(gemini, {}, "../x?y"),
    "/v1beta/models/..%2Fx%3Fy:streamGenerateContent?alt=sse",
  );
  assert.equal(pathOf("/{project}/{model}", {}, "m"), null);
  assert.equal(pathOf("/{model}", {}, "$&{project}"), "/%24%26%7Bproject%7D");
});

test("a header's settings are filled in as they are, and a missing one is told", () => {
  const door = doorFor(row("claude-platform-aws"), null, "claude-opus-5-5");
  assert.ok(door !== null);
  const headers = doorHeaders(door, { workspace: "wrkspc_1" });
  assert.deepEqual(headers, { "anthropic-workspace-id": "wrkspc_1" });
  assert.equal(doorHeaders(door, {}), null);
});

test("regional prices apply outside the global location, where the kind has any", () => {
  assert.equal(hasRegionalPremium(row("vertex"), { location: "us-east5" }), true);
  assert.equal(hasRegionalPremium(row("vertex"), { location: "global" }), false);
  assert.equal(hasRegionalPremium(row("azure-foundry"), {}), false);
  assert.equal(hasRegionalPremium(row("anthropic"), { location: "us" }), false);
});
