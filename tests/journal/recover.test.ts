import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { JournalCorrupt } from "../../src/journal/corrupt.ts";
import { journalDirectory, listSegments, segmentPath } from "../../src/journal/layout.ts";
import { readJournal } from "../../src/journal/read.ts";
import type { Position } from "../../src/journal/position.ts";
import { verifyDirectory } from "../../src/journal/verify.ts";
import { unsyncedFiles } from "./faulty-files.ts";
import {
  cancel,
  freshDirectory,
  linesIn,
  NODE,
  openTest,
  recordsIn,
  requestsIn,
  TIME_MS,
} from "./records.ts";

interface Killed {
  readonly dataDir: string;
  readonly directory: string;
}

/** What a killed process leaves: `requests` in segments of some four lines, the head still at its start. */
async function killed(context: TestContext, requests: number, segmentBytes = 600): Promise<Killed> {
  const live = freshDirectory(context);
  const opened = await openTest(live, { segmentBytes, bootId: "boot-1" });
  for (let index = 1; index <= requests; index++) await opened.journal.intent(cancel(`${index}`));
  const dataDir = freshDirectory(context);
  cpSync(live, dataDir, { recursive: true });
  await opened.journal.close();
  return { dataDir, directory: journalDirectory(dataDir, NODE) };
}

function copyOf(context: TestContext, killedDir: Killed): Killed {
  const dataDir = freshDirectory(context);
  cpSync(killedDir.dataDir, dataDir, { recursive: true });
  return { dataDir, directory: journalDirectory(dataDir, NODE) };
}

test("cut at any byte of its last lines, a journal opens with every whole line, and says what it cut", async (context) => {
  const whole = await killed(context, 3, 1 << 20);
  const path = segmentPath(whole.directory, 1);
  const text = readFileSync(path);
  const lines = linesIn(whole.directory);
  const second = Buffer.byteLength(`${lines[0]}\n`);
  for (let length = second; length <= text.length; length++) {
    rmSync(whole.dataDir, { recursive: true });
    mkdirSync(whole.directory, { recursive: true });
    writeFileSync(path, text.subarray(0, length));
    writeFileSync(join(whole.directory, "head"), headOf(lines, 1));
    const kept = text.subarray(0, length).toString("latin1").split("\n").length - 1;
    const tornBytes = length - (text.subarray(0, length).lastIndexOf(10) + 1);

    const { journal, recovered } = await openTest(whole.dataDir, {
      files: unsyncedFiles,
      reserveBytes: 16,
    });
    await journal.intent(cancel("next"));
    await journal.close();
    assert.deepEqual([recovered.end.seq, recovered.torn?.bytes ?? 0], [kept, tornBytes]);
    const records = recordsIn(whole.directory);
    const gap = tornBytes === 0 ? [] : ["torn_line"];
    assert.deepEqual(
      records.slice(kept).map((record) => (record.type === "gap" ? record.reason : record.type)),
      [...gap, "cancel"],
    );
    const report = verifyDirectory(whole.dataDir);
    assert.deepEqual([report.ok, report.nodes[0]?.lines], [true, kept + gap.length + 1]);
  }
});

function headOf(lines: readonly string[], seq: number): string {
  const next = JSON.parse(lines[seq] ?? "") as { prev: string };
  return JSON.stringify({ seq, hash: next.prev, segment: 1, time: "2026-11-03T10:00:00.000Z" });
}

