/** The page of metrics names every metric with its kind and labels, and no other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_USAGE } from "../../src/core/usage.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { filesOf } from "./sources.ts";

const PAGE = "docs/observe.md";
const ROW = /^\| `(tollgate_\w+)` \| (\w+) \| (?:`([^`]*)`)? ?\|/gm;
const MENTION = /`(tollgate_\w+)/g;
const TYPE = /^# TYPE (tollgate_\w+) (\w+)$/gm;
/** Says where in a histogram a sample belongs: no label of ours. */
const BUCKET_LABEL = "le";

interface Described {
  readonly name: string;
  readonly kind: string;
  readonly labels: readonly string[];
}

/** The exposition of metrics that have all been moved once, so that each shows its labels. */
async function exposition(): Promise<string> {
  const budget = {
    scope: { type: "team", id: "a" },
    per: "day",
    timeZone: "UTC",
    startMs: 0,
  } as const;
  const metrics = createMetrics({
    budgets: () => [{ ...budget, limit: 1n, settled: 0n, held: 0n }],
    journalLagMs: () => 0,
    queueWaiting: () => new Map([["a", 1]]),
  });
  metrics.requestEnds({
    customer: "a",
    team: "a",
    virtualKey: "a",
    provider: "a",
    model: "a",
    taskType: "main",
    outcome: "ok",
    code: null,
    costNano: 1n,
    usage: { ...NO_USAGE, input_tokens: 1 },
    overheadSeconds: 0,
    firstByteSeconds: 0,
    requestSeconds: 0,
  });
  metrics.attemptEnds("a", "ok");
  metrics.holdOverrun("a");
  metrics.queueWaitEnds(0);
  metrics.runawayFound("tool_loop", "warn");
  metrics.invariantBreached("a");
  return metrics.metricsText();
}

function labelsOf(name: string, text: string): readonly string[] {
  const sample = new RegExp(`^${name}(?:_bucket)?\\{([^}]*)\\}`, "m").exec(text)?.[1] ?? "";
  const names = [...sample.matchAll(/(\w+)="/g)].map(([, label = ""]) => label);
  return names.filter((label) => label !== BUCKET_LABEL);
}

function byName(all: readonly Described[]): readonly Described[] {
  return all.toSorted((left, right) => left.name.localeCompare(right.name));
}

test("the table has every metric, with its kind and labels, and no other", async () => {
  const text = await exposition();
  const real = [...text.matchAll(TYPE)].map(([, name = "", kind = ""]) => ({
    name,
    kind,
    labels: labelsOf(name, text),
  }));
  const [page] = filesOf(PAGE);
  const written = [...(page?.text ?? "").matchAll(ROW)].map(
    ([, name = "", kind = "", labels = ""]) => ({
      name,
      kind,
      labels: labels === "" ? [] : labels.split(", "),
    }),
  );
  assert.ok(real.length > 0);
  assert.deepEqual(byName(written), byName(real));
});

test("no page speaks of a metric that does not exist", async () => {
  const known = new Set([...(await exposition()).matchAll(TYPE)].map(([, name]) => name));
  const faults = filesOf("README.md", "docs/*.md", "docs/reference/*.md").flatMap((page) =>
    [...page.text.matchAll(MENTION)]
      .filter(([, name]) => !known.has(name))
      .map(([, name]) => `${page.path} ${name}`),
  );
  assert.deepEqual(faults, []);
});
