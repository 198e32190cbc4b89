import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { verifyDirectory } from "../../src/journal/verify.ts";
import { faultyFiles } from "./faulty-files.ts";
import type { FaultyFiles, Operation } from "./faulty-files.ts";
import { seededRandom } from "./random.ts";
import { cancel, freshDirectory, nextTurn, openTest, requestsIn, until } from "./records.ts";
import type { TestJournal } from "./records.ts";

const RUNS = 24;
const STEPS = 60;
const SEED = 31_337;
const OPERATIONS: readonly Operation[] = [
  "open",
  "write",
  "truncate",
  "sync",
  "rename",
  "syncDirectory",
];

interface Told {
  readonly written: string[];
  readonly refused: string[];
  readonly outcomes: string[];
  readonly pending: Promise<void>[];
}

test("whatever fails when: what was told written is there once, what was told refused is not, no outcome is lost", async (context) => {
  const runs = Array.from({ length: RUNS }, async (_, run) => {
    const durability = run % 2 === 0 ? "os" : "disk";
    const dataDir = freshDirectory(context);
    const disk = faultyFiles();
    const opened = await openTest(dataDir, { durability, files: disk.layer, segmentBytes: 2000 });
    const told: Told = { written: [], refused: [], outcomes: [], pending: [] };
    const random = seededRandom(SEED + run);
    for (let step = 0; step < STEPS; step++) await randomStep(opened, { disk, told, random, step });
    for (const operation of OPERATIONS) disk.heal(operation);
    disk.room = Number.POSITIVE_INFINITY;
    await until(() => opened.journal.unavailable() === null && opened.position() !== null);
    await Promise.all(told.pending);
    await opened.journal.close();

    const found = requestsIn(opened.directory);
    assert.deepEqual(
      found.toSorted(),
      [...told.written, ...told.outcomes].toSorted(),
      `run ${run}`,
    );
    const isOutcome = new Set(told.outcomes);
    assert.deepEqual(
      found.filter((request) => isOutcome.has(request)),
      told.outcomes,
      `run ${run}`,
    );
    assert.deepEqual(verifyDirectory(dataDir).nodes[0]?.problems, [], `run ${run}`);
    return told;
  });
  const all = await Promise.all(runs);
  const count = (kind: "written" | "refused" | "outcomes"): number =>
    all.reduce((sum, told) => sum + told[kind].length, 0);
  assert.ok(count("written") > RUNS && count("refused") > RUNS && count("outcomes") > RUNS);
});

async function randomStep(
  { journal }: TestJournal,
  step: { disk: FaultyFiles; told: Told; random: () => number; step: number },
): Promise<void> {
  const { disk, told, random } = step;
  const pick = random();
  const operation = OPERATIONS[Math.floor(random() * OPERATIONS.length)] ?? "write";
  if (pick < 0.12) disk.fail(operation, random() < 0.5 ? "EIO" : "ENOSPC", /./);
  else if (pick < 0.2) disk.heal(operation);
  else if (pick < 0.25) disk.room = Math.floor(random() * 3000);
  else if (pick < 0.3) disk.room = Number.POSITIVE_INFINITY;
  else if (pick < 0.34) await sleep(random() * 600);
  else if (pick < 0.6) await nextTurn();
  else if (pick < 0.8) {
    const request = `intent ${step.step}`;
    const intent = journal.intent(cancel(request)).then(
      () => void told.written.push(request),
      () => void told.refused.push(request),
    );
    told.pending.push(intent);
  } else {
    told.outcomes.push(`outcome ${step.step}`);
    journal.outcome(cancel(`outcome ${step.step}`));
  }
}
