import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { nodeFiles } from "../../src/journal/file-layer.ts";
import { JournalUnavailable } from "../../src/journal/journal.ts";
import { listSegments, nodeName } from "../../src/journal/layout.ts";
import { verifyDirectory } from "../../src/journal/verify.ts";
import { faultyFiles } from "./faulty-files.ts";
import {
  cancel,
  freshDirectory,
  linesIn,
  NODE,
  nextTurn,
  openTest,
  recordsIn,
  requestsIn,
  stillClock,
  TIME,
  until,
} from "./records.ts";

test("records of one turn are one write, in the order in which they came", async (context) => {
  const dataDir = freshDirectory(context);
  const { layer, calls } = faultyFiles();
  const { journal, directory, position } = await openTest(dataDir, { files: layer });
  calls.length = 0;
  let turns = 0;
  journal.onWritten(() => turns++);
  const first = journal.intent(cancel("a"));
  journal.outcome(cancel("b"));
  const third = journal.intent(cancel("c"));
  assert.deepEqual([linesIn(directory).length, journal.writtenSeq(), position()], [0, 0, null]);
  await Promise.all([first, third]);
  assert.deepEqual(requestsIn(directory), ["a", "b", "c"]);
  assert.deepEqual([turns, journal.writtenSeq(), calls.length], [1, 3, 1]);
  assert.match(calls[0] ?? "", /^write 00000001\.ndjson /);
  assert.equal(position()?.seq, 3);
  assert.equal(journal.writtenHash(), position()?.prevHash);
  await journal.close();
  assert.equal(verifyDirectory(dataDir).ok, true);
});

test("an intent resolves only when its line is in the file", async (context) => {
  const dataDir = freshDirectory(context);
  for (const durability of ["os", "disk"] as const) {
    const { layer, calls } = faultyFiles();
    const { journal, directory } = await openTest(dataDir, { durability, files: layer });
    calls.length = 0;
    await journal.intent(cancel(durability));
    assert.equal(requestsIn(directory).at(-1), durability);
    const expected = durability === "os" ? 0 : 1;
    assert.equal(calls.filter((call) => call.startsWith("sync 0")).length, expected);
    await journal.close();
  }
});

test("records that come while a sync runs share the next one", async (context) => {
  const dataDir = freshDirectory(context);
  const { layer, calls } = faultyFiles();
  const { journal, directory } = await openTest(dataDir, { durability: "disk", files: layer });
  calls.length = 0;
  const first = journal.intent(cancel("0"));
  await nextTurn();
  const rest = Array.from({ length: 50 }, (_, index) => journal.intent(cancel(`${index + 1}`)));
  await Promise.all([first, ...rest]);
  assert.equal(calls.filter((call) => call.startsWith("sync 0")).length, 2);
  assert.deepEqual(
    requestsIn(directory),
    Array.from({ length: 51 }, (_, index) => `${index}`),
  );
  await journal.close();
});

test("under disk the journal shows a line to its readers only once it is on disk", async (context) => {
  const dataDir = freshDirectory(context);
  const { journal } = await openTest(dataDir, { durability: "disk" });
  let seen = -1;
  journal.onWritten(() => {
    seen = journal.writtenSeq();
  });
  const done = journal.intent(cancel("a"));
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  assert.deepEqual([journal.writtenSeq(), seen], [0, -1]);
  await done;
  assert.deepEqual([journal.writtenSeq(), seen], [1, 1]);
  await journal.close();
});

test("a segment ends between two batches; the next one says the format first", async (context) => {
  const dataDir = freshDirectory(context);
  const { layer, calls } = faultyFiles();
  const { journal, directory, faults } = await openTest(dataDir, {
    segmentBytes: 600,
    files: layer,
  });
  for (let index = 0; index < 20; index++) await journal.intent(cancel(`${index}`));
  const written = journal.writtenSeq();
  await journal.close();
  assert.deepEqual([written, faults], [20, []]);
  const segments = listSegments(directory);
  assert.ok(segments.length >= 4, `${segments.length} segments`);
  const withFormat = linesIn(directory).filter((line) => line.startsWith('{"format":1,'));
  assert.equal(withFormat.length, segments.length);
  // The end of each segment is on disk before the next one has a line.
  for (const segment of segments.slice(1)) {
    const start = calls.findIndex((call) => call.startsWith(`write 0000000${segment}.`));
    assert.equal(calls[start - 1], `sync 0000000${segment - 1}.ndjson`);
  }
  assert.deepEqual(
    requestsIn(directory),
    Array.from({ length: 20 }, (_, index) => `${index}`),
  );
  assert.equal(verifyDirectory(dataDir).ok, true);
});