test("a first line that was cut leaves its segment to begin anew", async (context) => {
  const { dataDir, directory } = await killed(context, 5);
  const last = listSegments(directory).length;
  for (const length of [0, 1, 50]) {
    const path = segmentPath(directory, last);
    truncateSync(path, length);
    const { journal, recovered } = await openTest(dataDir);
    assert.equal(recovered.end.segment, last);
    assert.equal(recovered.torn?.bytes ?? 0, length);
    await journal.close();
    assert.match(length === 0 ? '{"format":1' : (linesIn(directory).at(-1) ?? ""), /^\{"format":1/);
    assert.equal(verifyDirectory(dataDir).ok, true);
    writeFileSync(path, "");
    writeFileSync(
      join(directory, "head"),
      `{"seq":0,"hash":"${"0".repeat(64)}","segment":1,"time":null}`,
    );
  }
});

test("a last line that does not fit the chain is cut like a torn one", async (context) => {
  const { dataDir, directory } = await killed(context, 3, 1 << 20);
  const path = segmentPath(directory, 1);
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace('"seq":3', '"seq":4'));
  const { journal, recovered } = await openTest(dataDir);
  await journal.close();
  assert.equal(recovered.end.seq, 2);
  assert.match(recovered.torn?.what ?? "", /seq is not the next number: expected 3, found 4/);
});

test("a changed byte inside is an error that names file, line and byte; nothing is touched", async (context) => {
  const { dataDir, directory } = await killed(context, 12);
  const path = segmentPath(directory, 2);
  const lines = readFileSync(path, "utf8").split("\n");
  const changed = lines.with(1, (lines[1] ?? "").replace("cancel", "cancer")).join("\n");
  writeFileSync(path, changed);
  const offset = lines[0]!.length + lines[1]!.length + 2 + 2;
  await assert.rejects(openTest(dataDir), (error) => {
    assert.ok(error instanceof JournalCorrupt);
    assert.deepEqual([error.file, error.line, error.offset], [path, 3, offset]);
    assert.match(error.message, /prev is not the hash of the line before.*What to do: /);
    return true;
  });
  assert.equal(readFileSync(path, "utf8"), changed);
});

test("a missing segment is an error that names it", async (context) => {
  const { dataDir, directory } = await killed(context, 12);
  rmSync(segmentPath(directory, 2));
  await assert.rejects(
    openTest(dataDir),
    /00000002\.ndjson, line 0, byte 0: the segment is missing/,
  );
});

test("an end before the head is an error; without the head it opens and records that", async (context) => {
  const dataDir = freshDirectory(context);
  const opened = await openTest(dataDir);
  for (let index = 1; index <= 3; index++) await opened.journal.intent(cancel(`${index}`));
  await opened.journal.close();
  const path = segmentPath(opened.directory, 1);
  truncateSync(path, linesIn(opened.directory)[0]!.length + 1 + 1);
  await assert.rejects(
    openTest(dataDir),
    /ends with seq 1, but seq 3 was on disk once.*lines 2 to 3/,
  );
  rmSync(join(opened.directory, "head"));
  const { journal, recovered } = await openTest(dataDir);
  await journal.close();
  assert.match(recovered.headLost ?? "", /head is missing/);
  assert.equal(recordsIn(opened.directory).at(-1)?.type, "gap");
  assert.equal(verifyDirectory(dataDir).ok, true);
});

test("a last line other than the head's is an error", async (context) => {
  const dataDir = freshDirectory(context);
  const opened = await openTest(dataDir);
  await opened.journal.intent(cancel("1"));
  await opened.journal.close();
  const path = segmentPath(opened.directory, 1);
  writeFileSync(path, readFileSync(path, "utf8").replace("cancel", "cancer"));
  await assert.rejects(openTest(dataDir), /but the head names/);
});

const BOOTS = [
  // first boot, second boot, how the first process ended → power lost
  ["boot-1", "boot-1", "killed", false],
  ["boot-1", "boot-2", "killed", true],
  ["boot-1", "boot-2", "closed", false],
  [null, "boot-2", "killed", false],
  ["boot-1", null, "killed", false],
] as const;
for (const [first, second, end, powerLost] of BOOTS) {
  test(`boot ${first}, then ${second}, process ${end}: power ${powerLost ? "lost" : "not lost"}`, async (context) => {
    const live = freshDirectory(context);
    const opened = await openTest(live, { bootId: first });
    await opened.journal.intent(cancel("1"));
    if (end === "closed") await opened.journal.close();
    const dataDir = freshDirectory(context);
    cpSync(live, dataDir, { recursive: true });
    const again = await openTest(dataDir, { bootId: second });
    await again.journal.close();
    assert.equal(again.recovered.powerLost, powerLost);
    const gaps = recordsIn(again.directory).filter((record) => record.type === "gap");
    assert.deepEqual(
      gaps.map((gap) => gap.reason),
      powerLost ? ["power_loss"] : [],
    );
    const third = await openTest(dataDir, { bootId: second });
    await third.journal.close();
    assert.equal(third.recovered.powerLost, false);
    if (end === "killed") await opened.journal.close();
  });
}

