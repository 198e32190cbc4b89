/** The reports on kinds of providers: their widths, and what somebody who configures one looks for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { printedKinds } from "../control/provider-kinds.ts";
import { kindDetails, kindTable } from "./kind-report.ts";

const kinds = printedKinds();

test("the table has a line for each kind and is at most 100 columns wide", () => {
  const lines = kindTable(kinds);
  assert.equal(lines.length, kinds.length + 1);
  assert.match(lines[0] ?? "", /^KIND +PROVIDER +DOORS +TOOLS +THINK +CACHE +IMAGES +DOCS +JSON$/);
  for (const line of lines) assert.ok(line.length <= 100, line);
});

test("the details name settings, credentials, doors and names of models", () => {
  const bedrock = kinds.find(({ kind }) => kind === "bedrock");
  assert.ok(bedrock !== undefined);
  const text = kindDetails(bedrock).join("\n");
  assert.match(text, /settings +region\n/);
  assert.match(text, /AWS Signature Version 4 for bedrock; authorization: Bearer/);
  assert.match(text, /\nconverse +bedrock-converse +all +\/model\/\{model\}\/converse\n/);
  assert.match(text, /\nglobal\.anthropic\.claude-sonnet-5-5 +claude-sonnet-5-5\n/);
});

test("optional settings, doors by name alone and missing lists are told in words", () => {
  const texts = new Map(kinds.map((kind) => [kind.kind, kindDetails(kind).join("\n")]));
  assert.match(texts.get("azure-openai") ?? "", /may set +api_version, location\n/);
  assert.match(texts.get("azure-openai") ?? "", /deployment +openai-chat +where the file names/);
  assert.match(texts.get("custom") ?? "", /base URL +the file names it: base_url\n/);
  assert.match(texts.get("ollama") ?? "", /keys +not needed\n[^]*prices +none are listed\n/);
});
