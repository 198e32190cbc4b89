import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { JournalUnavailable } from "../../src/journal/journal.ts";
import { verifyDirectory } from "../../src/journal/verify.ts";
import { cancel, freshDirectory, openTest, recordsIn, requestsIn, until } from "./records.ts";

const DISK_BYTES = 1 << 20;
const RESERVE_BYTES = 128 * 1024;

/** Mounts a small file system of its own; false where this user may not. */
function mounted(path: string): boolean {
  mkdirSync(path);
  const options = ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", path];
  return spawnSync("mount", options, { stdio: "ignore" }).status === 0;
}

test("a real disk that fills up: intents refused, outcomes written from the reserve, service resumes", async (context) => {
  const disk = join(freshDirectory(context), "disk");
  if (!mounted(disk)) {
    context.skip("mounting a tmpfs needs root");
    return;
  }
  try {
    await fillUp(disk);
  } finally {
    spawnSync("umount", ["--lazy", disk]);
  }
});

async function fillUp(disk: string): Promise<void> {
  const { journal, directory, position } = await openTest(disk, { reserveBytes: RESERVE_BYTES });
  const ballast = join(disk, "ballast");
  writeFileSync(ballast, Buffer.alloc(DISK_BYTES / 2, 1));

  let admitted = 0;
  let refused: unknown = null;
  while (refused === null) {
    const batch = Array.from({ length: 16 }, (_, index) =>
      journal.intent(cancel(`i${admitted + index}`)),
    );
    const results = await Promise.allSettled(batch);
    admitted += results.filter((result) => result.status === "fulfilled").length;
    refused = results.find((result) => result.status === "rejected")?.reason ?? null;
  }
  assert.ok(refused instanceof JournalUnavailable);
  assert.match(refused.message, /ENOSPC \(no space left on device\)/);
  for (let index = 0; index < admitted && index < 300; index++)
    journal.outcome(cancel(`o${index}`));
  await until(() => journal.lagMs() === 0 && position() !== null);
  const outcomes = requestsIn(directory).filter((request) => request.startsWith("o"));
  assert.equal(outcomes.length, Math.min(admitted, 300));
  assert.notEqual(journal.unavailable(), null);

  rmSync(ballast);
  await until(() => journal.unavailable() === null);
  assert.equal(statSync(join(directory, "reserve")).size, RESERVE_BYTES);
  await journal.intent(cancel("after"));
  await journal.close();
  const requests = requestsIn(directory);
  assert.equal(requests.filter((request) => request.startsWith("i")).length, admitted);
  assert.equal(requests.at(-1), "after");
  assert.equal(
    recordsIn(directory).some((record) => record.type === "gap"),
    false,
  );
  assert.equal(verifyDirectory(disk).ok, true);
}
