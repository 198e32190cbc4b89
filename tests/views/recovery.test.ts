/** The views are a fold and nothing else: killed, deleted, damaged, they come back the same. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { DatabaseSync } from "node:sqlite";
import { segmentPath } from "../../src/journal/layout.ts";
import { dump, makeFolder, openSynced } from "./opened-views.ts";
import type { Folder } from "./opened-views.ts";
import { randomJournal, seededRandom } from "./random-journal.ts";

const SEED = 77;

function folderOf(context: TestContext, requests: number): Folder {
  const shape = {
    requests,
    fromMs: Date.parse("2026-11-01T00:00:00Z"),
    stepMs: 900,
    costBelow: 10n ** 9n,
  };
  return makeFolder(context, randomJournal(seededRandom(SEED), shape));
}

async function folded(folder: Folder): Promise<string> {
  const views = await openSynced(folder);
  await views.close();
  return dump(folder.dataDir);
}

test("views killed again and again while they fold are the same as views that never were", async (context) => {
  const folder = folderOf(context, 4000);
  const random = seededRandom(SEED);
  const killed: number[] = [];
  for (let run = 0; run < 3; run++) {
    await killWhileFolding(folder, killed.at(-1) ?? 0, random.below(60));
    const database = new DatabaseSync(join(folder.dataDir, "views.sqlite"));
    const row = database.prepare("SELECT value FROM meta WHERE key = 'position'").get();
    killed.push(row === undefined ? 0 : (JSON.parse(String(row["value"])) as { seq: number }).seq);
    database.close();
  }
  context.diagnostic(`killed at lines ${killed.join(", ")} of ${folder.journal.seq()}`);
  assert.ok(
    killed.some((seq) => seq > 0 && seq < folder.journal.seq()),
    "no kill hit the fold",
  );
  const resumed = await folded(folder);
  rmSync(join(folder.dataDir, "views.sqlite"));
  assert.equal(resumed, await folded(folder));
  assert.deepEqual(folder.warnings, []);
});

/** Kills a process some milliseconds after it has got beyond a line. */
async function killWhileFolding(folder: Folder, beyondSeq: number, afterMs: number): Promise<void> {
  const { directory, seq } = folder.journal;
  const script = fileURLToPath(new URL("./views-process.ts", import.meta.url));
  const child = spawn(process.execPath, [script, folder.dataDir, directory, `${seq()}`]);
  const exited = once(child, "exit");
  for await (const told of child.stdout) {
    if (Number(String(told).trim().split("\n").at(-1)) > beyondSeq) break;
  }
  await pause(afterMs);
  child.kill("SIGKILL");
  await exited;
}

test("a rebuild gives the same rows, and views follow on afterwards", async (context) => {
  const folder = folderOf(context, 1500);
  const before = await folded(folder);
  const views = await openSynced(folder);
  await views.rebuild();
  assert.equal(views.status().appliedSeq, folder.journal.seq());
  await views.close();
  assert.equal(dump(folder.dataDir), before);
});

test("without being told of any line, a rebuild folds all that there is", async (context) => {
  const folder = folderOf(context, 300);
  const views = await folder.open();
  await views.rebuild();
  assert.equal(views.status().appliedSeq, folder.journal.seq());
});

test("a damaged database and one of another version are rebuilt", async (context) => {
  const folder = folderOf(context, 300);
  const file = join(folder.dataDir, "views.sqlite");
  const before = await folded(folder);
  writeFileSync(file, "no database at all, but long enough to look like a file of somebody");
  assert.equal(await folded(folder), before);
  const database = new DatabaseSync(file);
  database.exec("DROP TABLE requests; PRAGMA user_version = 999");
  database.close();
  assert.equal(await folded(folder), before);
  assert.equal(folder.warnings.length, 2);
});

test("a database that is damaged inside is rebuilt when the fold meets the damage", async (context) => {
  const folder = folderOf(context, 300);
  await folded(folder);
  const database = new DatabaseSync(join(folder.dataDir, "views.sqlite"));
  database.exec("DROP TABLE usage_quarters");
  database.close();
  folder.journal.append(
    randomJournal(seededRandom(5), { requests: 50, fromMs: 1e12, stepMs: 9, costBelow: 9n }),
  );
  const views = await openSynced(folder);
  await views.close();
  const healed = dump(folder.dataDir);
  rmSync(join(folder.dataDir, "views.sqlite"));
  assert.equal(healed, await folded(folder));
});

test("views that hold lines which the journal has lost begin anew", async (context) => {
  const folder = folderOf(context, 400);
  await folded(folder);
  const path = segmentPath(folder.journal.directory, 1);
  const text = readFileSync(path, "utf8");
  truncateSync(path, Buffer.byteLength(text.slice(0, text.lastIndexOf("\n", text.length / 2) + 1)));
  const kept = readFileSync(path, "utf8").split("\n").length - 1;
  const views = await folder.open();
  assert.equal(views.status().appliedSeq, 0);
  await views.sync(kept);
  assert.equal(views.status().appliedSeq, kept);
  assert.match(folder.warnings.join(), /not the one they knew/);
});

test("a journal with a changed line is told, and holds the views at the line before", async (context) => {
  const folder = folderOf(context, 400);
  const path = segmentPath(folder.journal.directory, 1);
  const intact = `${path}-intact`;
  copyFileSync(path, intact);
  const lines = readFileSync(path, "utf8").split("\n");
  lines[500] = (lines[500] ?? "").replace('"time":"2026', '"time":"2025');
  writeFileSync(path, lines.join("\n"));
  const views = await folder.open();
  await assert.rejects(views.sync(folder.journal.seq()), /ViewsUnavailable|prev is not the hash/);
  const { error, failures, appliedSeq } = views.status();
  assert.match(error ?? "", /prev is not the hash/);
  assert.ok(failures > 0 && appliedSeq < 502);
  // In one step: the views try again at any moment, and one try may have read what was there before.
  renameSync(intact, path);
  await views.sync(folder.journal.seq()).catch(() => views.sync(folder.journal.seq()));
  assert.deepEqual(
    { ...views.status(), position: null, skipped: 0 },
    {
      appliedSeq: folder.journal.seq(),
      position: null,
      lagMs: 0,
      skipped: 0,
      failures: 0,
      error: null,
    },
  );
});

test("views that cannot be opened stop nothing, say why, and come when they can", async (context) => {
  const folder = folderOf(context, 10);
  const moved = `${folder.dataDir}-moved`;
  renameSync(folder.dataDir, moved);
  const views = await folder.open();
  views.notify(folder.journal.seq());
  assert.match(views.status().error ?? "", /ENOENT/);
  await assert.rejects(views.request("req_1"), { name: "ViewsUnavailable" });
  renameSync(moved, folder.dataDir);
  // It tries again by itself, after a pause that doubles.
  while (views.status().appliedSeq < folder.journal.seq()) await pause(10);
  assert.equal(views.status().error, null);
});
