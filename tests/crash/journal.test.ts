/** The journal alone, its process gone at any one operation as by SIGKILL, while segments, heads and snapshots follow each other. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { loadSnapshot, saveSnapshot } from "../../src/journal/snapshot.ts";
import { verifyDirectory } from "../../src/journal/verify.ts";
import { unsyncedFiles } from "../journal/faulty-files.ts";
import {
  cancel,
  NODE,
  openTest,
  requestsIn,
  TIME_MS,
  type TestJournal,
} from "../journal/records.ts";
import { journalDirectory } from "../../src/journal/layout.ts";
import { MortalFiles, type Death } from "./mortal-files.ts";

/** A few lines a segment. */
const SEGMENT_BYTES = 900;
const RESERVE_BYTES = 64;
const TURNS = 5;
/** What retention would remove, were it not for the reader's place. */
const ALL_OLD_MS = TIME_MS + 1;

type Durability = "os" | "disk";

/** What a process has been told before it died. */
interface Told {
  /** Intents that were acknowledged. */
  readonly written: string[];
  /** All that were given to the journal. */
  readonly given: Set<string>;
}

/** A fold of the journal: the requests that it names, in order. */
interface Fold {
  readonly requests: string[];
}

/** Opens, replays from the snapshot, and says what was found. */
async function openFold(
  dataDir: string,
  options: Parameters<typeof openTest>[1],
): Promise<{ readonly opened: TestJournal; readonly fold: Fold }> {
  const { snapshot } = loadSnapshot(dataDir, journalDirectory(dataDir, NODE));
  const fold: Fold = { requests: snapshot === null ? [] : [...(snapshot.state as string[])] };
  const opened = await openTest(dataDir, {
    segmentBytes: SEGMENT_BYTES,
    reserveBytes: RESERVE_BYTES,
    bootId: "boot-1",
    from: snapshot?.position ?? null,
    visit: (record) => {
      if ("request" in record) fold.requests.push(record.request);
    },
    ...options,
  });
  return { opened, fold };
}

/** All that a journal does in its life: intents and outcomes side by side, heads, snapshots, retention, a stop. */
async function live(
  dataDir: string,
  name: string,
  { files, durability, told }: { files: MortalFiles; durability: Durability; told: Told },
): Promise<void> {
  const { opened, fold } = await openFold(dataDir, { files: files.layer, durability });
  const { journal } = opened;
  for (let turn = 0; turn < TURNS; turn++) {
    const intent = async (request: string): Promise<void> => {
      told.given.add(request);
      await journal.intent(cancel(request));
      told.written.push(request);
    };
    const outcome = `${name} outcome ${turn}`;
    told.given.add(outcome);
    const intents = [intent(`${name} a ${turn}`), intent(`${name} b ${turn}`)];
    journal.outcome(cancel(outcome));
    await Promise.all(intents);
    fold.requests.push(`${name} a ${turn}`, `${name} b ${turn}`, outcome);
    if (turn % 2 === 1) await opened.sync();
    const position = opened.position();
    if (turn % 3 !== 2 || position === null) continue;
    await opened.sync();
    await saveSnapshot(dataDir, { position, state: fold.requests }, files.layer);
    await opened.retire(ALL_OLD_MS, position);
  }
  await journal.close();
}

interface Lives {
  readonly durability: Durability;
  /** How the first life ends; null: by a clean stop. */
  readonly first: Death | null;
}

/** Lives once, and dies in the next life at the given operation. */
async function dieAt(
  dataDir: string,
  death: Death | null,
  { durability, first }: Lives,
): Promise<{ readonly told: Told; readonly files: MortalFiles }> {
  const told: Told = { written: [], given: new Set() };
  await liveAndDie(dataDir, "first", { files: new MortalFiles(first), durability, told });
  const files = new MortalFiles(death);
  await liveAndDie(dataDir, "second", { files, durability, told });
  return { told, files };
}