test("only after a loss of power several lines behind the head may be cut", async (context) => {
  const whole = await killed(context, 6, 1 << 20);
  const path = segmentPath(whole.directory, 1);
  const bytes = readFileSync(path);
  const offset = bytes.indexOf(10, bytes.indexOf(10) + 1) + 1;
  writeFileSync(path, bytes.fill(0, offset + 20, offset + 40));
  await assert.rejects(
    openTest(copyOf(context, whole).dataDir, { bootId: "boot-1" }),
    JournalCorrupt,
  );
  const { journal, recovered, directory } = await openTest(whole.dataDir, { bootId: "boot-2" });
  await journal.close();
  assert.equal(recovered.end.seq, 2);
  assert.deepEqual(
    recordsIn(directory)
      .slice(2)
      .map((record) => record.type === "gap" && record.reason),
    ["power_loss", "torn_line"],
  );
  assert.equal(verifyDirectory(whole.dataDir).ok, true);
});

test("recovery gives each record once, in order, from the start or from any position", async (context) => {
  const { dataDir, directory } = await killed(context, 12);
  const positions: Position[] = [];
  readJournal(directory, null, (_record, position) => positions.push(position));
  assert.deepEqual(
    positions.map((position) => position.seq),
    Array.from({ length: 12 }, (_, index) => index + 1),
  );
  for (const from of [null, ...positions]) {
    const copy = copyOf(context, { dataDir, directory });
    const seen: string[] = [];
    const opened = await openTest(copy.dataDir, {
      from,
      visit: (record) => void ("request" in record && seen.push(record.request)),
    });
    assert.deepEqual(seen, requestsIn(directory).slice(from?.seq ?? 0));
    assert.equal(opened.recovered.lines, seen.length);
    await opened.journal.close();
  }
  const wrong = { ...positions[5]!, prevHash: "0".repeat(64) };
  await assert.rejects(openTest(dataDir, { from: wrong }), /remove the snapshot/);
});

test("time at start is the latest of all lines, whatever says it", async (context) => {
  const dataDir = freshDirectory(context);
  const later = "2026-11-04T10:00:00.000Z";
  const opened = await openTest(dataDir);
  assert.equal(opened.recovered.lastTimeMs, null);
  await opened.journal.intent(cancel("1", later));
  await opened.journal.intent(cancel("2"));
  const end = opened.position();
  await opened.journal.close();
  for (const from of [null, end]) {
    const { journal, recovered } = await openTest(dataDir, { from });
    await journal.close();
    assert.equal(recovered.lastTimeMs, Date.parse(later));
  }
  rmSync(join(opened.directory, "head"));
  const { journal, recovered } = await openTest(dataDir, { from: end });
  await journal.close();
  assert.equal(recovered.lastTimeMs, Date.parse(later));
  // The gap that tells of the lost head is not older than the lines before it.
  assert.equal(recordsIn(opened.directory).at(-1)?.time, later);
  assert.ok(TIME_MS < Date.parse(later));
});

test("a reader beside a live writer stops before an unfinished line and goes on from there", async (context) => {
  const { directory } = await killed(context, 9);
  const last = segmentPath(directory, listSegments(directory).at(-1) ?? 0);
  const whole = readFileSync(last);
  const seen: number[] = [];
  let from: Position | null = null;
  for (let length = 0; length <= whole.length; length += 37) {
    writeFileSync(last, whole.subarray(0, length));
    from = readJournal(directory, from, (record) => seen.push(record.seq)).position;
  }
  writeFileSync(last, whole);
  readJournal(directory, from, (record) => seen.push(record.seq), { untilSeq: 8 });
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7, 8]);
});
