import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { verifyDirectory } from "../../src/journal/verify.ts";
import { seededRandom } from "./random.ts";
import { freshDirectory, openTest, requestsIn } from "./records.ts";

const KILLS = 30;
const SEED = 1103;

/** Lets a process write until it is killed; gives what it said was durable. */
async function writeAndKill(dataDir: string, run: number, afterMs: number): Promise<string[]> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, "endless-writer.ts"), dataDir, `${run}`],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (said === "") void sleep(afterMs).then(() => child.kill("SIGKILL"));
    said += text;
  });
  await new Promise((resolve) => {
    child.on("close", resolve);
  });
  assert.equal(child.signalCode, "SIGKILL");
  return said
    .slice(0, said.lastIndexOf("\n") + 1)
    .split("\n")
    .slice(0, -1);
}

async function killRepeatedly(dataDir: string, seed: number): Promise<number> {
  const random = seededRandom(seed);
  const acknowledged: string[] = [];
  for (let run = 0; run < KILLS / 2; run++) {
    acknowledged.push(...(await writeAndKill(dataDir, run, random() * 40)));
    assert.deepEqual(verifyDirectory(dataDir).nodes[0]?.problems, [], `run ${run}`);
  }
  const { journal, directory } = await openTest(dataDir);
  await journal.close();
  const requests = requestsIn(directory);
  const found = new Set(requests);
  assert.equal(found.size, requests.length);
  assert.deepEqual(
    acknowledged.filter((request) => !found.has(request)),
    [],
  );
  assert.equal(verifyDirectory(dataDir).ok, true);
  return acknowledged.length;
}

test(`after each of ${KILLS} kill -9 every acknowledged intent is there, once, and the chain holds`, async (context) => {
  const counts = await Promise.all(
    [SEED, SEED + 1].map((seed) => killRepeatedly(freshDirectory(context), seed)),
  );
  for (const count of counts) assert.ok(count > KILLS * 10, `${count} acknowledged`);
});