/** The death of its files leaves a life that fails, or waits for ever. */
async function liveAndDie(...life: Parameters<typeof live>): Promise<void> {
  const [, , { files }] = life;
  await Promise.race([live(...life).catch(() => undefined), files.died]);
}

function assertSound(dataDir: string, told: Told, requests: readonly string[]): void {
  assert.equal(new Set(requests).size, requests.length, "a record is there twice");
  const found = new Set(requests);
  assert.deepEqual(
    told.written.filter((request) => !found.has(request)),
    [],
    "what was acknowledged is there",
  );
  assert.ok(requests.every((request) => told.given.has(request)));
  assert.deepEqual(verifyDirectory(dataDir).nodes[0]?.problems, []);
}

/**
 * Every moment that differs: before each operation, after which the process was told nothing more; within
 * each write; and after the last.
 */
function deathsIn(calls: readonly string[]): Death[] {
  return calls.flatMap((call, index): Death[] => {
    const operation = index + 1;
    const isLast = operation === calls.length;
    return [
      { operation, moment: "before" },
      ...(call.startsWith("write") ? [{ operation, moment: "torn" } as const] : []),
      ...(isLast ? [{ operation, moment: "after" } as const] : []),
    ];
  });
}

/** In the first life's last line. */
async function tornLine(durability: Durability): Promise<Death> {
  return inFolder(async (dataDir) => {
    const files = new MortalFiles(null);
    const told: Told = { written: [], given: new Set() };
    await live(dataDir, "first", { files, durability, told });
    const index = files.calls.findLastIndex((call) => /^write \d+\.ndjson$/.test(call));
    return { operation: index + 1, moment: "torn" };
  });
}

async function dieEverywhere(t: TestContext, lives: Lives): Promise<void> {
  const { files } = await inFolder((dataDir) => dieAt(dataDir, null, lives));
  const { calls } = files;
  const deaths = deathsIn(calls);
  for (const death of deaths) {
    await inFolder(async (dataDir) => {
      const { told } = await dieAt(dataDir, death, lives);
      const name = `${death.moment} ${death.operation}, ${calls[death.operation - 1]}`;
      await survives(dataDir, told).catch((cause: unknown) => {
        throw new Error(name, { cause });
      });
    });
  }
  t.diagnostic(`kills: ${deaths.length}, operations: ${calls.length}`);
  const openings = new Set(calls.filter((call) => /^open \d+\.ndjson$/.test(call)));
  assert.ok(openings.size > 2, "segments follow each other");
  assert.ok(calls.some((call) => call.startsWith("unlink")));
}

describe("a journal whose process dies at any operation: what was acknowledged is there once", () => {
  test("os, after a clean stop", (t) => dieEverywhere(t, { durability: "os", first: null }));

  test("os, after a torn line", async (t) =>
    dieEverywhere(t, { durability: "os", first: await tornLine("os") }));

  test("disk, after a torn line", async (t) =>
    dieEverywhere(t, { durability: "disk", first: await tornLine("disk") }));
});

/** The next process goes on where the dead one stopped; the one after it finds all of both. */
async function survives(dataDir: string, told: Told): Promise<void> {
  const problems = verifyDirectory(dataDir).nodes[0]?.problems;
  assert.deepEqual(problems, [], "before the start");
  const next = await openFold(dataDir, { files: unsyncedFiles });
  assertSound(dataDir, told, next.fold.requests);
  await next.opened.journal.intent(cancel("next"));
  told.given.add("next");
  told.written.push("next");
  await next.opened.journal.close();
  const last = await openFold(dataDir, { files: unsyncedFiles });
  assertSound(dataDir, told, last.fold.requests);
  const kept = requestsIn(last.opened.directory);
  assert.deepEqual(last.fold.requests.slice(-kept.length), kept);
  await last.opened.journal.close();
}

async function inFolder<Result>(work: (dataDir: string) => Promise<Result>): Promise<Result> {
  const dataDir = mkdtempSync(join(tmpdir(), "tollgate-crash-journal-"));
  try {
    return await work(dataDir);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}