test("the head follows by itself, and only names what was synced", async (context) => {
  const dataDir = freshDirectory(context);
  const { layer, calls } = faultyFiles();
  const { journal, directory } = await openTest(dataDir, { files: layer });
  const head = (): Record<string, unknown> =>
    JSON.parse(readFileSync(join(directory, "head"), "utf8")) as Record<string, unknown>;
  assert.equal(head()["seq"], 0);
  await journal.intent(cancel("a"));
  calls.length = 0;
  await until(() => head()["seq"] === 1);
  assert.deepEqual(head(), { seq: 1, hash: journal.writtenHash(), segment: 1, time: TIME });
  assert.equal(calls[0], "sync 00000001.ndjson");
  await journal.close();
  assert.equal(head()["clean"], true);
});

test("a closed journal refuses intents and tells of outcomes", async (context) => {
  const dataDir = freshDirectory(context);
  const { journal, faults, directory } = await openTest(dataDir);
  journal.outcome(cancel("a"));
  await journal.close();
  await journal.close();
  await assert.rejects(journal.intent(cancel("b")), JournalUnavailable);
  journal.outcome(cancel("c"));
  assert.match(faults[0]?.message ?? "", /after the journal was closed/);
  assert.deepEqual(requestsIn(directory), ["a"]);
});

test("numbers and chain go on over a restart", async (context) => {
  const dataDir = freshDirectory(context);
  for (let run = 1; run <= 3; run++) {
    const { journal, directory, recovered } = await openTest(dataDir);
    assert.equal(recovered.end.seq, run - 1);
    await journal.intent(cancel(`${run}`));
    await journal.close();
    assert.deepEqual(
      recordsIn(directory).map((record) => record.seq),
      [1, 2, 3].slice(0, run),
    );
  }
  const report = verifyDirectory(dataDir);
  assert.deepEqual(
    [report.ok, report.nodes[0]?.lastSeq, report.nodes[0]?.head?.clean],
    [true, 3, true],
  );
});

test("everything is readable by its owner alone", async (context) => {
  const dataDir = join(freshDirectory(context), "data");
  const node = await nodeName(dataDir, nodeFiles);
  const { journal, directory } = await openTest(dataDir, { node });
  await journal.intent(cancel("a"));
  await journal.close();
  const mode = (path: string): number => statSync(path).mode & 0o777;
  for (const path of [dataDir, join(dataDir, "journal"), directory])
    assert.equal(mode(path), 0o700);
  for (const name of ["00000001.ndjson", "head", "boot", "reserve"]) {
    assert.equal(mode(join(directory, name)), 0o600, name);
  }
  assert.equal(mode(join(dataDir, "node")), 0o600);
});

test("a node keeps its name", async (context) => {
  const dataDir = freshDirectory(context);
  const name = await nodeName(dataDir, nodeFiles);
  assert.match(name, /^n[0-9A-Za-z]{8}$/);
  assert.equal(await nodeName(dataDir, nodeFiles), name);
  assert.notEqual(await nodeName(freshDirectory(context), nodeFiles), name);
});

test("lag is how long the oldest record has waited", async (context) => {
  let nowMs = 0;
  const clock = { ...stillClock, monotonicMs: () => nowMs };
  const { journal } = await openTest(freshDirectory(context), { clock, node: NODE });
  assert.equal(journal.lagMs(), 0);
  journal.outcome(cancel("a"));
  nowMs = 30;
  journal.outcome(cancel("b"));
  assert.equal(journal.lagMs(), 30);
  await nextTurn();
  assert.equal(journal.lagMs(), 0);
  await journal.close();
});
