import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { JournalUnavailable } from "../../src/journal/journal.ts";
import { listSegments } from "../../src/journal/layout.ts";
import { verifyDirectory } from "../../src/journal/verify.ts";
import { faultyFiles } from "./faulty-files.ts";
import {
  cancel,
  freshDirectory,
  nextTurn,
  openTest,
  recordsIn,
  refuse,
  requestsIn,
  until,
} from "./records.ts";

const RESERVE_BYTES = 8192;
const SEGMENT = /\.ndjson$/;

function outcomeOf(promise: Promise<void>): Promise<string> {
  return promise.then(
    () => "written",
    (error: unknown) => (error instanceof JournalUnavailable ? "refused" : String(error)),
  );
}

describe("a disk with faults", { concurrency: true }, () => {
  test("wherever in a batch the disk is full: intents are refused and absent, outcomes are there", async (context) => {
    const root = freshDirectory(context);
    const disk = faultyFiles();
    const files = { ...disk.layer, sync: async () => {}, syncDirectory: async () => {} };
    let room = 0;
    for (let isFull = true; isFull; room++) {
      const dataDir = join(root, `${room}`);
      disk.room = Number.POSITIVE_INFINITY;
      const { journal, directory, faults } = await openTest(dataDir, { files });
      await journal.intent(cancel("before"));
      disk.room = room;
      const intents = [journal.intent(cancel("first")), journal.intent(cancel("second"))];
      journal.outcome(cancel("outcome"));
      const results = await Promise.all(intents.map(outcomeOf));
      await nextTurn();
      isFull = results[0] === "refused";
      assert.equal(results[1], results[0]);
      const rest = isFull ? ["outcome"] : ["first", "second", "outcome"];
      assert.deepEqual(requestsIn(directory), ["before", ...rest]);
      assert.equal(faults.length, isFull ? 1 : 0);
      if (isFull) assert.match(journal.unavailable() ?? "", /cannot write .*001\.ndjson: ENOSPC/);
      disk.room = Number.POSITIVE_INFINITY;
      await journal.close();
      assert.equal(verifyDirectory(dataDir).ok, true);
    }
    assert.ok(room > 500, `${room} places`);
  });

  test("while the reserve is gone intents are refused and outcomes pass; with room service resumes", async (context) => {
    const dataDir = freshDirectory(context);
    const disk = faultyFiles();
    const { journal, directory, faults } = await openTest(dataDir, { files: disk.layer });
    const reserve = join(directory, "reserve");
    assert.equal(statSync(reserve).size, RESERVE_BYTES);
    await journal.intent(cancel("before"));
    disk.room = 10;
    assert.equal(await outcomeOf(journal.intent(cancel("refused"))), "refused");
    assert.equal(statSync(reserve).size, 0);
    for (let index = 0; index < 20; index++) {
      journal.outcome(cancel(`outcome ${index}`));
      await nextTurn();
    }
    const expected = ["before", ...Array.from({ length: 20 }, (_, index) => `outcome ${index}`)];
    assert.deepEqual(requestsIn(directory), expected);
    assert.equal(await outcomeOf(journal.intent(cancel("refused"))), "refused");

    // Room for a line, but not for the reserve: nothing that promises more is begun.
    disk.room = RESERVE_BYTES - 1;
    await new Promise((resolve) => {
      setTimeout(resolve, 600);
    });
    assert.notEqual(journal.unavailable(), null);
    disk.room = 1 << 20;
    await until(() => journal.unavailable() === null);
    assert.equal(statSync(reserve).size, RESERVE_BYTES);
    await journal.intent(cancel("after"));
    await journal.close();
    assert.deepEqual(requestsIn(directory), [...expected, "after"]);
    const [, ...later] = faults.filter((fault) => !fault.message.includes("/head"));
    assert.deepEqual(
      later.map((fault) => fault.level),
      ["info"],
    );
    assert.equal(
      recordsIn(directory).some((record) => record.type === "gap"),
      false,
    );
    assert.equal(verifyDirectory(dataDir).ok, true);
  });

  test("without any room outcomes wait in order, and are written when there is some", async (context) => {
    const dataDir = freshDirectory(context);
    const disk = faultyFiles();
    const { journal, directory } = await openTest(dataDir, {
      files: disk.layer,
      reserveBytes: 200,
    });
    disk.room = 0;
    for (let index = 0; index < 5; index++) {
      journal.outcome(cancel(`${index}`));
      await nextTurn();
    }
    assert.ok(requestsIn(directory).length < 5);
    disk.room = 1 << 20;
    journal.outcome(cancel("5"));
    await nextTurn();
    assert.deepEqual(requestsIn(directory), ["0", "1", "2", "3", "4", "5"]);
    await journal.close();
    assert.equal(verifyDirectory(dataDir).ok, true);
  });

  test("refusals do not use up the reserve: they wait, and what is too much is counted in a gap", async (context) => {
    const dataDir = freshDirectory(context);
    const disk = faultyFiles();
    const { journal, directory } = await openTest(dataDir, { files: disk.layer });
    disk.room = 0;
    assert.equal(await outcomeOf(journal.intent(cancel("refused"))), "refused");
    for (let index = 0; index < 10_003; index++) journal.outcome(refuse(`r${index}`));
    journal.outcome(cancel("settled"));
    await nextTurn();
    assert.deepEqual(requestsIn(directory), ["settled"]);
    disk.room = Number.POSITIVE_INFINITY;
    await until(
      () =>
        journal.unavailable() === null && journal.lagMs() === 0 && journal.writtenSeq() > 10_001,
    );
    await journal.close();
    assert.deepEqual(requestsIn(directory).slice(0, 3), ["settled", "r0", "r1"]);
    const last = recordsIn(directory).at(-1);
    assert.ok(last?.type === "gap" && last.reason === "disk_full");
    assert.match(last.detail, /^3 records of refused requests/);
  });

  test("a short write is gone on with", async (context) => {
    const dataDir = freshDirectory(context);
    const disk = faultyFiles();
    const { journal, directory } = await openTest(dataDir, { files: disk.layer });
    disk.writeBytesMax = 7;
    await Promise.all([journal.intent(cancel("a")), journal.intent(cancel("b"))]);
    assert.deepEqual(requestsIn(directory), ["a", "b"]);
    await journal.close();
    assert.equal(verifyDirectory(dataDir).ok, true);
  });

  for (const code of ["EIO", "EROFS"]) {
    test(`${code} on a write refuses intents and keeps outcomes until the disk works again`, async (context) => {
      const dataDir = freshDirectory(context);
      const disk = faultyFiles();
      const { journal, directory, faults } = await openTest(dataDir, { files: disk.layer });
      disk.fail("write", code, /./);
      if (code === "EROFS") disk.fail("truncate", code, /./);
      journal.outcome(cancel("kept"));
      assert.equal(await outcomeOf(journal.intent(cancel("refused"))), "refused");
      assert.match(
        journal.unavailable() ?? "",
        new RegExp(`00000001\\.ndjson: ${code} \\(injected\\)`),
      );
      assert.equal(await outcomeOf(journal.intent(cancel("refused"))), "refused");
      disk.heal("write");
      disk.heal("truncate");
      await until(() => journal.unavailable() === null);
      await journal.intent(cancel("after"));
      await journal.close();
      assert.deepEqual(requestsIn(directory), ["kept", "after"]);
      assert.deepEqual(
        faults.map((fault) => fault.level),
        ["error", "info"],
      );
      assert.equal(verifyDirectory(dataDir).ok, true);
    });
  }

  test("where a torn end cannot be cut off nothing is written, and no intent is told before it is certain", async (context) => {
    const dataDir = freshDirectory(context);
    const disk = faultyFiles();
    const { journal, directory } = await openTest(dataDir, { files: disk.layer });
    await journal.intent(cancel("before"));
    disk.room = 250;
    disk.fail("truncate", "EIO", SEGMENT);
    const whole = journal.intent(cancel("its line is whole in the file"));
    const torn = journal.intent(cancel("torn"));
    let told = 0;
    const results = [whole, torn].map((intent) => outcomeOf(intent).finally(() => told++));
    journal.outcome(cancel("outcome"));
    await nextTurn();
    disk.room = 1 << 20;
    journal.outcome(cancel("outcome 2"));
    await nextTurn();
    assert.equal(told, 0);
    assert.match(journal.unavailable() ?? "", /cut the torn end off/);
    assert.equal(await outcomeOf(journal.intent(cancel("later"))), "refused");
    disk.heal("truncate");
    await until(() => journal.unavailable() === null);
    assert.deepEqual(await Promise.all(results), ["refused", "refused"]);
    await journal.intent(cancel("after"));
    await journal.close();
    assert.deepEqual(requestsIn(directory), ["before", "outcome", "outcome 2", "after"]);
    assert.equal(verifyDirectory(dataDir).ok, true);
  });

  test("under disk a failed sync takes the batch back and begins a new segment", async (context) => {
    const dataDir = freshDirectory(context);
    const disk = faultyFiles();
    const { journal, directory } = await openTest(dataDir, {
      files: disk.layer,
      durability: "disk",
    });
    await journal.intent(cancel("before"));
    disk.fail("sync", "EIO", SEGMENT);
    const intent = outcomeOf(journal.intent(cancel("refused")));
    journal.outcome(cancel("kept"));
    assert.equal(await intent, "refused");
    assert.match(journal.unavailable() ?? "", /cannot sync .*: EIO/);
    assert.deepEqual(requestsIn(directory), ["before"]);
    assert.equal(journal.writtenSeq(), 1);
    disk.heal("sync");
    await until(() => journal.unavailable() === null);
    await journal.intent(cancel("after"));
    assert.deepEqual(listSegments(directory), [1, 2]);
    assert.deepEqual(requestsIn(directory), ["before", "kept", "after"]);
    await journal.close();
    assert.equal(verifyDirectory(dataDir).ok, true);
  });

  test("under os a failed background sync refuses intents, writes the bytes anew, and resumes", async (context) => {
    const dataDir = freshDirectory(context);
    const disk = faultyFiles();
    const { journal, directory, sync } = await openTest(dataDir, { files: disk.layer });
    await journal.intent(cancel("before"));
    disk.fail("sync", "EIO", SEGMENT);
    await assert.rejects(sync(), JournalUnavailable);
    assert.equal(await outcomeOf(journal.intent(cancel("refused"))), "refused");
    journal.outcome(cancel("outcome"));
    await nextTurn();
    assert.deepEqual(requestsIn(directory), ["before", "outcome"]);
    disk.calls.length = 0;
    disk.heal("sync");
    await until(() => journal.unavailable() === null);
    const rewritten = disk.calls.filter((call) => call.startsWith("write 00000001.ndjson"));
    assert.equal(rewritten.length, 2);
    await journal.intent(cancel("after"));
    await journal.close();
    assert.deepEqual(requestsIn(directory), ["before", "outcome", "after"]);
    assert.equal(verifyDirectory(dataDir).ok, true);
  });

  test("where no new segment can be made, outcomes go on in the old one", async (context) => {
    const dataDir = freshDirectory(context);
    const disk = faultyFiles();
    const { journal, directory } = await openTest(dataDir, {
      files: disk.layer,
      segmentBytes: 100,
    });
    await journal.intent(cancel("1"));
    disk.fail("open", "EMFILE", /00000002\.ndjson$/);
    journal.outcome(cancel("2"));
    assert.equal(await outcomeOf(journal.intent(cancel("refused"))), "refused");
    await nextTurn();
    assert.deepEqual(requestsIn(directory), ["1", "2"]);
    disk.heal("open");
    await until(() => journal.unavailable() === null);
    await journal.intent(cancel("3"));
    await journal.close();
    assert.deepEqual(
      [listSegments(directory), requestsIn(directory)],
      [
        [1, 2],
        ["1", "2", "3"],
      ],
    );
    assert.equal(verifyDirectory(dataDir).ok, true);
  });

  test("a head that cannot be written is told once and stops nothing", async (context) => {
    const dataDir = freshDirectory(context);
    const disk = faultyFiles();
    const { journal, sync, faults, directory } = await openTest(dataDir, { files: disk.layer });
    disk.fail("rename", "EIO", /head$/);
    for (let index = 0; index < 3; index++) {
      await journal.intent(cancel(`${index}`));
      await assert.rejects(sync(), JournalUnavailable);
    }
    assert.deepEqual([journal.unavailable(), faults.length], [null, 1]);
    disk.heal("rename");
    await sync();
    await journal.close();
    assert.equal(requestsIn(directory).length, 3);
    assert.equal(verifyDirectory(dataDir).nodes[0]?.head?.seq, 3);
  });

  test("a full disk does not keep the journal from opening", async (context) => {
    const dataDir = freshDirectory(context);
    const first = await openTest(dataDir);
    await first.journal.intent(cancel("1"));
    await first.journal.close();
    const disk = faultyFiles();
    disk.room = 0;
    const { journal, directory, faults } = await openTest(dataDir, {
      files: disk.layer,
      reserveBytes: 9000,
    });
    assert.equal(faults.length, 2);
    assert.equal(await outcomeOf(journal.intent(cancel("refused"))), "refused");
    disk.room = 1 << 20;
    await until(() => journal.unavailable() === null);
    await journal.intent(cancel("2"));
    await journal.close();
    assert.deepEqual(requestsIn(directory), ["1", "2"]);
    assert.equal(verifyDirectory(dataDir).nodes[0]?.head?.clean, true);
  });

  test(
    "a stop that cannot write what waits says how much that is",
    { timeout: 20_000 },
    async (context) => {
      const dataDir = freshDirectory(context);
      const disk = faultyFiles();
      const { journal, directory } = await openTest(dataDir, { files: disk.layer });
      await journal.intent(cancel("1"));
      disk.fail("write", "EIO", /./);
      journal.outcome(cancel("2"));
      journal.outcome(cancel("3"));
      await assert.rejects(
        journal.close(),
        /2 records were not written before the stop: cannot write .*EIO/,
      );
      const report = verifyDirectory(dataDir);
      assert.deepEqual(
        [report.ok, report.nodes[0]?.head?.clean, requestsIn(directory)],
        [true, undefined, ["1"]],
      );
    },
  );
});
