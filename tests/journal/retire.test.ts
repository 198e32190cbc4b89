import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { journalDirectory, listSegments } from "../../src/journal/layout.ts";
import { readJournal } from "../../src/journal/read.ts";
import { verifyDirectory } from "../../src/journal/verify.ts";
import { nodeFiles } from "../../src/journal/file-layer.ts";
import { cancel, freshDirectory, NODE, openTest, TIME_MS } from "./records.ts";
import type { TestJournal } from "./records.ts";

const DAY_MS = 86_400_000;
const SEGMENT_BYTES = 600;

/** One line a day, some four lines a segment. */
async function days(dataDir: string, count: number, files = nodeFiles): Promise<TestJournal> {
  const opened = await openTest(dataDir, { segmentBytes: SEGMENT_BYTES, files });
  for (let day = 0; day < count; day++) {
    const time = new Date(TIME_MS + day * DAY_MS).toISOString();
    await opened.journal.intent(cancel(`${day}`, time));
  }
  return opened;
}

function end(opened: TestJournal): NonNullable<ReturnType<TestJournal["position"]>> {
  const position = opened.position();
  assert.ok(position !== null);
  return position;
}

test("segments whose lines are all too old go, and the journal still verifies and opens", async (context) => {
  const dataDir = freshDirectory(context);
  const opened = await days(dataDir, 20);
  const before = listSegments(opened.directory);
  const cutMs = TIME_MS + 10 * DAY_MS;
  const removed = await opened.retire(cutMs, end(opened));
  assert.ok(removed > 0);
  // The retired records themselves may have begun a segment.
  assert.deepEqual(
    listSegments(opened.directory).slice(0, before.length - removed),
    before.slice(removed),
  );
  const times: number[] = [];
  readJournal(opened.directory, null, (record) => times.push(Date.parse(record.time)));
  assert.ok(times.includes(cutMs), "nothing that is to be kept went");
  assert.ok((times[0] ?? 0) < cutMs && (times[0] ?? 0) > TIME_MS);
  await opened.journal.close();
  assert.deepEqual(verifyDirectory(dataDir).nodes[0]?.problems, []);
  const again = await openTest(dataDir, { segmentBytes: SEGMENT_BYTES });
  assert.equal(await again.retire(cutMs, end(again)), 0);
  await again.journal.close();
  assert.equal(verifyDirectory(dataDir).ok, true);
});

test("nothing goes that a reader still needs, nor the open segment", async (context) => {
  const dataDir = freshDirectory(context);
  const opened = await days(dataDir, 20);
  const segments = listSegments(opened.directory).length;
  const never = TIME_MS + 1000 * DAY_MS;
  assert.equal(await opened.retire(never, { ...end(opened), segment: 1 }), 0);
  assert.equal(await opened.retire(never, { ...end(opened), segment: 3 }), 2);
  assert.ok((await opened.retire(never, end(opened))) >= segments - 3);
  const kept = listSegments(opened.directory);
  assert.equal(kept.at(-1), end(opened).segment);
  assert.ok((kept[0] ?? 0) >= segments);
  await opened.journal.close();
  assert.deepEqual(verifyDirectory(dataDir).nodes[0]?.problems, []);
});

async function copyAtEachRemoval(context: TestContext): Promise<string[]> {
  const dataDir = freshDirectory(context);
  const copies: string[] = [];
  const copy = (): void => {
    const directory = freshDirectory(context);
    cpSync(dataDir, directory, { recursive: true });
    copies.push(directory);
  };
  const files = {
    ...nodeFiles,
    unlink: (path: string) => {
      copy();
      nodeFiles.unlink(path);
      copy();
    },
  };
  const opened = await days(dataDir, 20, files);
  await opened.retire(TIME_MS + 18 * DAY_MS, end(opened));
  await opened.journal.close();
  return copies;
}

test("whenever the process dies in between, what is left verifies and opens", async (context) => {
  const copies = await copyAtEachRemoval(context);
  assert.ok(copies.length >= 6);
  for (const dataDir of copies) {
    assert.deepEqual(verifyDirectory(dataDir).nodes[0]?.problems, []);
    const { journal } = await openTest(dataDir, { segmentBytes: SEGMENT_BYTES });
    await journal.close();
    assert.equal(verifyDirectory(dataDir).ok, true);
    assert.ok(listSegments(journalDirectory(dataDir, NODE)).length > 0);
  }
});
