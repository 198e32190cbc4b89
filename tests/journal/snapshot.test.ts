import assert from "node:assert/strict";
import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { segmentPath } from "../../src/journal/layout.ts";
import { loadSnapshot, saveSnapshot, snapshotPath } from "../../src/journal/snapshot.ts";
import type { Snapshot } from "../../src/journal/snapshot.ts";
import { cancel, freshDirectory, openTest } from "./records.ts";

async function saved(
  context: TestContext,
): Promise<{ dataDir: string; directory: string; snapshot: Snapshot }> {
  const dataDir = freshDirectory(context);
  const { journal, directory, position } = await openTest(dataDir);
  await journal.intent(cancel("1"));
  const place = position();
  assert.ok(place !== null);
  // Keys that look like numbers come back in another order: the hash may not depend on it.
  const snapshot = { position: place, state: { b: "é", "2": [1n.toString()], "1": null } };
  await saveSnapshot(dataDir, snapshot);
  await journal.intent(cancel("2"));
  await journal.close();
  return { dataDir, directory, snapshot };
}

test("a snapshot comes back as it was, with its position", async (context) => {
  const { dataDir, directory, snapshot } = await saved(context);
  assert.deepEqual(loadSnapshot(dataDir, directory), { snapshot });
  assert.equal(statSync(snapshotPath(dataDir)).mode & 0o777, 0o600);
  const { journal, recovered } = await openTest(dataDir, { from: snapshot.position });
  assert.equal(recovered.lines, 1);
  await journal.close();
});

test("without a snapshot there is nothing to say", (context) => {
  const dataDir = freshDirectory(context);
  assert.deepEqual(loadSnapshot(dataDir, dataDir), { snapshot: null, reason: null });
});

test("a snapshot that was changed or cut anywhere is not used, with a reason", async (context) => {
  const { dataDir, directory } = await saved(context);
  const path = snapshotPath(dataDir);
  const bytes = readFileSync(path);
  for (let at = 0; at < bytes.length; at++) {
    writeFileSync(path, bytes.subarray(0, at));
    const cut = loadSnapshot(dataDir, directory);
    const flipped = Buffer.from(bytes);
    flipped[at] = bytes[at]! ^ 1;
    writeFileSync(path, flipped);
    for (const loaded of [cut, loadSnapshot(dataDir, directory)]) {
      assert.ok(loaded.snapshot === null && loaded.reason?.includes("is damaged"), `byte ${at}`);
    }
  }
});

test("a snapshot of lines that are not in the journal is not used", async (context) => {
  const { dataDir, directory, snapshot } = await saved(context);
  const other = { ...snapshot, position: { ...snapshot.position, prevHash: "0".repeat(64) } };
  await saveSnapshot(dataDir, other);
  const loaded = loadSnapshot(dataDir, directory);
  assert.ok(loaded.snapshot === null && loaded.reason?.includes("not the one that was there"));
  await saveSnapshot(dataDir, snapshot);
  truncateSync(segmentPath(directory, 1), snapshot.position.offset - 1);
  const short = loadSnapshot(dataDir, directory);
  assert.ok(short.snapshot === null && short.reason?.includes("ends at byte"));
  await saveSnapshot(dataDir, { ...snapshot, position: { ...snapshot.position, segment: 9 } });
  const gone = loadSnapshot(dataDir, directory);
  assert.ok(gone.snapshot === null && gone.reason?.includes("does not exist"));
});
