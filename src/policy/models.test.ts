/** Which models a scope's patterns name. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { modelMatcher } from "./models.ts";

const ROWS = [
  [["claude-*"], "claude-opus-5-5", true],
  [["claude-*"], "claude-", true],
  [["claude-*"], "gpt-5", false],
  [["claude-*"], "not-claude-opus", false],
  [["claude-opus-5-?"], "claude-opus-5-5", true],
  [["claude-opus-5-?"], "claude-opus-5-55", false],
  [["claude-opus-5-5"], "claude-opus-5-5", true],
  [["claude-opus-5-5"], "Claude-opus-5-5", false],
  [["claude.opus"], "claudexopus", false],
  [["a+b(c)$^|"], "a+b(c)$^|", true],
  [["claude-opus-5-5"], "claude-opus-5-5[1m]", true],
  [["claude-opus-5-5[1m]"], "claude-opus-5-5[1m]", true],
  [["claude-opus-5-5[1m]"], "claude-opus-5-5", false],
  [["*-haiku-*", "*-sonnet-*"], "claude-sonnet-5", true],
  [["*"], "any\nthing", true],
  [[], "claude-opus-5-5", false],
] as const;

for (const [patterns, model, named] of ROWS)
  test(`${patterns.join(", ")} ${named ? "names" : "does not name"} ${JSON.stringify(model)}`, () => {
    const matches = modelMatcher(patterns);
    assert.equal(matches(model), named);
    assert.equal(matches(model), named, "and again");
  });
