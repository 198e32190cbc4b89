import assert from "node:assert/strict";
import { test } from "node:test";
import type { Journal } from "../../src/journal/journal.ts";
import { verifyDirectory } from "../../src/journal/verify.ts";
import { unsyncedFiles } from "./faulty-files.ts";
import { seededRandom } from "./random.ts";
import { cancel, freshDirectory, openTest, recordsIn, requestsIn } from "./records.ts";
import { VolatileFiles } from "./volatile-files.ts";

const RUNS = 30;
const SEED = 20261103;

for (const durability of ["disk", "os"] as const) {
  for (const manner of ["drop", "scatter"] as const) {
    const promise =
      durability === "disk" ? "every acknowledged intent is there" : "a prefix is there";
    test(`${durability}, power lost at any operation, unsynced bytes ${manner}: ${promise}`, async (context) => {
      const random = seededRandom(SEED);
      let acknowledgedInAll = 0;
      for (let run = 0; run < RUNS; run++) {
        const dataDir = freshDirectory(context);
        const files = new VolatileFiles();
        const { journal, directory } = await openTest(dataDir, {
          durability,
          segmentBytes: 1500,
          files: files.layer,
          bootId: "boot-1",
        });
        const acknowledged: string[] = [];
        const off = new Promise<"off">((resolve) => {
          let operations = 1 + Math.floor(random() * 60);
          files.onOperation = () => {
            operations--;
            if (operations !== 0) return;
            files.cutPower(manner, random);
            resolve("off");
          };
        });
        await writeUntil(off, journal, { random, acknowledged });
        acknowledgedInAll += acknowledged.length;

        const again = await openTest(dataDir, { files: unsyncedFiles, bootId: "boot-2" });
        const found = requestsIn(directory);
        if (durability === "disk") {
          const lost = acknowledged.filter((request) => !found.includes(request));
          assert.deepEqual(lost, [], `run ${run}`);
        }
        assert.deepEqual(
          found,
          Array.from({ length: found.length }, (_, index) => `${index}`),
        );
        assert.equal(again.recovered.powerLost, true);
        await again.journal.close();
        assert.ok(
          recordsIn(directory).some(
            (record) => record.type === "gap" && record.reason === "power_loss",
          ),
        );
        assert.deepEqual(verifyDirectory(dataDir).nodes[0]?.problems, []);
      }
      assert.ok(acknowledgedInAll > RUNS, `${acknowledgedInAll} acknowledged`);
    });
  }
}

async function writeUntil(
  off: Promise<"off">,
  journal: Journal,
  load: { readonly random: () => number; readonly acknowledged: string[] },
): Promise<void> {
  let next = 0;
  let state: "on" | "off" = "on";
  while (state === "on") {
    const batch = Array.from({ length: 1 + Math.floor(load.random() * 4) }, () => `${next++}`);
    const intents = batch.map(async (request) => {
      await journal.intent(cancel(request));
      load.acknowledged.push(request);
    });
    // Whoever waits when the power goes waits for ever.
    state = await Promise.race([off, Promise.allSettled(intents).then(() => "on" as const)]);
  }
}
