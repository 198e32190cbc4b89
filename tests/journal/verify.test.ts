import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { listSegments, segmentPath } from "../../src/journal/layout.ts";
import { verifyDirectory } from "../../src/journal/verify.ts";
import type { VerifyReport } from "../../src/journal/verify.ts";
import { seededRandom } from "./random.ts";
import { cancel, freshDirectory, openTest } from "./records.ts";

/** A cleanly closed journal of `requests` lines in segments of some four. */
async function closed(
  context: TestContext,
  requests: number,
): Promise<{ dataDir: string; directory: string }> {
  const dataDir = freshDirectory(context);
  const { journal, directory } = await openTest(dataDir, { segmentBytes: 600 });
  for (let index = 1; index <= requests; index++) await journal.intent(cancel(`${index}`));
  await journal.close();
  return { dataDir, directory };
}

function problemsOf(report: VerifyReport): string[] {
  return report.nodes.flatMap((node) => node.problems.map((problem) => problem.what));
}

test("one changed bit anywhere in the lines or the head is found", async (context) => {
  const { dataDir, directory } = await closed(context, 6);
  assert.equal(verifyDirectory(dataDir).ok, true);
  const random = seededRandom(7);
  const files = [
    ...listSegments(directory).map((segment) => segmentPath(directory, segment)),
    join(directory, "head"),
  ];
  for (const file of files) {
    const bytes = readFileSync(file);
    // The newline behind the head's JSON says nothing.
    const length = file.endsWith("head") ? bytes.length - 1 : bytes.length;
    for (let at = 0; at < length; at++) {
      const flipped = Buffer.from(bytes);
      const bit = 1 << Math.floor(random() * 8);
      flipped[at] = bytes[at]! ^ bit;
      writeFileSync(file, flipped);
      const report = verifyDirectory(dataDir);
      assert.equal(report.ok, false, `${file}, byte ${at}, bit ${bit}`);
    }
    writeFileSync(file, bytes);
  }
  assert.equal(verifyDirectory(dataDir).ok, true);
});

test("a changed line is told once, with file, line, byte, and both hashes", async (context) => {
  const { dataDir, directory } = await closed(context, 9);
  const file = segmentPath(directory, 1);
  const lines = readFileSync(file, "utf8").split("\n");
  const changed = (lines[1] ?? "").replace("cancel", "cancer");
  writeFileSync(file, lines.with(1, changed).join("\n"));
  const [node] = verifyDirectory(dataDir).nodes;
  assert.equal(node?.problemCount, 1);
  const problem = node?.problems[0];
  const next = JSON.parse(lines[2] ?? "") as { prev: string };
  assert.deepEqual(
    [problem?.file, problem?.line, problem?.offset, problem?.found],
    [file, 3, Buffer.byteLength(`${lines[0]}\n${lines[1]}\n`), next.prev],
  );
  assert.match(problem?.expected ?? "", /^[0-9a-f]{64}$/);
  assert.deepEqual([node?.lines, node?.firstSeq, node?.lastSeq], [9, 1, 9]);
});

test("a removed line, a removed segment, a removed end and a removed head are found", async (context) => {
  const { dataDir, directory } = await closed(context, 12);
  const second = segmentPath(directory, 2);
  const last = segmentPath(directory, listSegments(directory).at(-1) ?? 0);
  const cases: [string, () => void, string][] = [
    [
      second,
      () =>
        writeFileSync(second, readFileSync(second, "utf8").split("\n").toSpliced(1, 1).join("\n")),
      "seq is not the next number",
    ],
    [second, () => rmSync(second), "a segment is missing"],
    [
      last,
      () =>
        writeFileSync(last, readFileSync(last, "utf8").split("\n").slice(0, -2).join("\n") + "\n"),
      "the journal ends before its head",
    ],
    [join(directory, "head"), () => rmSync(join(directory, "head")), "the head cannot be read"],
    [
      segmentPath(directory, 1),
      () => rmSync(segmentPath(directory, 1)),
      "the first line is neither seq 1 nor named by a retired record",
    ],
  ];
  for (const [file, damage, what] of cases) {
    const before = readFileSync(file);
    damage();
    assert.ok(problemsOf(verifyDirectory(dataDir)).includes(what), what);
    writeFileSync(file, before);
  }
  assert.equal(verifyDirectory(dataDir).ok, true);
});

test("a torn line behind the head is named and not wrong; the same inside the journal is wrong", async (context) => {
  const { dataDir, directory } = await closed(context, 9);
  const segments = listSegments(directory);
  const last = segmentPath(directory, segments.at(-1) ?? 0);
  const before = readFileSync(last);
  appendFileSync(last, '{"seq":10,"pr');
  const report = verifyDirectory(dataDir);
  assert.equal(report.ok, true);
  assert.match(
    report.nodes[0]?.notes[0] ?? "",
    new RegExp(`${last}, line \\d+, byte ${before.length}: torn line`),
  );
  appendFileSync(segmentPath(directory, 1), "x");
  assert.ok(problemsOf(verifyDirectory(dataDir)).includes("a torn line inside the journal"));
});

test("a directory without a journal is a failure", (context) => {
  const dataDir = freshDirectory(context);
  assert.deepEqual(
    [verifyDirectory(dataDir).ok, verifyDirectory(dataDir).fault],
    [false, `${dataDir}/journal holds no journal`],
  );
  mkdirSync(join(dataDir, "journal", "nEmpty001"), { recursive: true });
  assert.equal(verifyDirectory(dataDir).ok, false);
});

test("of very many problems all are counted and the first hundred told", async (context) => {
  const { dataDir, directory } = await closed(context, 120);
  for (const segment of listSegments(directory)) {
    const file = segmentPath(directory, segment);
    writeFileSync(file, readFileSync(file, "utf8").replaceAll("cancel", "cancer"));
  }
  const [node] = verifyDirectory(dataDir).nodes;
  assert.equal(node?.problems.length, 100);
  assert.equal(node?.problemCount, 120);
});
