/** The page of runaways has every detector with every threshold, its default and its meaning. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DETECTOR_NAMES,
  RUNAWAY_ACTIONS,
  RUNAWAY_LIMITS,
  type RunawayLimit,
} from "../../src/config/runaway-limits.ts";
import { filesOf } from "./sources.ts";

const [page] = filesOf("docs/govern/runaway.md");
const text = page?.text ?? "";

test("every detector has its section and the rows of its thresholds, and there is no other", () => {
  const sections = text.split("\n### ").slice(1);
  const written = sections.map((section) => ({
    name: /^`(\w+)`/.exec(section)?.[1],
    rows: [...section.matchAll(/^\| `(\w+)` \| (\d+) \| (.+) \|$/gm)].map(([row]) => row),
    passes: section.includes("\nPasses: "),
  }));
  const real = DETECTOR_NAMES.map((name) => {
    const limits: Readonly<Record<string, RunawayLimit>> = RUNAWAY_LIMITS[name];
    const rows = Object.entries(limits).map(
      ([key, limit]) => `| \`${key}\` | ${limit.default} | ${limit.meaning} |`,
    );
    return { name, rows, passes: true };
  });
  assert.deepEqual(written, real);
});

test("every action has its row", () => {
  const rows = [...text.matchAll(/^\| `(\w+)` \| [^|]+ \|$/gm)].map(([, name]) => name);
  assert.deepEqual(rows, [...RUNAWAY_ACTIONS]);
});
